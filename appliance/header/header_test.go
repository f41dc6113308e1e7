// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Reference frames (spec: modules/README.md section 2.6).
const (
	frameU1 = "06163e1b7232021e679f4dae08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"
	frameT1 = "06163e1b7232021e679f4dae08004500003200010000400660b3ac1064010a000001271127120000000000000000501020000775000068656c6c6f776f726c64"
	frameV1 = "06163e1b7232021e679f4dae8100000708004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"
	frameA1 = "ffffffffffff021e679f4dae08060001080006040001021e679f4dae0a00000900000000000001020304"
	frameI1 = "06163e1b7232021e679f4dae080045000020000100004001bebaac10000208080808080021041234000161626364"
	frameO1 = "06163e1b7232021e679f4dae08004600002000010000401163c90a0000010a000002010101003132333435363738"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFrameU1(t *testing.T) {
	f := append(unhex(t, frameU1), 0, 0, 0) // three bytes of padding
	e, ok := ParseEthernet(f)
	if !ok || e.Type() != TypeIPv4 || e.Dst().String() != "06:16:3e:1b:72:32" || e.Src().String() != "02:1e:67:9f:4d:ae" {
		t.Fatalf("Ethernet %v %v %v %x", ok, e.Dst(), e.Src(), e.Type())
	}
	ip, ok := ParseIPv4(f, EthernetLen)
	if !ok || len(ip) != 38 || ip.TotalLen() != 38 || ip.Truncated() {
		t.Fatalf("IPv4 %v, %d bytes of %d", ok, len(ip), ip.TotalLen())
	}
	if FormatIPv4(ip.Src()) != "172.16.100.1" || FormatIPv4(ip.Dst()) != "10.0.0.1" || ip.TTL() != 64 || ip.ID() != 1 ||
		ip.Protocol() != ProtoUDP || ip.HeaderLen() != 20 || ip.TOS() != 0 || ip.IsFragment() || !ip.HasTransport() {
		t.Fatalf("IPv4 fields of % x", []byte(ip))
	}
	if !ip.ChecksumOK() || ip.ComputeChecksum() != 0x60b4 {
		t.Fatalf("IPv4 checksum %#x", ip.ComputeChecksum())
	}
	if s, d, ok := ip.Ports(); !ok || s != 10001 || d != 10002 {
		t.Fatalf("ports %d %d %v", s, d, ok)
	}
	u, ok := ParseUDP(ip, ip.HeaderLen())
	if !ok || u.SrcPort() != 10001 || u.DstPort() != 10002 || u.Length() != 18 || string(u[UDPLen:]) != "helloworld" {
		t.Fatalf("UDP % x", []byte(u))
	}
	if sum, ok := u.ComputeChecksum(ip.Src(), ip.Dst()); !ok || sum != 0x7774 || !u.ChecksumOK(ip.Src(), ip.Dst()) {
		t.Fatalf("UDP checksum %#x %v", sum, ok)
	}
}

func TestFrameT1(t *testing.T) {
	ip, _ := ParseIPv4(append(unhex(t, frameT1), 1, 2, 3), EthernetLen)
	h, ok := ParseTCP(ip, ip.HeaderLen())
	if !ok || h.SrcPort() != 10001 || h.DstPort() != 10002 || h.Flags() != TCPAck || h.Window() != 8192 ||
		h.HeaderLen() != 20 || string(h.Payload()) != "helloworld" || h.Seq() != 0 || h.Ack() != 0 || h.Urgent() != 0 {
		t.Fatalf("TCP %v % x", ok, []byte(h))
	}
	if h.ComputeChecksum(ip.Src(), ip.Dst()) != 0x0775 || !h.ChecksumOK(ip.Src(), ip.Dst()) {
		t.Fatalf("TCP checksum %#x", h.ComputeChecksum(ip.Src(), ip.Dst()))
	}
	h.SetSeq(1)
	if h.ChecksumOK(ip.Src(), ip.Dst()) {
		t.Fatal("a changed segment passes")
	}
}

func TestFrameV1(t *testing.T) {
	f := unhex(t, frameV1)
	typ, off, ok := SkipTags(f)
	if !ok || typ != TypeIPv4 || off != 18 {
		t.Fatalf("SkipTags %x %d %v", typ, off, ok)
	}
	v, ok := ParseVLAN(f, EthernetLen)
	if !ok || v.VID() != 7 || v.TCI() != 7 || v.Priority() != 0 || v.DEI() || v.Type() != TypeIPv4 {
		t.Fatalf("VLAN % x", []byte(v[:VLANLen]))
	}
	if ip, ok := ParseIPv4(f, off); !ok || !ip.ChecksumOK() {
		t.Fatal("IPv4 behind the tag")
	}
}

func TestSkipTags(t *testing.T) {
	macs := "06163e1b7232021e679f4dae"
	for _, c := range []struct {
		tail string
		typ  uint16
		off  int
		ok   bool
	}{
		{"0800", 0x0800, 14, true},
		{"81000007" + "86dd", 0x86dd, 18, true},
		{"88a80007" + "81000008" + "0800", 0x0800, 22, true},
		{"88a80007" + "0800", 0x88a8, 14, true},
		{"88a80007" + "88a80001" + "0800", 0x88a8, 14, true},
		{"81000007" + "81000008" + "0800", 0x8100, 18, true},
		{"88a80007" + "81000008" + "81000009" + "0800", 0x8100, 22, true},
		{"91000007" + "0800", 0x9100, 14, true},
		{"08", 0, 0, false},
		{"81000007", 0, 0, false},
		{"8100000708", 0, 0, false},
		{"88a80007", 0, 0, false},
		{"88a80007" + "81000008", 0, 0, false},
	} {
		typ, off, ok := SkipTags(unhex(t, macs+c.tail))
		if typ != c.typ || off != c.off || ok != c.ok {
			t.Errorf("%s: %#x at %d %v, want %#x at %d %v", c.tail, typ, off, ok, c.typ, c.off, c.ok)
		}
	}
}

func TestFrameA1(t *testing.T) {
	f := unhex(t, frameA1)
	a, ok := ParseARP(f, EthernetLen)
	if !ok || a.Op() != ARPRequest || a.SenderIP() != 0x0a000009 || a.TargetIP() != 0x01020304 ||
		a.SenderMAC().String() != "02:1e:67:9f:4d:ae" || a.TargetMAC() != (MAC{}) {
		t.Fatalf("ARP %v % x", ok, []byte(a))
	}
	for i := range 6 {
		bad := bytes.Clone(f)
		bad[14+i]++
		if _, ok := ParseARP(bad, EthernetLen); ok {
			t.Errorf("ARP with byte %d changed is accepted", i)
		}
	}
	if _, ok := ParseARP(f[:41], EthernetLen); ok {
		t.Error("ARP of 27 bytes is accepted")
	}
}

func TestFrameI1(t *testing.T) {
	ip, _ := ParseIPv4(unhex(t, frameI1), EthernetLen)
	h, ok := ParseICMP(ip, ip.HeaderLen())
	if !ok || h.Type() != ICMPEchoRequest || h.Code() != 0 || h.ID() != 0x1234 || h.Seq() != 1 || !h.IsQuery() ||
		string(h.Payload()) != "abcd" || !h.ChecksumOK() || h.ComputeChecksum() != 0x2104 {
		t.Fatalf("ICMP %v % x", ok, []byte(h))
	}
	if _, _, ok := ip.Ports(); ok {
		t.Error("ICMP has ports")
	}
}

func TestFrameO1(t *testing.T) {
	ip, ok := ParseIPv4(unhex(t, frameO1), EthernetLen)
	if !ok || ip.HeaderLen() != 24 || !ip.ChecksumOK() || ip.ComputeChecksum() != 0x63c9 || string(ip.Payload()) != "12345678" {
		t.Fatalf("IPv4 with options: %v % x", ok, []byte(ip))
	}
	if s, d, ok := ip.Ports(); !ok || s != 0x3132 || d != 0x3334 {
		t.Fatalf("ports behind options: %x %x %v", s, d, ok)
	}
}

func TestParseIPv4Refuses(t *testing.T) {
	good := unhex(t, frameU1)
	change := func(at int, v byte) []byte { b := bytes.Clone(good); b[14+at] = v; return b }
	for name, c := range map[string]struct {
		frame []byte
		off   int
	}{
		"version 6":                  {change(0, 0x65), 14},
		"version 0":                  {change(0, 0x05), 14},
		"version 5":                  {change(0, 0x55), 14},
		"IHL 4":                      {change(0, 0x44), 14},
		"IHL 15 beyond total length": {change(0, 0x4f), 14},
		"total length below header":  {change(3, 19), 14},
		"total length 0":             {change(3, 0), 14},
		"19 bytes":                   {good[:33], 14},
		"options beyond the frame":   {change(0, 0x46)[:37], 14},
		"offset behind the end":      {good, len(good) + 1},
		"offset at the end":          {good, len(good)},
		"negative offset":            {good, -1},
		"smallest offset":            {good, -1 << 63},
		"largest offset":             {good, 1<<63 - 1},
		"empty":                      {nil, 0},
	} {
		if h, ok := ParseIPv4(c.frame, c.off); ok {
			t.Errorf("%s: accepted as % x", name, []byte(h))
		}
	}
}

func TestTruncatedIPv4KeepsItsHeader(t *testing.T) {
	f := unhex(t, frameU1)
	ip, ok := ParseIPv4(f[:40], EthernetLen)
	if !ok || !ip.Truncated() || len(ip) != 26 {
		t.Fatalf("%v, %d bytes", ok, len(ip))
	}
	if _, _, ok := ip.Ports(); !ok {
		t.Error("ports are there but not found")
	}
	ip, _ = ParseIPv4(f[:37], EthernetLen)
	if _, _, ok := ip.Ports(); ok {
		t.Error("ports read from three bytes")
	}
	if _, ok := ParseUDP(ip, ip.HeaderLen()); ok {
		t.Error("UDP header read from three bytes")
	}
}

func TestOnlyFirstFragmentsHavePorts(t *testing.T) {
	for _, c := range []struct {
		field                  uint16
		ports, more, dont, any bool
		offset                 int
	}{
		{0, true, false, false, false, 0},
		{IPv4DontFragment, true, false, true, false, 0},
		{IPv4MoreFragments, true, true, false, true, 0},
		{IPv4MoreFragments | 1, false, true, false, true, 8},
		{0x1fff, false, false, false, true, 65528},
	} {
		ip, _ := ParseIPv4(unhex(t, frameU1), EthernetLen)
		ip.SetFragment(c.field)
		_, _, ports := ip.Ports()
		if ports != c.ports || ip.MoreFragments() != c.more || ip.DontFragment() != c.dont || ip.IsFragment() != c.any ||
			ip.FragmentOffset() != c.offset || ip.Fragment() != c.field || ip.HasTransport() != c.ports {
			t.Errorf("fragment field %#x: ports %v more %v dont %v offset %d", c.field, ports, ip.MoreFragments(), ip.DontFragment(), ip.FragmentOffset())
		}
	}
}

// Cases H29 to H31 of headers.md.
func TestDecrementTTL(t *testing.T) {
	for _, c := range []struct {
		before, after string
		ok            bool
	}{
		{"4500002600010000401160b4ac1064010a000001", "45000026000100003f1161b4ac1064010a000001", true},
		{"450000260001000002119eb4ac1064010a000001", "450000260001000001119fb4ac1064010a000001", true},
		{"450000260001000001119fb4ac1064010a000001", "450000260001000001119fb4ac1064010a000001", false},
		{"45000026000100000011a0b4ac1064010a000001", "45000026000100000011a0b4ac1064010a000001", false},
	} {
		h := IPv4(unhex(t, c.before))
		if ok := h.DecrementTTL(); ok != c.ok || hex.EncodeToString(h) != c.after {
			t.Errorf("%s: %v %x", c.before, ok, []byte(h))
		}
	}
}

func TestDecrementTTLKeepsEveryChecksumRight(t *testing.T) {
	h := IPv4(unhex(t, frameU1)[14:34])
	for id := range 1 << 16 {
		h.SetID(uint16(id))
		h.SetTTL(uint8(id>>3) | 2)
		h.UpdateChecksum()
		if !h.DecrementTTL() || !h.ChecksumOK() {
			t.Fatalf("id %d: checksum %#x, want %#x", id, h.Checksum(), h.ComputeChecksum())
		}
	}
}

func TestParseTCPRefuses(t *testing.T) {
	seg := unhex(t, frameT1)[34:]
	for name, c := range map[string]struct {
		at  int
		v   byte
		cut int
		off int
	}{
		"data offset 4":              {12, 0x40, 30, 0},
		"data offset beyond segment": {12, 0xf0, 30, 0},
		"19 bytes":                   {12, 0x50, 19, 0},
		"negative offset":            {12, 0x50, 30, -1},
		"offset 11 of 30":            {12, 0x50, 30, 11},
	} {
		b := bytes.Clone(seg[:c.cut])
		b[c.at] = c.v
		if _, ok := ParseTCP(b, c.off); ok {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestUDPLengthField(t *testing.T) {
	ip, _ := ParseIPv4(unhex(t, frameU1), EthernetLen)
	u, _ := ParseUDP(ip, ip.HeaderLen())
	for _, n := range []uint16{0, 7, 19, 65535} {
		u.SetLength(n)
		if _, ok := u.Datagram(); ok {
			t.Errorf("length %d is accepted", n)
		}
		if _, ok := u.ComputeChecksum(ip.Src(), ip.Dst()); ok || u.ChecksumOK(ip.Src(), ip.Dst()) {
			t.Errorf("length %d has a checksum", n)
		}
	}
	u.SetLength(18)
	u.SetChecksum(0)
	if !u.ChecksumOK(ip.Src(), ip.Dst()) {
		t.Error("an absent checksum is wrong")
	}
	u.SetChecksum(0x1234)
	if u.ChecksumOK(ip.Src(), ip.Dst()) {
		t.Error("a wrong checksum is right")
	}
}

// Case H26 of headers.md: the sum comes to 0 and is written as ffff.
func TestUDPChecksumIsNeverZero(t *testing.T) {
	f := unhex(t, "06163e1b7232021e679f4dae08004500001e00010000401166cc0a0000010a00000203e807d0000affffe01f")
	ip, _ := ParseIPv4(f, EthernetLen)
	u, _ := ParseUDP(ip, ip.HeaderLen())
	for _, field := range []uint16{0, 0xffff, 0x1234} {
		u.SetChecksum(field)
		if sum, ok := u.ComputeChecksum(ip.Src(), ip.Dst()); !ok || sum != 0xffff {
			t.Errorf("with field %#x: %#x %v, want 0xffff", field, sum, ok)
		}
	}
	u.SetChecksum(0xffff)
	if !u.ChecksumOK(ip.Src(), ip.Dst()) {
		t.Error("ffff does not verify")
	}
}
