// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
)

func TestBothWays(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
		var want [][]byte
		for i, n := range []int{14, 15, 59, 60, 61, 64, 128, 1513, 1514} {
			want = append(want, frame(n, byte(i)))
		}
		for range 20 { // every frame of the rings is used more than once
			k.put(want...)
			k.same(k.recv(len(want)), want)
			for q := range k.near.queues {
				if n := k.send(q, want...); n != len(want) {
					t.Fatalf("%d packets sent of %d", n, len(want))
				}
				k.same(k.get(len(want)), want)
			}
		}
		if in, out := k.near.Dropped(); in != 0 || out != 0 {
			t.Errorf("%d and %d dropped", in, out)
		}
		t.Log(k.near.Notes())
	})
}

// Whole batches go in one call.
func TestBatches(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
		var want [][]byte
		for i := range packet.BatchSize {
			want = append(want, frame(60, byte(i)))
		}
		if n := k.send(0, want...); n != len(want) {
			t.Fatalf("%d packets sent of %d", n, len(want))
		}
		k.same(k.get(len(want)), want)
		k.put(want...)
		k.same(k.recv(len(want)), want)
	})
}

func TestModes(t *testing.T) {
	for mode, note := range map[Mode]string{AutoMode: "AF_XDP, native mode, copy", Native: "native mode", Generic: "generic mode"} {
		k := connect(t, Options{Mode: mode})
		if !k.noted(note) || k.program() == 0 {
			t.Error(mode, describe(k.near.Notes()))
		}
		k.near.Close()
		if k.program() != 0 {
			t.Error(mode, "the program is still attached")
		}
	}
	k := lay(t, 1)
	err := k.ns.Run(func() error { _, err := Open("near", Options{ZeroCopy: choice.On}); return err })
	if errno.Code(err) != errno.ENOTSUP && errno.Code(err) != int(unix.EOPNOTSUPP) {
		t.Error(err)
	}
	if k.program() != 0 {
		t.Error("the program is still attached")
	}
}

// An interface whose driver does not know XDP is driven in generic mode, and
// the reason is told.
func TestFallsBack(t *testing.T) {
	k := lay(t, 1)
	k.ns.Do(func() (err error) { k.near, err = Open("lo", Options{Port: "p", Up: true}); return err })
	t.Cleanup(k.near.Close)
	if !k.noted("generic mode") || !k.noted("native mode: attach XDP program: ") {
		t.Error(describe(k.near.Notes()))
	}
	if err := k.ns.Run(func() error { _, err := Open("lo", Options{Mode: Native}); return err }); errno.Code(err) != errno.EBUSY {
		t.Error(err)
	}
	k.near.Close()
	if err := k.ns.Run(func() error { _, err := Open("lo", Options{Mode: Native}); return err }); err == nil || !strings.Contains(err.Error(), `interface "lo": native mode`) {
		t.Error(err)
	}
	err := k.ns.Run(func() error { _, err := Open("lo", Options{ZeroCopy: choice.On}); return err })
	if errno.Code(err) != int(unix.EOPNOTSUPP) || !strings.Contains(err.Error(), `interface "lo": zero_copy: on: needs native mode: `) {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	k := lay(t, 2)
	for _, c := range []struct {
		o    Options
		code int
		text string
	}{
		{Options{Queues: 3}, errno.EINVAL, "start_queue: 0: 3 queues from there on (num_inc_q, num_out_q), the interface has 2 queues"},
		{Options{StartQueue: 2}, errno.EINVAL, "start_queue: 2: 1 queue from there on (num_inc_q, num_out_q), the interface has 2 queues"},
		{Options{StartQueue: -1}, errno.EINVAL, "start_queue: -1: must be 0.."},
		{Options{FrameSize: 3000}, errno.EINVAL, "frame_size: 3000: must be 2048 or 4096"},
		{Options{Queues: 128, RxFrames: 4096, TxFrames: 4096}, errno.EINVAL, "would take 4096 MiB of locked memory: must not exceed 2048 MiB"},
		{Options{RxFrames: 63}, errno.EINVAL, "incoming frames: 63"},
		{Options{BusyPoll: 1001}, errno.EINVAL, "busy_poll: 1001: must be 0..1000"},
		{Options{Mode: Generic, ZeroCopy: choice.On}, errno.EINVAL, "zero_copy: on: is not possible in generic mode"},
	} {
		testenv.NoLeaks(t)
		err := k.ns.Run(func() error { _, err := Open("near", c.o); return err })
		if errno.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
	if k.program() != 0 {
		t.Error("a program is attached")
	}
}

// Somebody else's program is left alone.
func TestForeignProgram(t *testing.T) {
	k := connect(t, Options{})
	id := k.program()
	k.ns.Do(func() error {
		_, err := attach(k.near.host.Index(), 1, true)
		if errno.Code(err) != errno.EBUSY || !strings.Contains(err.Error(), "the interface has one already") {
			t.Error(err)
		}
		return nil
	})
	if k.program() != id {
		t.Error("the program was replaced")
	}
}

// Packets of a queue without socket go to the host.
func TestOtherQueuesGoToTheHost(t *testing.T) {
	k := lay(t, 2)
	k.open(Options{StartQueue: 1})
	var host int
	k.ns.Do(func() (err error) { host, err = socketAt("near"); return err })
	t.Cleanup(func() { _ = unix.Close(host) })
	if !k.noted("packets of other queues than 1..1 of its 2 go to the host") {
		t.Error(describe(k.near.Notes()))
	}
	buf := make([]byte, 2000)
	atHost, atPort := 0, 0
	testenv.Eventually(t, "packets of both queues arrive", func() bool {
		f := frame(60, 1)
		f[0] = byte(atHost+atPort) &^ 1 // some hash
		for i := range 16 {
			f[11] = byte(i)
			k.put(f)
		}
		if n, err := unix.Read(host, buf); err == nil && n == 60 {
			atHost++
		}
		k.b.Clear()
		atPort += k.near.Recv(0, k.c, &k.b, 64)
		k.c.FreeBatch(&k.b)
		// A sender of raw frames uses the queue of its core, which may always
		// be the same one.
		return atHost+atPort > 20
	})
	t.Log(atHost, atPort)
}

func TestCountsDrops(t *testing.T) {
	k := connect(t, Options{RxFrames: 64})
	var sent [][]byte
	for i := range 100 {
		sent = append(sent, frame(60, byte(i)))
	}
	k.put(sent...)
	testenv.Eventually(t, "drops are counted", func() bool { in, _ := k.near.Dropped(); return in == 36 })
	k.same(k.recv(64), sent[:64])
	k.put(sent[:5]...)
	k.same(k.recv(5), sent[:5])
	if in, _ := k.near.Dropped(); in != 36 {
		t.Errorf("%d dropped", in)
	}
}

func TestWithoutBuffers(t *testing.T) {
	k := connect(t, Options{})
	var held []packet.Packet
	for p := k.c.Alloc(); p != 0; p = k.c.Alloc() {
		held = append(held, p)
	}
	k.put(frame(60, 1), frame(60, 2))
	testenv.Eventually(t, "the packets are dropped", func() bool {
		in, _ := k.near.Dropped()
		return k.near.Recv(0, k.c, &k.b, 64) == 0 && in == 2
	})
	for _, p := range held {
		k.c.Free(p)
	}
	k.put(frame(60, 3))
	k.same(k.recv(1), [][]byte{frame(60, 3)})
}

// Packets that cannot be sent do not hold up others.
func TestRefusesFrames(t *testing.T) {
	k := connect(t, Options{})
	if n := k.send(0, frame(3000, 1), frame(60, 2), frame(13, 3), frame(60, 4), frame(1537, 5)); n != 2 {
		t.Fatalf("%d packets sent, want 2", n)
	}
	k.same(k.get(2), [][]byte{frame(60, 2), frame(60, 4)})
}

func (k *cable) mtu(n int) {
	for _, name := range []string{"near", "far"} {
		k.ns.Link(name, func(l netlink.Link) error { return netlink.LinkSetMTU(l, n) })
	}
}

// Frames longer than a buffer, or than a frame of the rings, are packets of
// several segments.
func TestLongFrames(t *testing.T) {
	for _, size := range []int{2048, 4096} {
		for _, mode := range []Mode{Native, Generic} {
			k := lay(t, 1)
			k.mtu(9000)
			k.open(Options{Mode: mode, FrameSize: size})
			want := [][]byte{frame(60, 0), frame(1792, 8), frame(1793, 9), frame(2047, 1), frame(2048, 2), frame(2049, 3), frame(4096, 7), frame(4097, 8),
				frame(9014, 4), frame(1948, 6), frame(60, 7)}
			for range 3 {
				k.put(want...)
				k.same(k.recv(len(want)), want)
				if n := k.send(0, want...); n != len(want) {
					t.Fatalf("%d packets sent", n)
				}
				k.same(k.get(len(want)), want)
			}
			if in, out := k.near.Dropped(); in != 0 || out != 0 {
				t.Errorf("%d and %d dropped", in, out)
			}
		}
	}
}

// Somebody else's change of the MTU counts.
func TestMTUChangesOutside(t *testing.T) {
	k := connect(t, Options{})
	k.mtu(3000)
	testenv.Eventually(t, "longer frames are sent", func() bool { return k.send(0, frame(3000, 1)) == 1 })
	k.same(k.get(1), [][]byte{frame(3000, 1)})
	k.mtu(1500)
	testenv.Eventually(t, "longer frames are not sent", func() bool { return k.send(0, frame(3000, 1)) == 0 })
}

func TestNotesTellQueues(t *testing.T) {
	k := connect(t, Options{Queues: 2, Incoming: 1})
	k.send(0, frame(60, 1))
	k.send(1, frame(60, 1), frame(60, 2), frame(60, 3))
	for _, want := range []string{"interface near: incoming queue 0: 0 packets, 0 dropped", "interface near: outgoing queue 0: 1 packets",
		"interface near: outgoing queue 1: 3 packets", "packets of other queues than 0..0 of its 2 go to the host"} {
		if !k.noted(want) {
			t.Errorf("%q is not in %q", want, k.near.Notes())
		}
	}
	if k.noted("incoming queue 1") {
		t.Error(k.near.Notes())
	}
}

func TestSettings(t *testing.T) {
	k := connect(t, Options{Promiscuous: true})
	var before netlink.LinkAttrs
	k.ns.Link("near", func(l netlink.Link) error { before = *l.Attrs(); return nil })
	if before.Promisc != 1 {
		t.Error("not promiscuous")
	}
	mac := net.HardwareAddr{2, 1, 2, 3, 4, 5}
	if err := k.near.SetConf(1400, mac, true); err != nil {
		t.Fatal(err)
	}
	if mtu, now := k.near.Address(); mtu != 1400 || now.String() != mac.String() {
		t.Error(mtu, now)
	}
	if n := k.send(0, frame(1423, 1), frame(1414, 2)); n != 1 {
		t.Errorf("%d packets sent, want 1", n)
	}
	k.same(k.get(1), [][]byte{frame(1414, 2)})
	if l := k.near.Link(); !l.Up || l.SpeedMbps != 10000 || !l.FullDuplex {
		t.Errorf("%+v", l)
	}
	k.near.Close()
	k.ns.Link("near", func(l netlink.Link) error {
		if a := l.Attrs(); a.MTU != before.MTU || a.HardwareAddr.String() != before.HardwareAddr.String() || a.Promisc != 0 {
			t.Errorf("%+v", a)
		}
		return nil
	})
}

// idle reports whether a worker could sleep on the descriptor.
func (k *cable) idle() bool {
	p := []unix.PollFd{{Fd: int32(k.near.WaitFD(0)), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 0
}

// works checks that packets go both ways, in a moment: either end forwards
// later than it says that it is up.
func (k *cable) works() {
	k.t.Helper()
	testenv.Eventually(k.t, "packets are received", func() bool {
		_ = unix.Send(k.far, frame(60, 2), 0)
		k.b.Clear()
		defer k.c.FreeBatch(&k.b)
		return k.near.Recv(0, k.c, &k.b, 64) > 0
	})
	testenv.Eventually(k.t, "packets are sent", func() bool { return k.send(0, frame(60, 3)) == 1 })
	k.get(1)
}

func TestDownAndUp(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
		for range 3 {
			k.ns.Up("near", false)
			testenv.Eventually(t, "the worker can sleep", k.idle)
			k.send(0, frame(60, 1))
			if k.near.Recv(0, k.c, &k.b, 64) != 0 || k.near.Link().Up || !k.noted("near is down") {
				t.Errorf("down, but %+v, %q", k.near.Link(), k.near.Notes())
			}
			k.ns.Up("near", true)
			k.works()
		}
	})
}

// What the kernel does not take when it is told goes as soon as it does, also if
// nobody uses the port meanwhile.
func TestOwedPackets(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
		for i := range 3 {
			k.ns.Up("near", false)
			frames := [][]byte{frame(60, byte(i)), frame(1000, byte(i))}
			if n := k.send(0, frames...); n != len(frames) {
				t.Fatalf("%d packets were put into the ring", n)
			}
			k.ns.Up("near", true)
			k.same(k.get(len(frames)), frames)
		}
	})
}

// A batch that is sent at once arrives as it is, and those before and after it
// that go one by one neither overtake it nor are overtaken: packets that are too
// few, too long for it, or that waited for the interface to be up.
func TestBurstsKeepTheOrder(t *testing.T) {
	k := connect(t, Options{Bursts: choice.On})
	k.ns.Up("near", false)
	k.ns.Link("near", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 9000) })
	k.ns.Link("far", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 9000) })
	testenv.Eventually(t, "the MTU is known", func() bool { return k.near.host.MTU() == 9000 })
	var want [][]byte
	add := func(n int, size func(i int) int) (some [][]byte) {
		for i := range n {
			some = append(some, frame(size(i), byte(len(want)+i)))
		}
		want = append(want, some...)
		return some
	}
	short := func(int) int { return 60 }
	batches := [][][]byte{
		add(30, short), add(3, short), add(20, func(i int) int { return 60 + 90*i }),
		add(40, func(i int) int { return 60 + i/20*4000 }), add(20, short), add(20, func(i int) int { return 3000 }), add(10, short),
	}
	if n := k.send(0, batches[0]...); n != len(batches[0]) {
		t.Fatalf("%d packets were put into the ring", n)
	}
	k.ns.Up("near", true)
	var got [][]byte
	due := len(batches[0])
	for i, b := range batches[1:] {
		if n := k.send(0, b...); n != len(b) {
			t.Fatalf("batch %d: %d packets sent of %d", i+1, n, len(b))
		}
		due += len(b)
		got = append(got, k.get(due-len(got))...) // the far end has no room for all
	}
	same(t, got, want)
	if !k.noted("batches are sent at once") {
		t.Errorf("%q", k.near.Notes())
	}
}

// Who insists on bursts is told where there are none.
func TestBurstsThatAreImpossible(t *testing.T) {
	k := lay(t, 2)
	k.ns.Do(func() error {
		_, err := Open("near", Options{Port: "port", Bursts: choice.On})
		if errno.Code(err) != errno.ENOTSUP || !strings.Contains(err.Error(), "bursts: on: the interface has 2 queues to send through") {
			t.Error(err)
		}
		return nil
	})
	k.open(Options{})
	if !k.noted("batches are not sent at once: the interface has 2 queues to send through") {
		t.Errorf("%q", k.near.Notes())
	}
}

// Whether there are bursts is decided anew when the interface comes again.
func TestBurstsWhenItComesBack(t *testing.T) {
	const yes, no = "interface near: batches are sent at once", "interface near: batches are not sent at once: the interface has 2 queues to send through"
	for _, how := range []choice.Choice{choice.Auto, choice.On} {
		k := lay(t, 1)
		k.open(Options{Bursts: how})
		for range 2 {
			if !k.noted(yes) || k.noted(no) {
				t.Errorf("%q", k.near.Notes())
			}
			k.ns.Delete("near")
			testenv.Eventually(t, "it is gone", func() bool { return !k.noted(yes) })
			k.connect(2)
			if how == choice.On {
				testenv.Eventually(t, "the reason is told", func() bool {
					return k.noted("interface near: not opened again: bursts: on: the interface has 2 queues to send through")
				})
				if n := k.send(0, many(20)...); n != 0 || k.program() != 0 {
					t.Errorf("%d sent, program %d", n, k.program())
				}
			} else {
				testenv.Eventually(t, "the reason is told", func() bool { return k.noted(no) })
				k.works()
			}
			k.ns.Delete("near")
			k.connect(1)
			testenv.Eventually(t, "there are bursts", func() bool { return k.noted(yes) && !k.noted("not opened") })
			k.works()
		}
	}
}

func TestRemovedAndCreatedAgain(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
		if err := k.near.SetConf(1400, nil, true); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			k.ns.Delete("near")
			testenv.Eventually(t, "it is noticed", func() bool { return k.noted("near is gone") })
			testenv.Eventually(t, "the worker can sleep", k.idle)
			k.send(0, frame(60, 3))
			if k.near.Recv(0, k.c, &k.b, 64) != 0 || k.near.Link().Up {
				t.Error("packets from nowhere")
			}
			k.connect(max(o.Queues, 1))
			testenv.Eventually(t, "it is back", func() bool { return !k.noted("near is gone") && k.noted("came back") })
			k.works()
			if mtu, _ := k.near.Address(); mtu != 1400 {
				t.Errorf("mtu %d", mtu)
			}
		}
		// What does not come back does not keep the port from closing.
		k.ns.Delete("near")
		testenv.Eventually(t, "it is noticed", func() bool { return k.noted("near is gone") })
	})
}

// An interface that comes back with too few queues is taken when it has them.
func TestComesBackDifferent(t *testing.T) {
	k := connect(t, Options{Queues: 2})
	k.ns.Delete("near")
	k.connect(1)
	testenv.Eventually(t, "the reason is told", func() bool {
		return k.noted("not opened again: start_queue: 0: 2 queues from there on (num_inc_q, num_out_q), the interface has 1 queue")
	})
	k.ns.Delete("near")
	k.connect(2)
	testenv.Eventually(t, "it is back", func() bool { return k.noted("came back 1 times") })
	k.works()
}

// A worker that sleeps on the descriptor wakes for packets of an interface
// that came later.
func TestWakesAfterComingBack(t *testing.T) {
	k := connect(t, Options{})
	fd := k.near.WaitFD(0)
	k.ns.Delete("near")
	k.connect(1)
	testenv.Eventually(t, "it is back", func() bool { return k.noted("came back") })
	testenv.Eventually(t, "the worker wakes", func() bool {
		_ = unix.Send(k.far, frame(60, 2), 0)
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 10)
		return err == nil && n == 1
	})
}

func TestDoesNotAllocate(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
		k.ns.Do(func() error { k.doesNotAllocate(t); return nil })
	})
}

func (k *cable) doesNotAllocate(t *testing.T) {
	f := frame(100, 1)
	if n := testing.AllocsPerRun(100, func() {
		for range 8 {
			_ = unix.Send(k.far, f, 0)
		}
		k.b.Clear()
		for k.b.Len() < 8 {
			for q := range k.near.queues {
				k.near.Recv(q, k.c, &k.b, packet.BatchSize)
			}
		}
		k.near.WaitFD(0)
		k.near.Send(0, k.c, k.b.Packets())
	}); n > 8 { // the address unix.Send passes on, once each
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		k.b.Clear()
		k.near.Recv(0, k.c, &k.b, 64)
		k.c.AllocBatch(&k.b, 8, 60)
		k.near.Send(0, k.c, k.b.Packets())
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPowerOfTwo(t *testing.T) {
	var got []int
	for _, n := range []int{0, 1, 2, 3, 64, 65, 1000} {
		got = append(got, powerOfTwo(n))
	}
	if !slices.Equal(got, []int{1, 1, 2, 4, 64, 128, 1024}) {
		t.Error(got)
	}
}
