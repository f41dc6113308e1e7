// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"encoding/hex"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Every header is encoded here; U1 must come out, and gopacket must read the
// others back.
func TestEncodeAgreesWithGopacket(t *testing.T) {
	f := make([]byte, 52)
	Ethernet(f).Encode(&EthernetFields{Dst: MAC{6, 0x16, 0x3e, 0x1b, 0x72, 0x32}, Src: MAC{2, 0x1e, 0x67, 0x9f, 0x4d, 0xae}, Type: TypeIPv4})
	IPv4(f[14:]).Encode(&IPv4Fields{TotalLen: 38, ID: 1, TTL: 64, Protocol: ProtoUDP, Src: 0xac106401, Dst: 0x0a000001})
	u := UDP(f[34:])
	u.Encode(&UDPFields{SrcPort: 10001, DstPort: 10002, Length: 18})
	copy(u[UDPLen:], "helloworld")
	sum, _ := u.ComputeChecksum(0xac106401, 0x0a000001)
	u.SetChecksum(sum)
	if hex.EncodeToString(f) != frameU1 {
		t.Fatalf("got  %x\nwant %s", f, frameU1)
	}

	seg := make([]byte, 24)
	TCP(seg).Encode(&TCPFields{SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: TCPSyn | TCPEce, Window: 5, Urgent: 6})
	TCP(seg).SetChecksum(TCP(seg).ComputeChecksum(0x01020304, 0x05060708))
	var want layers.TCP
	if err := want.DecodeFromBytes(seg, gopacket.NilDecodeFeedback); err != nil {
		t.Fatal(err)
	}
	if want.SrcPort != 1 || want.DstPort != 2 || want.Seq != 3 || want.Ack != 4 || !want.SYN || !want.ECE || want.ACK ||
		want.Window != 5 || want.Urgent != 6 || want.DataOffset != 5 {
		t.Fatalf("gopacket reads %+v", want)
	}

	m := make([]byte, ICMPLen)
	ICMP(m).Encode(&ICMPFields{Type: ICMPEchoRequest, Code: 1, ID: 7, Seq: 8})
	ICMP(m).SetChecksum(ICMP(m).ComputeChecksum())
	var icmp layers.ICMPv4
	if err := icmp.DecodeFromBytes(m, gopacket.NilDecodeFeedback); err != nil || icmp.Id != 7 || icmp.Seq != 8 || !ICMP(m).ChecksumOK() {
		t.Fatalf("ICMP %v %+v", err, icmp)
	}

	a := make([]byte, ARPLen)
	ARP(a).Encode(&ARPFields{Op: ARPReply, SenderMAC: MAC{1}, SenderIP: 2, TargetMAC: MAC{3}, TargetIP: 4})
	var arp layers.ARP
	if err := arp.DecodeFromBytes(a, gopacket.NilDecodeFeedback); err != nil || arp.Operation != 2 || arp.SourceProtAddress[3] != 2 || arp.DstHwAddress[0] != 3 {
		t.Fatalf("ARP %v %+v", err, arp)
	}

	v := make([]byte, VLANLen)
	VLAN(v).Encode(&VLANFields{Priority: 5, DEI: true, VID: 4094, Type: TypeIPv6})
	var vlan layers.Dot1Q
	if err := vlan.DecodeFromBytes(v, gopacket.NilDecodeFeedback); err != nil || vlan.Priority != 5 || !vlan.DropEligible ||
		vlan.VLANIdentifier != 4094 || vlan.Type != layers.EthernetTypeIPv6 {
		t.Fatalf("VLAN %v %+v", err, vlan)
	}
	if h := VLAN(v); h.Priority() != 5 || !h.DEI() || h.VID() != 4094 || h.TCI() != 0xbffe {
		t.Fatalf("VLAN reads %d %v %d", h.Priority(), h.DEI(), h.VID())
	}
}

func TestSetters(t *testing.T) {
	f := unhex(t, frameU1)
	e := Ethernet(f)
	e.SwapAddrs()
	if hex.EncodeToString(f[:12]) != "021e679f4dae06163e1b7232" { // case H32
		t.Fatalf("swapped addresses %x", f[:12])
	}
	e.SetDst(Broadcast)
	e.SetSrc(MAC{1, 2, 3, 4, 5, 6})
	e.SetType(TypeARP)
	if hex.EncodeToString(f[:14]) != "ffffffffffff0102030405060806" {
		t.Fatalf("Ethernet %x", f[:14])
	}
	if !e.Dst().IsMulticast() || e.Src() != MACFromUint64(0x010203040506) || e.Src().Uint64() != 0x010203040506 || len(e.Payload()) != 38 {
		t.Fatal("MAC as a number")
	}
	ip := IPv4(f[14:34])
	ip.SetTOS(1)
	ip.SetTotalLen(0x203)
	ip.SetID(0x405)
	ip.SetFragment(0x607)
	ip.SetTTL(8)
	ip.SetProtocol(9)
	ip.SetChecksum(0xa0b)
	ip.SetSrc(0xc0d0e0f)
	ip.SetDst(0x10111213)
	if hex.EncodeToString(ip) != "4501020304050607"+"08090a0b"+"0c0d0e0f"+"10111213" {
		t.Fatalf("IPv4 %x", []byte(ip))
	}
	u := UDP(make([]byte, 8))
	u.SetSrcPort(0x102)
	u.SetDstPort(0x304)
	u.SetLength(0x506)
	u.SetChecksum(0x708)
	if hex.EncodeToString(u) != "0102030405060708" || u.Checksum() != 0x708 {
		t.Fatalf("UDP %x", []byte(u))
	}
	s := TCP(make([]byte, 20))
	s.SetSrcPort(0x102)
	s.SetDstPort(0x304)
	s.SetSeq(0x5060708)
	s.SetAck(0x90a0b0c)
	s.SetFlags(0x0e)
	s.SetWindow(0xf10)
	s.SetChecksum(0x1112)
	if hex.EncodeToString(s) != "0102030405060708090a0b0c000e0f1011120000" {
		t.Fatalf("TCP %x", []byte(s))
	}
	m := ICMP(make([]byte, 8))
	m.SetType(1)
	m.SetCode(2)
	m.SetChecksum(0x304)
	m.SetID(0x506)
	m.SetSeq(0x708)
	if hex.EncodeToString(m) != "0102030405060708" {
		t.Fatalf("ICMP %x", []byte(m))
	}
	a := ARP(unhex(t, frameA1)[14:])
	a.SetOp(ARPReply)
	a.SetSender(MAC{0xa0, 0x22, 0x33, 0x44, 0x55, 0x66}, 0x01020304)
	a.SetTarget(MAC{2, 0x1e, 0x67, 0x9f, 0x4d, 0xae}, 0x0a000009)
	if hex.EncodeToString(a) != "0001080006040002a0223344556601020304021e679f4dae0a000009" { // case S18
		t.Fatalf("ARP %x", []byte(a))
	}
	v := VLAN(make([]byte, 4))
	v.SetTCI(0x6005)
	v.SetType(TypeIPv4)
	if hex.EncodeToString(v) != "60050800" || v.Priority() != 3 || v.VID() != 5 { // case H4
		t.Fatalf("VLAN %x", []byte(v))
	}
}
