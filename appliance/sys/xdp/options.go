// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// Mode is where the XDP program runs.
type Mode int

// The modes: the best that works, in the driver, or after the kernel has made
// packets of its own.
const (
	AutoMode Mode = iota
	Native
	Generic
)

// String returns the mode as messages spell it.
func (m Mode) String() string { return [...]string{"auto", "native", "generic"}[m] }

// ParseMode returns the mode that a word stands for, "" the default. Errors:
// EINVAL.
func ParseMode(word string) (Mode, error) {
	for _, m := range []Mode{AutoMode, Native, Generic} {
		if word == m.String() || word == "" {
			return m, nil
		}
	}
	return 0, errno.Errorf(errno.EINVAL, "mode: %q: must be auto, native or generic", word)
}

// Options say how an interface is opened. The zero value of each field is the
// default.
type Options struct {
	// Port is the name of the port that the interface is for.
	Port string
	// StartQueue is the first queue of the interface, Queues how many there
	// are (default 1).
	StartQueue, Queues int
	// Incoming is how many of the queues, from the first, are received from
	// (default all); packets of the others go to the host.
	Incoming int
	Mode     Mode
	// ZeroCopy lets the device itself access the frames.
	ZeroCopy choice.Choice
	// NoNeedWakeup has the kernel told about packets even when it looks for
	// them anyway.
	NoNeedWakeup bool
	// BusyPoll is for how many microseconds an idle look drives the device's
	// queue instead of an interrupt (0: does not), BusyPollBudget for how many
	// packets at once (default 64).
	BusyPoll, BusyPollBudget int
	// FrameSize is 2048 or 4096 bytes (default 4096); a longer packet takes
	// several frames.
	FrameSize int
	// RxFrames and TxFrames are the frames of each queue, powers of two
	// (default 1024).
	RxFrames, TxFrames int
	// SharedUMEM has the frames of all queues registered as one memory.
	SharedUMEM bool
	// Checksums has unfinished checksums completed; automatic means on
	// interfaces without hardware behind them.
	Checksums choice.Choice
	// Bursts has batches sent as package burst does, where that is decided;
	// automatic means only if the kernel copies.
	Bursts choice.Choice
	// Promiscuous has frames for others received, too.
	Promiscuous bool
	// Up makes sure the interface is up.
	Up bool
}

// Limits of Options.
const (
	DefaultFrames    = 1024
	MinFrames        = 64
	MaxFrames        = 1 << 15
	DefaultFrameSize = 4096
	MaxBusyPoll      = 1000
	DefaultBudget    = 64
	MaxBudget        = 1024
	// MaxMemory is what the frames of a Device may take, in bytes.
	MaxMemory = 2 << 30
)

// Check says what is wrong with options, whatever the interface. Errors: EINVAL.
func (o Options) Check() error { return o.complete() }

// complete fills in defaults and checks. Errors: EINVAL.
func (o *Options) complete() error {
	for _, f := range []struct {
		name        string
		v           *int
		def, lo, hi int
	}{
		{"start_queue", &o.StartQueue, 0, 0, 1 << 16},
		{"queues", &o.Queues, 1, 1, 1 << 10},
		{"busy_poll", &o.BusyPoll, 0, 0, MaxBusyPoll},
		{"busy_poll_budget", &o.BusyPollBudget, DefaultBudget, 1, MaxBudget},
		{"frame_size", &o.FrameSize, DefaultFrameSize, 2048, 4096},
		{"incoming frames", &o.RxFrames, DefaultFrames, MinFrames, MaxFrames},
		{"outgoing frames", &o.TxFrames, DefaultFrames, MinFrames, MaxFrames},
	} {
		if *f.v == 0 {
			*f.v = f.def
		}
		if *f.v < f.lo || *f.v > f.hi {
			return errno.Errorf(errno.EINVAL, "%s: %d: must be %d..%d", f.name, *f.v, f.lo, f.hi)
		}
	}
	if o.FrameSize != 2048 && o.FrameSize != 4096 {
		return errno.Errorf(errno.EINVAL, "frame_size: %d: must be 2048 or 4096", o.FrameSize)
	}
	if o.Mode == Generic && o.ZeroCopy == choice.On {
		return errno.Errorf(errno.EINVAL, "zero_copy: on: is not possible in generic mode")
	}
	if o.Incoming == 0 {
		o.Incoming = o.Queues
	}
	o.RxFrames, o.TxFrames = powerOfTwo(o.RxFrames), powerOfTwo(o.TxFrames)
	if n := o.Queues * (o.RxFrames + o.TxFrames) * o.FrameSize; n > MaxMemory {
		return errno.Errorf(errno.EINVAL, "frames: %d queues with %d incoming and %d outgoing frames of %d bytes would take %d MiB of locked memory: must not exceed %d MiB: "+
			"fewer queues, shorter ones (size_inc_q, size_out_q) or frames of 2048 bytes (frame_size) fit",
			o.Queues, o.RxFrames, o.TxFrames, o.FrameSize, n>>20, MaxMemory>>20)
	}
	return nil
}

// headroom is what the kernel leaves free in front of a packet that it
// receives (XDP_PACKET_HEADROOM).
const headroom = 256

// powerOfTwo returns the least power of two that is not less than n.
func powerOfTwo(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// explain adds to an error what usually is behind it.
func explain(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		if missing := hostif.MissingCapabilities(unix.CAP_NET_RAW, unix.CAP_NET_ADMIN, unix.CAP_BPF); missing != "" {
			return fmt.Errorf("%w: the daemon lacks %s", err, missing)
		}
	}
	if errors.Is(err, unix.ENOBUFS) {
		return fmt.Errorf("%w: without CAP_IPC_LOCK the limit of locked memory (ulimit -l) must hold all frames", err)
	}
	return err
}
