// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package loadgen

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// How the generator sends. Live makes the kernel run a program that sends
// frames by itself (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, Linux
// 5.18): the cheapest way, but only into interfaces that take frames without
// packet buffers of the kernel. Windowed does the same, but waits for frames to
// come back to the sink before it sends more. Sockets sends through packet
// sockets.
const (
	Live     = "live XDP frames"
	Windowed = "live XDP frames, windowed"
	Sockets  = "packet socket"
)

const (
	// burst is how many frames one call sends.
	burst = 64
	// rounds is how many bursts of live frames one call sends at full speed.
	rounds   = 512
	liveFlag = 1 << 1
)

// Generator sends frames out of Far, on a thread of its own.
type Generator struct {
	stop atomic.Bool
	over chan error
}

// Generate starts to send copies of a frame, as fast as possible or, if rate is
// not 0, so many a second, on a core.
func (s *Site) Generate(how string, frame []byte, rate float64, core int) *Generator {
	g := &Generator{over: make(chan error, 1)}
	go func() {
		g.over <- s.far(func(l netlink.Link) error {
			if err := sys.PinThread(sys.ThreadID(), core); err != nil {
				return err
			}
			if how == Live || how == Windowed {
				return s.sendLive(g, how == Windowed, l.Attrs().Index, frame, rate)
			}
			return g.sockets(frame, rate)
		})
	}()
	return g
}

// Stop ends the sending and returns what went wrong with it.
func (g *Generator) Stop() error {
	g.stop.Store(true)
	if err := <-g.over; err != nil {
		return fmt.Errorf("generator: %w", err)
	}
	return nil
}

// paced calls send again and again, with how many frames to send, until it is
// stopped. It keeps the rate in the mean.
func (g *Generator) paced(rate float64, most int, send func(n int) error) error {
	start, sent := time.Now(), 0.0
	for !g.stop.Load() {
		n := most
		if rate > 0 {
			due := rate*time.Since(start).Seconds() - sent
			if due < 1 {
				time.Sleep(20 * time.Microsecond)
				continue
			}
			n = min(int(due), most)
			sent = max(sent, rate*time.Since(start).Seconds()-float64(4*most)) // what is late by far is never sent
			sent += float64(n)
		}
		if err := send(n); err != nil {
			return err
		}
	}
	return nil
}

// liveContext is the kernel's struct xdp_md.
type liveContext struct{ Data, DataEnd, DataMeta, Ifindex, Queue, Egress uint32 }

func (s *Site) sendLive(g *Generator, waits bool, ifindex int, frame []byte, rate float64) (err error) {
	var w *windowed
	if waits {
		if w, err = s.window(); err != nil {
			return err
		}
		defer w.close()
		if err := w.settle(); err != nil {
			return err
		}
	}
	prog, err := liveProgram(w)
	if err != nil {
		return err
	}
	defer func() { _ = prog.Close() }()
	release := hold(prog)
	defer release()
	most := rounds * burst
	if waits {
		most = windowRounds * burst
	}
	if rate > 0 {
		most = burst
	}
	return g.paced(rate, most, func(n int) error {
		if waits && n > burst {
			if err := w.settle(); err != nil {
				return err
			}
		}
		_, err := prog.Run(&ebpf.RunOptions{Data: frame, Repeat: uint32(n), Flags: liveFlag,
			Context: liveContext{DataEnd: uint32(len(frame)), Ifindex: uint32(ifindex)}})
		return err
	})
}

// hold keeps a program among those that the kernel calls directly. Otherwise
// each run puts it there and takes it away again, which stops all cores twice
// while the kernel rewrites its code: half of the generator's time, and some of
// what is measured. The loopback interface of the namespace carries nothing.
func hold(prog *ebpf.Program) (release func()) {
	l, err := netlink.LinkByName("lo")
	if err != nil {
		return func() {}
	}
	held, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: l.Attrs().Index, Flags: link.XDPGenericMode})
	if err != nil {
		return func() {} // only slower
	}
	return func() { _ = held.Close() }
}

func (g *Generator) sockets(frame []byte, rate float64) error {
	out, err := pktio.OpenInterface(Far, pktio.InterfaceOptions{Send: true, Bypass: true})
	if err != nil {
		return err
	}
	defer out.Close()
	pool, err := packet.NewPool(1024)
	if err != nil {
		return err
	}
	defer pool.Close()
	c := pool.NewCache()
	var b packet.Batch
	return g.paced(rate, burst, func(n int) error {
		c.AllocBatch(&b, n, len(frame))
		for _, p := range b.Packets() {
			copy(p.Bytes(), frame)
		}
		sent := out.Send(0, c, b.Packets())
		c.FreeAll(b.Packets()[sent:])
		b.Clear()
		return nil
	})
}

// lateProbe is how long a probe may be on the way.
const lateProbe = 100 * time.Millisecond

// Probe sends single frames out of Far, one every interval, and returns how
// long each took to come back, and how many did not within a tenth of a second.
func (s *Site) Probe(ctx context.Context, count int, interval time.Duration, core int) (took []time.Duration, lost int, err error) {
	err = s.probing(ctx, count, core, func(fd, ifindex int, frame []byte) error {
		d, err := probeOnce(fd, ifindex, frame)
		switch {
		case err != nil:
			return err
		case d > 0:
			took = append(took, d)
		default:
			lost++
		}
		time.Sleep(interval)
		return nil
	})
	return took, lost, err
}

// probing calls f with each of count probes, a socket to send it by and to
// receive it from, and the interface to send it out of.
func (s *Site) probing(ctx context.Context, count, core int, f func(fd, ifindex int, frame []byte) error) error {
	return s.far(func(far netlink.Link) error {
		end, err := netlink.LinkByName(s.end)
		if err != nil {
			return err
		}
		if err := sys.PinThread(sys.ThreadID(), core); err != nil {
			return err
		}
		sys.FineTimers()
		fd, err := probeSocket(end.Attrs().Index)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		for i := range count {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(fd, far.Attrs().Index, probe(uint32(i))); err != nil {
				return err
			}
		}
		return nil
	})
}

// probeAddress is that of probes at an interface.
func probeAddress(ifindex int) *unix.SockaddrLinklayer {
	return &unix.SockaddrLinklayer{Protocol: probeType>>8 | probeType&0xff<<8, Ifindex: ifindex}
}

// probeSocket returns a socket that receives probes from an interface.
func probeSocket(ifindex int) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	tv := unix.NsecToTimeval(int64(lateProbe))
	if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	if err == nil {
		err = unix.Bind(fd, probeAddress(ifindex))
	}
	if err != nil {
		_ = unix.Close(fd)
	}
	return fd, err
}

// probeOnce sends a probe and returns how long it took to come back, 0 if it
// did not.
func probeOnce(fd, ifindex int, frame []byte) (time.Duration, error) {
	buf := make([]byte, 2048)
	start := time.Now()
	if err := unix.Sendto(fd, frame, 0, probeAddress(ifindex)); err != nil {
		return 0, os.NewSyscallError("sendto", err)
	}
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		d := time.Since(start)
		if err == nil && n >= len(frame) && [4]byte(buf[14:18]) == [4]byte(frame[14:18]) {
			return d, nil
		}
		if err != nil && err != unix.EINTR || d > lateProbe {
			return 0, nil
		}
	}
}

// probe is a frame of 60 bytes with a number.
func probe(n uint32) []byte {
	f := make([]byte, 60)
	copy(f, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, probeType >> 8, probeType & 0xff, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	return f
}
