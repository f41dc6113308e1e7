// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/burst"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
)

func TestInterfaceBothWays(t *testing.T) {
	k := connect(t, both())
	var want [][]byte
	for i, n := range []int{14, 15, 59, 60, 61, 64, 128, 1513, 1514} {
		want = append(want, frame(n, byte(i)))
	}
	k.put(want...)
	same(t, k.recv(len(want)), want)
	if n := k.send(want...); n != len(want) {
		t.Fatalf("%d packets sent of %d", n, len(want))
	}
	same(t, k.get(len(want)), want)
	if n := k.near.Dropped(); n != 0 {
		t.Errorf("%d dropped", n)
	}
}

// The kernel takes the outer tag out of frames; it must be back.
func TestInterfaceRestoresTags(t *testing.T) {
	k := connect(t, both())
	tagged := func(n int, types ...uint16) []byte {
		f := frame(n, 7)
		at := 12
		for i, ty := range types {
			binary.BigEndian.PutUint16(f[at:], ty)
			binary.BigEndian.PutUint16(f[at+2:], 0xe000|uint16(100+i))
			at += 4
		}
		binary.BigEndian.PutUint16(f[at:], 0x88b5)
		return f
	}
	want := [][]byte{tagged(64, 0x8100), tagged(1518, 0x8100), tagged(64, 0x88a8), tagged(68, 0x88a8, 0x8100), tagged(20, 0x8100)}
	k.put(want...)
	same(t, k.recv(len(want)), want)
	k.send(want...)
	for _, got := range k.get(len(want)) {
		if i := slices.IndexFunc(want, func(w []byte) bool { return len(w) == len(got)+4 && bytes.Equal(w[16:], got[12:]) }); i < 0 {
			t.Errorf("sent %.20x…", got) // a plain socket does not see the tag
		}
	}
}

func TestInterfaceDoesNotHearItself(t *testing.T) {
	k := connect(t, both())
	k.send(frame(60, 1))
	k.ns.Do(func() error {
		host, err := socketAt("near")
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(host) }()
		return unix.Send(host, frame(60, 2), 0)
	})
	k.get(2)
	k.put(frame(60, 3))
	same(t, k.recv(1), [][]byte{frame(60, 3)})
}

func (k *cable) mtu(n int) {
	for _, name := range []string{"near", "far"} {
		k.ns.Link(name, func(l netlink.Link) error { return netlink.LinkSetMTU(l, n) })
	}
}

// Frames longer than a buffer are packets of several segments, whether they
// fit into the ring or not.
func TestInterfaceOfLongFrames(t *testing.T) {
	for _, inRing := range []bool{true, false} {
		k := connect(t, both())
		k.mtu(9000)
		if inRing {
			k.near.Close()
			k.open(both())
		}
		if !k.noted(map[bool]string{true: "of 9152 bytes", false: "of 1728 bytes"}[inRing]) {
			t.Fatal(k.near.Notes())
		}
		tag := frame(9018, 5)
		copy(tag[12:], []byte{0x81, 0, 0, 7, 0x88, 0xb5})
		want := [][]byte{frame(60, 0), frame(2047, 1), frame(2048, 2), frame(2049, 3), frame(9014, 4), tag, frame(1651, 6), frame(1652, 7), frame(1653, 8), frame(60, 9)}
		k.put(want...)
		same(t, k.recv(len(want)), want)
		if n := k.send(want[4], want[0]); n != 2 {
			t.Fatalf("%d packets sent", n)
		}
		same(t, k.get(2), [][]byte{want[4], want[0]})
		if n := k.near.Dropped(); n != 0 {
			t.Errorf("%d dropped", n)
		}
	}
}

// A frame for which there are no buffers leaves the queue of long frames, too.
func TestInterfaceWithoutBuffers(t *testing.T) {
	k := connect(t, both())
	k.mtu(9000)
	var held []packet.Packet
	for p := k.c.Alloc(); p != 0; p = k.c.Alloc() {
		held = append(held, p)
	}
	k.put(frame(60, 1), frame(9000, 2))
	testenv.Eventually(t, "the packets are dropped", func() bool {
		return k.near.Recv(0, k.c, &k.b, 64) == 0 && k.near.Dropped() == 2
	})
	for _, p := range held {
		k.c.Free(p)
	}
	want := [][]byte{frame(9000, 3), frame(60, 4)}
	k.put(want...)
	same(t, k.recv(2), want)
}

func TestInterfaceCountsDropsOfTheKernel(t *testing.T) {
	k := connect(t, InterfaceOptions{Receive: true, Frames: 32})
	if !k.noted("ring of 37 frames of 1728 bytes") {
		t.Fatal(k.near.Notes())
	}
	var sent [][]byte
	for i := range 100 {
		sent = append(sent, frame(60, byte(i)))
	}
	k.put(sent...)
	same(t, k.recv(37), sent[:37])
	for range 3 {
		if n := k.near.Dropped(); n != 63 {
			t.Fatalf("%d dropped, want 63", n)
		}
	}
	k.put(sent[:5]...)
	same(t, k.recv(5), sent[:5])
}

// Several times around a ring of several pieces of memory, nothing is lost or
// out of order.
func TestInterfaceGoesAroundItsRing(t *testing.T) {
	k := connect(t, InterfaceOptions{Receive: true, Frames: 100})
	if !k.noted("ring of 111 frames of 1728 bytes") {
		t.Fatal(k.near.Notes())
	}
	for round := range 8 {
		var sent [][]byte
		for i := range 50 {
			sent = append(sent, frame(60+i, byte(50*round+i)))
		}
		k.put(sent...)
		same(t, k.recv(50), sent)
	}
}

func TestInterfaceRefusesFramesBeyondItsMTU(t *testing.T) {
	k := connect(t, both())
	if n := k.send(frame(3000, 1), frame(60, 2), frame(13, 3), frame(60, 4)); n != 2 {
		t.Fatalf("%d packets sent, want 2", n)
	}
	same(t, k.get(2), [][]byte{frame(60, 2), frame(60, 4)})
}

// Batches that are sent at once arrive in order with what goes alone: before, in
// between, and when there is no other way.
func TestInterfaceSendsBursts(t *testing.T) {
	for _, how := range []choice.Choice{choice.Auto, choice.On, choice.Off} {
		o := both()
		o.Bursts = how
		k := connect(t, o)
		for _, size := range []func(i int) int{
			func(int) int { return 60 },
			func(i int) int { return 60 + 20*i },
			func(i int) int { return 1500 - 20*i },
		} {
			for _, n := range []int{64, 3, 20, burst.Least - 1, burst.Least} {
				var want [][]byte
				for i := range n {
					want = append(want, frame(size(i), byte(i)))
				}
				if sent := k.send(want...); sent != n {
					t.Fatalf("%d packets sent of %d", sent, n)
				}
				same(t, k.get(n), want)
			}
		}
		// One that is refused holds up no other.
		var mixed, want [][]byte
		for i := range 30 {
			f := frame(60, byte(i))
			if i == 12 || i == 20 {
				f = frame(3000, byte(i))
			} else {
				want = append(want, f)
			}
			mixed = append(mixed, f)
		}
		if n := k.send(mixed...); n != len(want) {
			t.Fatalf("%d packets sent, want %d", n, len(want))
		}
		same(t, k.get(len(want)), want)
		if said := strings.Contains(strings.Join(k.near.Notes(), "\n"), "are sent at once"); said != (how != choice.Off) {
			t.Errorf("bursts %d: %q", how, k.near.Notes())
		}
	}
}

// Whether there are bursts is decided anew when the interface comes again.
func TestBurstsWhenItComesAgain(t *testing.T) {
	const yes, no = "interface near: batches are sent at once", "interface near: batches are not sent at once: the interface has 2 queues to send through"
	for _, how := range []choice.Choice{choice.Auto, choice.On} {
		o := both()
		o.Bursts = how
		k := connect(t, o)
		again := func(queues int) {
			t.Helper()
			k.ns.Delete("near")
			k.ns.Do(func() error {
				a := netlink.NewLinkAttrs()
				a.Name, a.NumRxQueues, a.NumTxQueues = "near", queues, queues
				return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "far"})
			})
			k.ns.Up("near", true)
			k.ns.Up("far", true)
			_ = unix.Close(k.far)
			k.ns.Do(func() (err error) { k.far, err = socketAt("far"); return err })
		}
		if how == choice.Auto { // one that begins without gets them, too
			k.near.Close()
			again(2)
			k.open(o)
			if !k.noted(no) {
				t.Errorf("%q", k.near.Notes())
			}
			again(1)
			testenv.Eventually(t, "there are bursts", func() bool { return k.noted(yes) })
		}
		for range 2 {
			if !k.noted(yes) {
				t.Errorf("%q", k.near.Notes())
			}
			again(2)
			if how == choice.On {
				testenv.Eventually(t, "the reason is told", func() bool {
					return k.noted("interface near: not opened again: bursts: on: the interface has 2 queues to send through") && !k.noted(yes)
				})
				k.put(frame(60, 1))
				k.b.Clear()
				if n := k.near.Recv(0, k.c, &k.b, 64); n != 0 || k.send(frame(60, 2)) != 0 {
					t.Errorf("%d received, or something sent", n)
				}
			} else {
				testenv.Eventually(t, "the reason is told", func() bool { return k.noted(no) && !k.noted(yes) })
				testenv.Eventually(t, "packets are sent", func() bool { return k.send(frame(60, 3)) == 1 })
			}
			again(1)
			testenv.Eventually(t, "there are bursts", func() bool { return k.noted(yes) && !k.noted("not opened") })
			testenv.Eventually(t, "a batch is sent", func() bool {
				var all [][]byte
				for i := range 20 {
					all = append(all, frame(60, byte(i)))
				}
				return k.send(all...) == len(all)
			})
		}
	}
}

// Unfinished checksums are finished, whichever way the packets go.
func TestBurstsCompleteChecksums(t *testing.T) {
	k := connect(t, both())
	k.udpFromHost(501, 0)
	whole := k.recv(1)[0]
	broken := bytes.Clone(whole)
	// What a sender leaves there: the sum of the pseudo header.
	pseudo := append(bytes.Clone(whole[26:34]), 0, 17, byte(len(whole[34:])>>8), byte(len(whole[34:])))
	binary.BigEndian.PutUint16(broken[40:], ^plainSum(pseudo))
	for _, n := range []int{1, 20} {
		b := &packet.Batch{}
		for range n {
			p := k.c.New(broken)
			p.SetChecksumPlace(34, 40)
			p.SetFlags(p.Flags() | packet.FlagPartialChecksum)
			b.Add(p)
		}
		k.ns.Do(func() error {
			if sent := k.near.Send(0, k.c, b.Packets()); sent != n {
				t.Errorf("%d packets sent of %d", sent, n)
			}
			return nil
		})
		for _, f := range k.get(n) {
			checkUDP(t, f, 501)
		}
	}
}

// udpFromHost sends a datagram from the far end's own stack, which leaves the
// checksum to the hardware. segment > 0 makes it one huge frame to be cut
// later.
func (k *cable) udpFromHost(size, segment int) {
	k.t.Helper()
	near, err := net.ParseMAC("02:00:00:00:00:09")
	if err != nil {
		k.t.Fatal(err)
	}
	k.ns.Address("far", "10.0.0.1/24")
	k.ns.Link("far", func(l netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT,
			IP: net.IPv4(10, 0, 0, 2), HardwareAddr: near})
	})
	k.ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		if segment > 0 {
			if err := unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT, segment); err != nil {
				return err
			}
		}
		return unix.Sendto(fd, pattern(size, 1), 0, &unix.SockaddrInet4{Port: 7, Addr: [4]byte{10, 0, 0, 2}})
	})
}

// checkUDP verifies length and checksum of a frame with IPv4 and UDP.
func checkUDP(t *testing.T, f []byte, size int) {
	t.Helper()
	if len(f) != 42+size || !bytes.Equal(f[42:], pattern(size, 1)) {
		t.Fatalf("%d bytes, want %d", len(f), 42+size)
	}
	udp := f[34:]
	pseudo := append(bytes.Clone(f[26:34]), 0, 17, byte(len(udp)>>8), byte(len(udp)))
	if binary.BigEndian.Uint16(udp[6:]) == 0 || plainSum(append(pseudo, udp...)) != 0 {
		t.Fatalf("wrong checksum %x", udp[6:8])
	}
}

func TestInterfaceCompletesChecksumsOnReception(t *testing.T) {
	k := connect(t, both())
	k.udpFromHost(501, 0)
	checkUDP(t, k.recv(1)[0], 501)
}

func TestInterfaceErrors(t *testing.T) {
	ns := testenv.Netns(t)
	ns.Veth("near", "far")
	for _, name := range []string{"", "nosuch", "a/b", strings.Repeat("x", 16), strings.Repeat("x", 300), "near\x00"} {
		testenv.NoLeaks(t)
		err := ns.Run(func() error {
			i, err := OpenInterface(name, both())
			if err == nil {
				i.Close()
			}
			return err
		})
		if err == nil || len(name) < 20 && !strings.Contains(err.Error(), strings.Trim(name, "\x00")) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := OpenInterface("near", both()); err == nil {
		t.Error("an interface of another namespace was found")
	}
}

func TestInterfaceDoesNotAllocate(t *testing.T) {
	k := connect(t, both())
	k.ns.Do(func() error { k.doesNotAllocate(t); return nil })
}

func (k *cable) doesNotAllocate(t *testing.T) {
	f := frame(100, 1)
	if n := testing.AllocsPerRun(100, func() {
		for range 8 {
			_ = unix.Send(k.far, f, 0)
		}
		k.b.Clear()
		for k.b.Len() < 8 {
			k.near.Recv(0, k.c, &k.b, packet.BatchSize)
		}
		k.near.WaitFD(0)
		k.near.Send(0, k.c, k.b.Packets())
	}); n > 8 { // the address unix.Send passes on, once each
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { k.near.Recv(0, k.c, &k.b, 64); k.near.WaitFD(0) }); n != 0 {
		t.Errorf("empty poll: %v allocations", n)
	}
}

func BenchmarkInterfaceRecv(b *testing.B) {
	k := connect(b, InterfaceOptions{Receive: true, Frames: 1024})
	f := frame(60, 1)
	n := 0
	var spent time.Duration
	for range b.N {
		for range packet.BatchSize {
			_ = unix.Send(k.far, f, 0)
		}
		for got := 0; got < packet.BatchSize; {
			k.b.Clear()
			start := time.Now()
			m := k.near.Recv(0, k.c, &k.b, packet.BatchSize)
			k.c.FreeBatch(&k.b)
			if m > 0 {
				spent += time.Since(start)
			}
			got += m
		}
		n += packet.BatchSize
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/packet")
}

func BenchmarkInterfaceSend(b *testing.B) {
	k := connect(b, InterfaceOptions{Send: true})
	for b.Loop() {
		k.c.AllocBatch(&k.b, packet.BatchSize, 60)
		k.near.Send(0, k.c, k.b.Packets())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*packet.BatchSize), "ns/packet")
}

// BenchmarkInterfaceWake measures how long after a packet is sent a sleeping
// worker has it.
func BenchmarkInterfaceWake(b *testing.B) {
	k := connect(b, both())
	f := frame(60, 1)
	sent := make(chan time.Time)
	var all []time.Duration
	go func() {
		for range b.N {
			time.Sleep(300 * time.Microsecond) // the other side sleeps by now
			at := time.Now()
			_ = unix.Send(k.far, f, 0)
			sent <- at
		}
	}()
	for range b.N {
		p := []unix.PollFd{{Fd: int32(k.near.WaitFD(0)), Events: unix.POLLIN}}
		for k.b.Clear(); k.near.Recv(0, k.c, &k.b, 64) == 0; {
			_, _ = unix.Poll(p, -1)
		}
		now := time.Now()
		all = append(all, now.Sub(<-sent))
		k.c.FreeBatch(&k.b)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "µs-p99")
}
