// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipfrag_test

import (
	"bytes"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module/ipfrag"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", ipfrag.Class) }

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, ipfrag.Class, func(seed []byte) proto.Message {
		arg := &ipfrag.IPFragArg{Mtu: 65 + int32(len(seed)%8)*30}
		if len(seed)%2 == 1 {
			arg.IcmpSource = "192.0.2.1"
		}
		return arg
	})
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipfrag.Class, &ipfrag.IPFragArg{Mtu: 1518})
	h.NoAllocs("m", moduletest.Frame("U1"), moduletest.Frame("U1"), []byte{1})
}

func BenchmarkProcess(b *testing.B) {
	moduletest.Bench(b, ipfrag.Class, &ipfrag.IPFragArg{Mtu: 1518}, moduletest.Frame("U1"))
}

// long returns an IPv4 frame with n bytes of payload.
func long(n int) []byte {
	frame := make([]byte, 34+n)
	header.Ethernet(frame).Encode(&header.EthernetFields{Type: header.TypeIPv4})
	header.IPv4(frame[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(20 + n), TTL: 64, Protocol: header.ProtoUDP, Src: 1, Dst: 2})
	for i := range n {
		frame[34+i] = byte(i * i >> 4)
	}
	return frame
}

// Packets of several buffers, and fragments of several: BESS looked at the
// first only.
func TestSegmentedPackets(t *testing.T) {
	for _, mtu := range []int32{600, 1518, 1942, 2100, 9018} {
		for _, n := range []int{1886, 1887, 2500, 5000, 20000, 65515} {
			if 64*((int(mtu)-38)&^7) < n {
				continue
			}
			h := moduletest.New(t)
			h.MustCreate("m", ipfrag.Class, &ipfrag.IPFragArg{Mtu: mtu})
			frame := long(n)
			h.Send("m", 0, frame)
			var payload []byte
			out := h.Out("m", 1)
			for i, f := range out {
				ip, ok := header.ParseIPv4(f, 14)
				if !ok || len(f) > int(mtu)-4 || !ip.ChecksumOK() || ip.FragmentOffset() != len(payload) || ip.MoreFragments() != (i < len(out)-1) {
					t.Fatalf("mtu %d, %d bytes: fragment %d is wrong", mtu, n, i)
				}
				payload = append(payload, ip.Payload()...)
			}
			if !bytes.Equal(payload, frame[34:]) {
				t.Errorf("mtu %d, %d bytes: other payload", mtu, n)
			}
		}
	}
}

// Fragments, and messages to the sender, carry the metadata of the packet.
func TestMetadata(t *testing.T) {
	h := moduletest.New(t)
	h.WatchAttr("x")
	h.MustCreate("meta", setmetadata.Class, &setmetadata.SetMetadataArg{Attrs: []*setmetadata.SetMetadataArg_Attribute{
		{Name: "x", Size: 4, Value: &setmetadata.SetMetadataArg_Attribute_ValueInt{ValueInt: 0x01020304}}}})
	h.MustCreate("m", ipfrag.Class, &ipfrag.IPFragArg{Mtu: 600, IcmpSource: "192.0.2.1"})
	h.Connect("meta", 0, "m", 0)
	// First, as buffers used before may hold the same metadata by chance.
	h.Send("meta", 0, unfragmentable(1000))
	if got := h.Attr("m", 2, "x"); !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("metadata of the message to the sender: %x", got)
	}
	h.Send("meta", 0, long(1000))
	if got := h.Attr("m", 1, "x"); !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("metadata of the last fragment: %x", got)
	}
}

// Without packet buffers the packet leaves whole on gate 0, and nothing leaks
// (the harness looks).
func TestNoBuffers(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipfrag.Class, &ipfrag.IPFragArg{Mtu: 600})
	h.Send("m", 0, []byte{1})
	cache := h.Context(0).Cache
	var all []packet.Packet
	for p := cache.Alloc(); p != 0; p = cache.Alloc() {
		all = append(all, p)
	}
	for _, p := range all[:3] { // for the packet and two of three fragments
		cache.Free(p)
	}
	h.Send("m", 0, long(1500))
	for _, p := range all[3:] {
		cache.Free(p)
	}
	if whole := h.Out("m", 0); len(whole) != 1 || !bytes.Equal(whole[0], long(1500)) || h.Counter("m", "no_buffer") != 1 {
		t.Errorf("%d packets on gate 0", len(whole))
	}
}

func TestNoAllocsWhenCutting(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipfrag.Class, &ipfrag.IPFragArg{Mtu: 600})
	h.NoAllocs("m", long(1400), long(100))
	h.MustCreate("icmp", ipfrag.Class, &ipfrag.IPFragArg{Mtu: 600, IcmpSource: "192.0.2.1"})
	h.NoAllocs("icmp", unfragmentable(1400), long(100))
}

// unfragmentable is long with the flag DF, from a host.
func unfragmentable(n int) []byte {
	frame := long(n)
	ip := header.IPv4(frame[14:])
	ip.SetSrc(10 << 24)
	ip.SetDst(10<<24 + 1)
	ip.SetFragment(header.IPv4DontFragment)
	ip.UpdateChecksum()
	return frame
}

// A flood of long packets must not become a flood of messages, nor must they
// be longer than 576 bytes; what is in several buffers is quoted alike.
func TestMessagesAreFewAndShort(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", ipfrag.Class, &ipfrag.IPFragArg{Mtu: 1518, IcmpSource: "192.0.2.1"})
	frame := unfragmentable(4000)
	h.Send("m", 0, slices.Repeat([][]byte{frame}, 60)...)
	out := h.Out("m", 2)
	if len(out) != 50 || h.Counter("m", "icmp_limited") != 10 || len(h.Out("m", 0)) != 60 {
		t.Fatalf("%d messages, %d not sent", len(out), h.Counter("m", "icmp_limited"))
	}
	for _, f := range out {
		ip, ok := header.ParseIPv4(f, 14)
		if !ok || len(f) != 14+576 || !ip.ChecksumOK() || !header.ICMP(ip.Payload()).ChecksumOK() || !bytes.Equal(f[42:], frame[14:14+548]) {
			t.Fatalf("message %x", f)
		}
	}
}

func BenchmarkCut(b *testing.B) {
	moduletest.Bench(b, ipfrag.Class, &ipfrag.IPFragArg{Mtu: 800}, long(1400))
}
