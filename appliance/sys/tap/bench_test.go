// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// BenchmarkForward receives packets from an interface, swaps the addresses and
// sends them back. One operation is one packet; only the time spent in that
// counts, not that of the program which makes the packets in between. The
// figure to compare is Mpps/core.
func BenchmarkForward(b *testing.B) {
	for _, size := range []int{60, 1514} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { forward(b, size) })
	}
}

func forward(b *testing.B, size int) {
	o := options()
	o.QueueLength = 1024
	k := stay(b, o)
	src := newSource(b, k, size)
	runtime.LockOSThread() // its CPU time is what counts: machines are shared
	defer runtime.UnlockOSThread()
	var took time.Duration
	done := 0
	b.ReportAllocs()
	for b.ResetTimer(); done < b.N; {
		src.fill()
		begun := cpuTime()
		for {
			n := k.d.Recv(0, k.c, &k.b, packet.BatchSize)
			if n == 0 {
				break
			}
			for _, p := range k.b.Packets() {
				f := p.Bytes()
				var mac [6]byte
				copy(mac[:], f[6:12])
				copy(f[6:12], f[:6])
				copy(f[:6], mac[:])
			}
			sent := k.d.Send(0, k.c, k.b.Packets())
			k.c.FreeAll(k.b.Packets()[sent:])
			k.b.Clear()
			done += n
		}
		took += cpuTime() - begun
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(done), "ns/op")
	b.ReportMetric(float64(done)/took.Seconds()/1e6, "Mpps/core")
}

// cpuTime returns what the calling thread has used.
func cpuTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}

// perFill is how many packets a source sends at once.
const perFill = 512

// source sends packets out of an interface.
type source struct {
	b    *testing.B
	sock int
	msgs *sys.Messages
}

func newSource(b *testing.B, k *rig, size int) *source {
	s := &source{b: b, sock: -1}
	k.away.Link(k.d.o.Name, func(l netlink.Link) (err error) {
		if s.sock, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s.sock, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return err
		}
		return unix.Bind(s.sock, &unix.SockaddrLinklayer{Ifindex: l.Attrs().Index})
	})
	mem, err := sys.Map(size)
	if err == nil {
		s.msgs, err = sys.NewMessages(perFill, perFill)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.msgs.Close(); sys.Unmap(mem); _ = unix.Close(s.sock) })
	copy(mem, frame(size, 1))
	for range perFill {
		s.msgs.Begin()
		s.msgs.Add(mem)
	}
	return s
}

func (s *source) fill() {
	for n := 0; n < perFill; {
		k, err := s.msgs.Send(s.sock, n)
		if err != 0 && err != unix.EAGAIN && err != unix.ENOBUFS {
			s.b.Fatal(err)
		}
		n += k
	}
}
