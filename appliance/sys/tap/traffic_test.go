// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// exchange sends frames of all kinds of lengths both ways.
func exchange(k *rig, sizes ...int) {
	k.t.Helper()
	k.plug()
	for i, n := range sizes {
		f := frame(n, byte(i))
		k.put(f)
		k.same(k.recv(1), f)
		if sent := k.send(f); sent != 1 {
			k.t.Fatalf("a frame of %d bytes was not sent", n)
		}
		k.same(k.get(1), f)
	}
}

func TestFramesPassBothWays(t *testing.T) {
	for name, open := range map[string]func(testing.TB, Options) *rig{"home": stay, "away": move} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.MTU = 65521
			exchange(open(t, o), 14, 15, 60, 64, 1514, 1918, 1919, 1920, 1921, 2048, 4000, 9014, 65535)
		})
	}
}

// TestMTUMayGrow has packets become longer than the port knows: the first of
// them tells.
func TestMTUMayGrow(t *testing.T) {
	k := move(t, options())
	k.plug()
	k.away.Link("tap7", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 9000) })
	k.put(frame(room-1, 1), frame(3000, 2))
	k.same(k.recv(1), frame(room-1, 1))
	testenv.Eventually(t, "the long packet is dropped and counted", func() bool { k.poll(); return k.d.Dropped() == 1 })
	k.put(frame(3000, 3), frame(room, 4))
	k.same(k.recv(2), frame(3000, 3), frame(room, 4))
	if err := k.d.SetConf(1500, nil, true); err != nil {
		t.Fatal(err)
	}
	other := move(t, options())
	if err := other.d.SetConf(9000, nil, true); err != nil {
		t.Fatal(err)
	}
	other.plug()
	other.put(frame(3000, 5))
	other.same(other.recv(1), frame(3000, 5))
}

func TestManyPacketsAtOnce(t *testing.T) {
	t.Run("io_uring", func(t *testing.T) { manyAtOnce(t, move(t, options())) })
	t.Run("system calls", func(t *testing.T) {
		k := move(t, options())
		k.singly()
		manyAtOnce(t, k)
	})
}

// singly makes the device do as where there is no io_uring.
func (k *rig) singly() {
	why := errors.New("no io_uring here")
	for i := range k.d.in {
		k.d.in[i].reads.Singly(why)
	}
	for i := range k.d.out {
		k.d.out[i].writes.Singly(why)
	}
	if !k.noted("slow, with a system call for each packet: no io_uring here") {
		k.t.Errorf("notes: %q", k.d.Notes())
	}
}

func manyAtOnce(t *testing.T, k *rig) {
	k.plug()
	var frames [][]byte
	for i := range 200 {
		frames = append(frames, frame(60+i, byte(i)))
	}
	k.put(frames...)
	k.same(k.recv(200), frames...)
	if n := k.send(frames[:64]...); n != 64 {
		t.Fatal(n)
	}
	k.same(k.get(64), frames[:64]...)
}

func TestRefusedPacketsHoldUpNoOther(t *testing.T) {
	t.Run("io_uring", func(t *testing.T) { refused(t, move(t, options())) })
	t.Run("system calls", func(t *testing.T) {
		k := move(t, options())
		k.singly()
		refused(t, k)
	})
}

func refused(t *testing.T, k *rig) {
	k.plug()
	if n := k.send(frame(60, 1), frame(14, 2)[:13], frame(61, 3), nil, frame(62, 4)); n != 3 {
		t.Fatalf("%d of 3 good frames were sent", n)
	}
	k.same(k.get(3), frame(60, 1), frame(61, 3), frame(62, 4))
	// More segments than one system call takes.
	k.newPool(4096)
	p := k.c.New(frame(60, 1))
	for range maxSegments {
		s := k.c.Alloc()
		s.Init(1)
		p.Chain(s)
	}
	if n := k.d.Send(0, k.c, []packet.Packet{p}); n != 0 {
		t.Error("a packet of 1001 segments was sent")
	}
	k.c.Free(p)
}

// TestChecksumsAreWhole has the kernel send datagrams that it would leave to
// the hardware to checksum and to cut.
func TestChecksumsAreWhole(t *testing.T) {
	o := options()
	o.Addresses = []string{"10.7.0.1/24"}
	k := move(t, o)
	k.away.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		to := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{10, 7, 0, 255}}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
			return err
		}
		if err := unix.Sendto(fd, frame(100, 1), 0, to); err != nil {
			return err
		}
		// Generic segmentation offload: one packet of 10 segments.
		if err := unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT, 1400); err != nil {
			return err
		}
		return unix.Sendto(fd, frame(14000, 2), 0, to)
	})
	for i, f := range k.recv(11) {
		if want := 42 + 1400; i > 0 && len(f) != want || i == 0 && len(f) != 142 {
			t.Errorf("packet %d has %d bytes", i, len(f))
		}
		checkSum(t, f)
	}
}

// checkSum compares the checksums of a UDP packet with those gopacket makes.
func checkSum(t *testing.T, f []byte) {
	t.Helper()
	p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
	ip, udp := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4), p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	have := fmt.Sprintf("%04x %04x", ip.Checksum, udp.Checksum)
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{ComputeChecksums: true}, ip, udp, gopacket.Payload(udp.Payload))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%04x %04x", ip.Checksum, udp.Checksum); have != want {
		t.Errorf("checksums %s, want %s", have, want)
	}
}

// TestPartialChecksumIsCarried sends a packet whose checksum is not complete;
// the receiver must take it.
func TestPartialChecksumIsCarried(t *testing.T) {
	o := options()
	o.Addresses = []string{"10.7.0.1/24"}
	k := move(t, o)
	var fd int
	k.away.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 9})
	})
	defer func() { _ = unix.Close(fd) }()
	ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 7, 0, 2}, DstIP: net.IP{10, 7, 0, 1}}
	udp := &layers.UDP{SrcPort: 10, DstPort: 9}
	b := gopacket.NewSerializeBuffer()
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 8}, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4},
		ip, udp, gopacket.Payload("hello"))
	if err != nil {
		t.Fatal(err)
	}
	f := b.Bytes()[:14+20+8+5]
	f[40], f[41] = 0x12, 0x34 // not the sum
	deliver := func(flag bool, from, at int) int {
		p := k.c.New(f)
		if flag {
			p.SetFlags(packet.FlagPartialChecksum)
			p.SetChecksumPlace(from, at)
		}
		n := k.d.Send(0, k.c, []packet.Packet{p})
		if n == 0 {
			k.c.Free(p)
		}
		return n
	}
	buf := make([]byte, 100)
	if deliver(false, 0, 0) != 1 || deliver(true, 34, 40) != 1 {
		t.Fatal("not sent")
	}
	testenv.Eventually(t, "the datagram arrives", func() bool { n, err := unix.Read(fd, buf); return err == nil && n == 5 })
	if n, err := unix.Read(fd, buf); err == nil {
		t.Errorf("%d bytes with a broken checksum arrived", n)
	}
	for _, place := range [][2]int{{40, 34}, {34, 46}, {34, 65535}, {65535, 65535}} {
		if deliver(true, place[0], place[1]) != 0 {
			t.Errorf("sent with the checksum at %v", place)
		}
	}
}

func TestTagsArePushed(t *testing.T) {
	f := frame(60, 1)
	with := func(tags ...byte) []byte { return append(append(f[:12:12], tags...), f[12:]...) }
	for _, k := range []struct {
		inner, outer uint16
		want         []byte
	}{
		{0x2007, 0, with(0x81, 0, 0x20, 7)},
		{0, 0x8, with(0x88, 0xa8, 0, 8)},
		{7, 8, with(0x88, 0xa8, 0, 8, 0x81, 0, 0, 7)},
	} {
		t.Run(fmt.Sprintf("%x,%x", k.inner, k.outer), func(t *testing.T) {
			o := options()
			o.InnerTCI, o.OuterTCI = k.inner, k.outer
			r := move(t, o)
			r.plug()
			r.put(f)
			r.same(r.recv(1), k.want)
		})
	}
}

func TestLoopback(t *testing.T) {
	o := options()
	o.Loopback, o.Incoming, o.Outgoing, o.InnerTCI = true, 2, 4, 5
	k := move(t, o)
	tagged := func(f []byte) []byte { return append(append(f[:12:12], 0x81, 0, 0, 5), f[12:]...) }
	for range 3 {
		if k.readable() {
			t.Error("an idle port is readable")
		}
		if n := k.send(frame(60, 1), frame(70, 2)); n != 2 || !k.readable() {
			t.Fatal("nothing came back:", n)
		}
		k.same(k.recv(2), tagged(frame(60, 1)), tagged(frame(70, 2)))
	}
	k.plug()
	k.put(frame(80, 3)) // what comes from the interface comes in, too
	k.same(k.recv(1), tagged(frame(80, 3)))
	sent := 0
	for range 5 {
		sent += k.send(make([][]byte, 64)...)
	}
	if sent != ringSlots {
		t.Errorf("%d packets fit in, want %d", sent, ringSlots)
	}
	if got := k.d.Recv(0, k.c, &k.b, 10); got != 10 || !k.readable() {
		t.Errorf("%d packets; the others must keep the worker awake", got)
	}
	k.c.FreeBatch(&k.b)
}

func TestQueuesShareTheLoad(t *testing.T) {
	o := options()
	o.Incoming, o.Outgoing = 4, 6
	k := move(t, o)
	k.plug()
	// Flows that differ in their addresses.
	var frames [][]byte
	for i := range byte(64) {
		f := append([]byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 9, 17, 0, 0, 10, 7, 1, i, 10, 7, 2, i}, frame(26, i)...)
		frames = append(frames, f)
	}
	k.put(frames...)
	total, used := 0, 0
	testenv.Eventually(t, "all packets are received", func() bool {
		for q := range k.d.in {
			n := k.d.Recv(q, k.c, &k.b, packet.BatchSize)
			k.c.FreeBatch(&k.b)
			if total += n; n > 0 {
				used++
			}
		}
		return total == len(frames)
	})
	if used < 2 {
		t.Errorf("%d of 4 queues were used", used)
	}
	for q := range k.d.out {
		p := k.c.New(frame(60, byte(q)))
		if k.d.Send(q, k.c, []packet.Packet{p}) != 1 {
			t.Fatal("not sent")
		}
		k.same(k.get(1), frame(60, byte(q)))
	}
}

func TestLostPacketsAreCounted(t *testing.T) {
	o := options()
	o.QueueLength = 16
	k := stay(t, o)
	k.plug()
	var held []packet.Packet
	for p := k.c.Alloc(); p != 0; p = k.c.Alloc() {
		held = append(held, p)
	}
	k.put(frame(60, 1), frame(60, 2))
	testenv.Eventually(t, "packets without buffer are dropped", func() bool { k.poll(); return k.d.Dropped() == 2 })
	testenv.Eventually(t, "the worker can sleep", func() bool { return !k.readable() })
	for _, p := range held {
		k.c.Free(p)
	}
	for i := range 100 {
		_ = unix.Send(k.sock, frame(60, byte(i)), 0)
	}
	testenv.Eventually(t, "the kernel drops some", func() bool { return k.d.Dropped() > 2 })
	got := uint64(len(k.recv(1)))
	d := k.d.Dropped()
	if got+d < 50 || got > 64 {
		t.Errorf("%d received and %d dropped of 102", got, d)
	}
	// What was lost stays lost when there is another interface.
	k.home.Delete("tap7")
	for range 2 {
		if now := k.d.Dropped(); now != d {
			t.Errorf("%d dropped, %d before", now, d)
		}
		testenv.Eventually(t, "it is made again", func() bool { k.poll(); return k.noted("made again 1 times") })
	}
}

// Packets that an interface lost before the device took it are not the device's.
func TestDropsBefore(t *testing.T) {
	o := options()
	o.QueueLength, o.Persist = 16, true
	k := stay(t, o)
	k.plug()
	flood := func() uint64 {
		before := k.d.Dropped()
		testenv.Eventually(t, "the kernel drops some", func() bool {
			_ = unix.Send(k.sock, frame(60, 1), 0)
			return k.d.Dropped() > before
		})
		return k.d.Dropped()
	}
	all := flood()
	k.d.Close()
	d, err := k.try(o)
	if err != nil {
		t.Fatal(err)
	}
	if k.d = d; k.d.Dropped() != 0 {
		t.Errorf("%d dropped, the device before has %d", k.d.Dropped(), all)
	}
	flood()
}

func TestNothingIsAllocated(t *testing.T) {
	k := move(t, options())
	k.plug()
	f := frame(60, 1)
	got := 0
	if n := testing.AllocsPerRun(100, func() {
		for range 5 {
			_ = unix.Send(k.sock, f, unix.MSG_DONTWAIT)
		}
		got += k.d.Recv(0, k.c, &k.b, packet.BatchSize)
		n := k.d.Send(0, k.c, k.b.Packets())
		k.c.FreeAll(k.b.Packets()[n:])
		k.b.Clear()
	}); n != 0 || got < 250 {
		t.Errorf("%v allocations per run, %d packets", n, got)
	}
}

// TestLargePacketsPass lets TCP flow between two namespaces through two
// devices that leave packets uncut.
func TestLargePacketsPass(t *testing.T) {
	o := options()
	o.Large, o.Addresses = true, []string{"10.7.0.1/24"}
	k := move(t, o)
	o.Addresses, o.MAC = []string{"10.7.0.2/24"}, net.HardwareAddr{2, 0, 0, 0, 0, 9}
	other := move(t, o)
	var server net.Listener
	k.away.Do(func() (err error) { server, err = net.Listen("tcp", "10.7.0.1:7"); return err })
	defer server.Close()
	got := make(chan int)
	go func() {
		c, err := server.Accept()
		if err != nil {
			got <- 0
			return
		}
		defer c.Close()
		n, _ := io.Copy(io.Discard, c)
		got <- int(n)
	}()
	const size = 4 << 20
	stop, over := make(chan struct{}), make(chan int)
	go func() {
		longest := 0
		for {
			select {
			case <-stop:
				over <- longest
				return
			default:
			}
			for _, pair := range [][2]*rig{{k, other}, {other, k}} {
				pair[0].d.Recv(0, k.c, &k.b, packet.BatchSize)
				for _, p := range k.b.Packets() {
					longest = max(longest, p.TotalLen())
				}
				n := pair[1].d.Send(0, k.c, k.b.Packets())
				k.c.FreeAll(k.b.Packets()[n:])
				k.b.Clear()
			}
		}
	}()
	other.away.Do(func() error {
		c, err := net.Dial("tcp", "10.7.0.1:7")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write(make([]byte, size))
		return err
	})
	if n := <-got; n != size {
		t.Errorf("%d bytes arrived, want %d", n, size)
	}
	close(stop)
	if longest := <-over; longest < 2000 {
		t.Errorf("the longest packet had %d bytes: none was large", longest)
	}
	// A large packet that is not what it says is not sent.
	p := k.c.New(frame(100, 1))
	p.SetFlags(packet.FlagLarge)
	p.SetPieces(1, 1400)
	if k.d.Send(0, k.c, []packet.Packet{p}) != 0 {
		t.Error("sent")
	}
	k.c.Free(p)
}
