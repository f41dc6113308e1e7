// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"log/slog"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/localsock"
)

// MaxQueues is the most queue pairs of a device: requests name rings by 8
// bits.
const MaxQueues = 128

// Options say what to open.
type Options struct {
	// Path of the socket; "@" in front makes it abstract.
	Path string
	// Front is for Open: the driver's side instead of the device's.
	Front bool
	// Client connects to the socket instead of listening at it.
	Client bool
	// Queues is the number of queue pairs, 1..MaxQueues.
	Queues int
	// Size is the number of buffers of each ring of a Front, a power of two,
	// 2..MaxSize. Rings of a Back have the size the front end says.
	Size int
	Log  *slog.Logger
}

// check checks the options and completes them.
func (o *Options) check() error {
	if !littleEndian {
		return errno.Errorf(errno.ENOTSUP, "virtio rings are not supported on a big-endian machine")
	}
	if o.Queues < 1 || o.Queues > MaxQueues {
		return errno.Errorf(errno.EINVAL, "queues: %d: must be 1..%d", o.Queues, MaxQueues)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return localsock.CheckPath(o.Path)
}

// Back is a virtio network device: what a machine's network card plugs into.
// It is there whether or not a front end is connected.
type Back struct {
	peer  peer
	rings []ring
}

// OpenBack opens a device.
func OpenBack(o Options) (*Back, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d, err := newBack(o)
	if err == nil {
		err = d.peer.open()
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// newBack returns a device that nobody can connect to yet.
func newBack(o Options) (*Back, error) {
	d := &Back{rings: make([]ring, 2*o.Queues)}
	d.peer = peer{path: o.Path, client: o.Client, serve: d.serve, log: o.Log}
	for i := range d.rings {
		if err := d.rings[i].init(d.peer.hangUp); err != nil {
			return d, err
		}
	}
	return d, nil
}

// Close hangs up and releases everything. No worker uses the device any more.
func (d *Back) Close() {
	d.peer.close()
	for i := range d.rings {
		d.rings[i].close()
	}
}

// offers are the features of this device.
func (d *Back) offers() uint64 {
	if len(d.rings) > 2 {
		return offered | featMQ
	}
	return offered
}

// WaitFD asks the driver to wake us when it sends something on queue q, and
// returns the descriptor that is readable then, or if it has done so already.
func (d *Back) WaitFD(q int) int {
	r := &d.rings[2*q+1]
	if r.arm() {
		signal(r.wait.FD())
	}
	return r.wait.WaitFD()
}

// RetryAfter says in how many nanoseconds queue q is to be looked at again, 0
// if its descriptor tells.
func (d *Back) RetryAfter(q int) uint64 {
	if d.rings[2*q+1].polled.Load() {
		return pollInterval
	}
	return 0
}

// pollInterval is for rings without descriptor, in nanoseconds.
const pollInterval = 100_000

// Up reports whether the driver uses at least one queue pair.
func (d *Back) Up() bool { return d.pairs() > 0 }

// pairs returns how many queue pairs the driver uses.
func (d *Back) pairs() int {
	n := 0
	for i := 0; i < len(d.rings); i += 2 {
		if d.rings[i].gate.what.Load() != nil && d.rings[i+1].gate.what.Load() != nil {
			n++
		}
	}
	return n
}

// Dropped returns how many packets of the driver were lost: for want of a
// buffer, or because their chain of descriptors made no sense.
func (d *Back) Dropped() uint64 {
	n := uint64(0)
	for i := range d.rings {
		n += d.rings[i].lost.Load()
		if i%2 == 1 {
			n += d.rings[i].malformed.Load()
		}
	}
	return n
}

// Notes describe the state of the device.
func (d *Back) Notes() []string {
	notes := d.peer.notes("front end")
	if d.pairs() > 0 {
		notes = append(notes, fmt.Sprintf("the driver uses %d of %d queue pairs", d.pairs(), len(d.rings)/2))
	}
	bad := uint64(0)
	for i := range d.rings {
		bad += d.rings[i].malformed.Load()
	}
	if bad > 0 {
		notes = append(notes, fmt.Sprintf("%d chains of descriptors made no sense", bad))
	}
	return notes
}
