// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
)

// hostSends gives an interface at the far end an address and a neighbour, and
// sends a datagram there from the host's own stack, which leaves the checksum
// to the hardware.
func (k *cable) hostSends(name string, n, segment int) {
	k.t.Helper()
	k.ns.Link(name, func(l netlink.Link) error {
		a, err := netlink.ParseAddr("10.0.0.1/24")
		if err == nil {
			err = netlink.AddrReplace(l, a)
		}
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT,
			IP: net.IPv4(10, 0, 0, 2), HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}})
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
		return unix.Sendto(fd, bytes.Repeat([]byte{7, 5, 3}, n/3), 0, &unix.SockaddrInet4{Port: 7, Addr: [4]byte{10, 0, 0, 2}})
	})
}

// checkUDP verifies the checksum of an IPv4 packet with UDP, from its first
// byte on, and that it carries n bytes.
func checkUDP(t *testing.T, ip []byte, n int) {
	t.Helper()
	if len(ip) != 28+n || ip[28] != 7 || ip[27+n] != 3 {
		t.Fatalf("%d bytes, want %d", len(ip), 28+n)
	}
	p := gopacket.NewPacket(ip, layers.LayerTypeIPv4, gopacket.Default)
	udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok {
		t.Fatal(p)
	}
	if err := udp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
		t.Fatal(err)
	}
	if got, want := udp.Checksum, serialize(t, p.NetworkLayer().(*layers.IPv4), &layers.UDP{SrcPort: udp.SrcPort, DstPort: udp.DstPort}, udp.Payload); got != binary.BigEndian.Uint16(want[26:]) {
		t.Fatalf("checksum %04x, want %x", got, want[26:28])
	}
}

// serialize returns the bytes of headers with correct sums and lengths.
func serialize(t testing.TB, ip *layers.IPv4, udp *layers.UDP, payload []byte) []byte {
	t.Helper()
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, udp, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompletesChecksums(t *testing.T) {
	for _, mode := range []Mode{Native, Generic} {
		k := connect(t, Options{Mode: mode})
		k.hostSends("far", 501, 0)
		checkUDP(t, k.recv(1)[0][14:], 501)
	}
	k := connect(t, Options{Checksums: choice.Off})
	k.hostSends("far", 501, 0)
	got := k.recv(1)[0]
	if from, at := unfinished(got, len(got)); from != 34 || at != 40 {
		t.Errorf("the checksum is finished: %x, %d, %d", got[:42], from, at)
	}
}

// In native mode a sender on this host cuts what it would leave to the
// hardware to be cut. In generic mode datagrams come in one piece, of which nobody
// says how long they were: they are dropped.
func TestSegmentationOffload(t *testing.T) {
	k := connect(t, Options{Mode: Native})
	k.hostSends("far", 3000, 600)
	for _, p := range k.recv(5) {
		checkUDP(t, p[14:], 600)
	}
	k = connect(t, Options{Mode: Generic})
	k.hostSends("far", 3000, 600)
	testenv.Eventually(t, "it is dropped", func() bool {
		in, _ := k.near.Dropped()
		return k.near.Recv(0, k.c, &k.b, 64) == 0 && in == 1 && k.noted("1 packets of several in one could not be cut")
	})
}

// tagger has everything that the host sends out of the far end tagged by the
// kernel, which leaves the tag to the hardware, as a VLAN interface does.
func (k *cable) tagger(proto, tci int) (untag func()) {
	k.t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "Dual BSD/GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R2, int32(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, uint16(proto))))),
		asm.Mov.Imm(asm.R3, int32(tci)), asm.FnSkbVlanPush.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = prog.Close() })
	var l link.Link
	err = k.ns.Run(func() (err error) {
		l, err = link.AttachTCX(link.TCXOptions{Interface: farIndex(), Program: prog, Attach: ebpf.AttachTCXEgress})
		return err
	})
	if err != nil {
		testenv.Skip(k.t, testenv.NoKernel, "programs at the exit of interfaces: "+err.Error())
	}
	return func() { _ = l.Close() }
}

// Tags that a sender on this host leaves to the hardware are back.
func TestRestoresTags(t *testing.T) {
	for _, proto := range []int{0x8100, 0x88a8} {
		k := connect(t, Options{RxFrames: MinFrames})
		if !k.noted("VLAN tags restored") {
			testenv.Skip(t, testenv.NoKernel, "the kernel does not tell programs about VLAN tags")
		}
		untag := k.tagger(proto, 0x6007)
		k.hostSends("far", 501, 0)
		got := k.recv(1)[0]
		if binary.BigEndian.Uint16(got[12:]) != uint16(proto) || binary.BigEndian.Uint16(got[14:]) != 0x6007 {
			t.Fatalf("%x", got[:20])
		}
		checkUDP(t, got[18:], 501)
		// So are those of packets that were to be cut.
		k.hostSends("far", 3000, 600)
		for _, f := range k.recv(5) {
			if binary.BigEndian.Uint16(f[12:]) != uint16(proto) || binary.BigEndian.Uint16(f[14:]) != 0x6007 {
				t.Fatalf("%x", f[:20])
			}
			checkUDP(t, f[18:], 600)
		}
		// A frame without tag is not given that of the one before.
		untag()
		for range 2 * MinFrames {
			k.put(frame(60, 1))
			k.same(k.recv(1), [][]byte{frame(60, 1)})
		}
	}
}

// Tags that are part of the frame stay, in all modes and directions.
func TestTags(t *testing.T) {
	each(t, func(t *testing.T, o Options) {
		k := connect(t, o)
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
		want := [][]byte{tagged(64, 0x8100), tagged(1518, 0x8100), tagged(64, 0x88a8), tagged(68, 0x88a8, 0x8100), tagged(1514, 0x88a8, 0x8100), tagged(20, 0x8100)}
		k.put(want...)
		k.same(k.recv(len(want)), want)
		if n := k.send(0, want...); n != len(want) {
			t.Fatalf("%d packets sent", n)
		}
		for i, got := range k.get(len(want)) { // a plain socket does not see the outer tag
			if len(want[i]) != len(got)+4 || !bytes.Equal(want[i][16:], got[12:]) {
				t.Errorf("sent %.20x…", got)
			}
		}
	})
}

// stacks are packets with unfinished checksums.
func stacks() map[string][]gopacket.SerializableLayer {
	eth := func(ty layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: ty}
	}
	ip4 := func(p layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: net.IPv4(10, 1, 2, 3), DstIP: net.IPv4(192, 168, 255, 254)}
	}
	ip6 := func(p layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: net.ParseIP("fe80::ffff:1"), DstIP: net.ParseIP("2001:db8::2")}
	}
	tcp := func() *layers.TCP { return &layers.TCP{SrcPort: 80, DstPort: 4242, Seq: 77, ACK: true, Window: 9} }
	udp := func(port int) *layers.UDP { return &layers.UDP{SrcPort: 4242, DstPort: layers.UDPPort(port)} }
	data := gopacket.Payload("some bytes, an odd number")
	v4, v6 := layers.EthernetTypeIPv4, layers.EthernetTypeIPv6
	return map[string][]gopacket.SerializableLayer{
		"tcp":    {eth(v4), ip4(layers.IPProtocolTCP), tcp(), data},
		"udp":    {eth(v4), ip4(layers.IPProtocolUDP), udp(53), data},
		"tcp6":   {eth(v6), ip6(layers.IPProtocolTCP), tcp(), data},
		"udp6":   {eth(v6), ip6(layers.IPProtocolUDP), udp(53), data},
		"empty":  {eth(v4), ip4(layers.IPProtocolTCP), tcp()},
		"vlan":   {eth(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 7, Type: v4}, ip4(layers.IPProtocolTCP), tcp(), data},
		"ipip":   {eth(v4), ip4(layers.IPProtocolIPv4), ip4(layers.IPProtocolTCP), tcp(), data},
		"6in4":   {eth(v4), ip4(layers.IPProtocolIPv6), ip6(layers.IPProtocolUDP), udp(53), data},
		"gre":    {eth(v4), ip4(layers.IPProtocolGRE), &layers.GRE{Protocol: v4, KeyPresent: true, Key: 9}, ip4(layers.IPProtocolTCP), tcp(), data},
		"vxlan":  {eth(v4), ip4(layers.IPProtocolUDP), udp(4789), &layers.VXLAN{ValidIDFlag: true, VNI: 5}, eth(v4), ip4(layers.IPProtocolTCP), tcp(), data},
		"geneve": {eth(v4), ip4(layers.IPProtocolUDP), udp(6081), gopacket.Payload([]byte{0, 0, 0x65, 0x58, 0, 0, 5, 0}), eth(v6), ip6(layers.IPProtocolTCP), tcp(), data},
	}
}

// build returns a packet as it should be, and as a sender leaves it: with the
// pseudo header's sum only in the innermost header, and where that sum is.
func build(t testing.TB, ls []gopacket.SerializableLayer) (done, open []byte, at int) {
	t.Helper()
	var network gopacket.NetworkLayer
	behind := 0
	for i, l := range ls {
		switch l := l.(type) {
		case *layers.IPv4:
			network = l
		case *layers.IPv6:
			network = l
		case *layers.TCP:
			_ = l.SetNetworkLayerForChecksum(network)
			behind = i
		case *layers.UDP:
			_ = l.SetNetworkLayerForChecksum(network)
			behind = i
		}
	}
	b := gopacket.NewSerializeBuffer()
	opt := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, opt, ls[behind:]...); err != nil {
		t.Fatal(err)
	}
	n := len(b.Bytes())
	b = gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, opt, ls...); err != nil {
		t.Fatal(err)
	}
	done = bytes.Clone(b.Bytes())
	if len(ls) == 3 {
		done = done[:ethernetHeader+ipv4Header+tcpHeader] // nothing pads what a host sends
	}
	open = bytes.Clone(done)
	start := len(open) - n
	proto, offset := 6, 16
	if _, ok := ls[behind].(*layers.UDP); ok {
		proto, offset = 17, 6
	}
	pseudo := append(network.NetworkFlow().Src().Raw(), network.NetworkFlow().Dst().Raw()...)
	pseudo = append(pseudo, 0, byte(proto), byte(n>>8), byte(n))
	sum := 0
	for i := 0; i < len(pseudo); i += 2 {
		sum += int(pseudo[i])<<8 | int(pseudo[i+1])
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	at = start + offset
	binary.BigEndian.PutUint16(open[at:], uint16(sum))
	return done, open, at
}

func TestUnfinished(t *testing.T) {
	k := lay(t, 1)
	for name, ls := range stacks() {
		done, open, at := build(t, ls)
		// The outer header of a tunnel has a sum of its own, which holds for
		// the finished packet; the kernel writes none there.
		if from, got := unfinished(open, len(open)); got != at || from > at {
			t.Errorf("%s: %d, %d, want %d", name, from, got, at)
		}
		if _, got := unfinished(done, len(done)); got != 0 {
			t.Errorf("%s: finished, but %d", name, got)
		}
		if _, got := unfinished(append(open, 0), len(open)+1); got != 0 {
			t.Errorf("%s: with a trailer: %d", name, got)
		}
		p := k.c.New(open)
		finish(p)
		if got := content(p); !bytes.Equal(got, done) {
			t.Errorf("%s: %x, want %x", name, got, done)
		}
		k.c.Free(p)
		for n := range open {
			unfinished(open[:n], len(open)) // headers cut anywhere
			unfinished(open[:n], n)
		}
	}
}

func TestUnfinishedSCTP(t *testing.T) {
	k := lay(t, 1)
	ls := []gopacket.SerializableLayer{
		&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolSCTP, SrcIP: net.IPv4(10, 1, 2, 3), DstIP: net.IPv4(10, 1, 2, 4)},
		&layers.SCTP{SrcPort: 5, DstPort: 38412, VerificationTag: 9}, gopacket.Payload("chunk of sixteen"),
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	want := b.Bytes()
	open := bytes.Clone(want)
	clear(open[42:46])
	p := k.c.New(open)
	finish(p)
	if got := content(p); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	k.c.Free(p)
}

func FuzzUnfinished(f *testing.F) {
	for _, ls := range stacks() {
		_, open, _ := build(f, ls)
		f.Add(open, 0)
	}
	pool, err := packet.NewPool(256)
	if err != nil {
		f.Fatal(err)
	}
	c := pool.NewCache()
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		b = b[:min(len(b), packet.BufferSize)]
		from, at := unfinished(b, len(b)+more&0xffff)
		if at != 0 && (from >= at || at+2 > len(b)) {
			t.Fatal(from, at)
		}
		p := c.New(b)
		finish(p)
		if got := content(p); at == 0 && more&0xffff == 0 && !bytes.Equal(got, b) {
			t.Fatal("a finished packet was changed")
		}
		// What was completed stays as it is, except where completing has found
		// the pseudo header's sum by chance.
		once := content(p)
		if _, at := unfinished(once, len(once)); at == 0 {
			finish(p)
			if !bytes.Equal(content(p), once) {
				t.Fatal("completed twice")
			}
		}
		c.Free(p)
	})
}
