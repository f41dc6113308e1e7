// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// icmpError returns an error of type typ about a packet of proto whose quote
// ends after extra bytes of the transport.
func icmpError(typ, proto uint8, extra int, rnd *rand.Rand) []byte {
	const payload = 24
	l4 := make([]byte, payload)
	for i := range l4 {
		l4[i] = byte(rnd.IntN(256))
	}
	const src, dst = 0x0a000001, 0xc0a80102
	switch proto {
	case ProtoTCP:
		l4[12] = 5 << 4
		TCP(l4).SetChecksum(TCP(l4).ComputeChecksum(src, dst))
	case ProtoUDP:
		UDP(l4).SetLength(payload)
		sum, _ := UDP(l4).ComputeChecksum(src, dst)
		UDP(l4).SetChecksum(sum)
	case ProtoICMP:
		l4[0] = ICMPEchoRequest
		ICMP(l4).SetChecksum(ICMP(l4).ComputeChecksum())
	}
	m := make([]byte, ICMPLen+IPv4MinLen+payload)
	IPv4(m[ICMPLen:]).Encode(&IPv4Fields{TotalLen: IPv4MinLen + payload, TTL: 3, Protocol: proto, Src: src, Dst: dst})
	copy(m[ICMPLen+IPv4MinLen:], l4)
	m = m[:ICMPLen+IPv4MinLen+extra]
	m[0] = typ
	ICMP(m).SetChecksum(ICMP(m).ComputeChecksum())
	return m
}

// All checksums are right after a change: that of the error, those of the
// quoted headers, whatever the quote has of them.
func TestSetQuoted(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		for _, proto := range []uint8{ProtoTCP, ProtoUDP, ProtoICMP} {
			for _, extra := range []int{8, 18, 24} {
				for _, side := range []Side{SrcSide, DstSide} {
					m := ICMP(icmpError(ICMPTimeExceeded, proto, extra, rnd))
					e := Endpoint{rnd.Uint32(), uint16(rnd.Uint32())}
					if !m.SetQuoted(side, e, true) || !m.ChecksumOK() {
						t.Fatalf("protocol %d, %d bytes: checksum of the error is wrong", proto, extra)
					}
					q, _ := m.Quoted()
					if got, ok := q.Endpoint(side); !ok || got != e || !q.ChecksumOK() {
						t.Fatalf("quoted endpoint %v, want %v; header checksum right: %v", got, e, q.ChecksumOK())
					}
					if extra < 24 {
						continue
					}
					l4 := q.Payload()
					if proto == ProtoTCP && !TCP(l4).ChecksumOK(q.Src(), q.Dst()) ||
						proto == ProtoUDP && !UDP(l4).ChecksumOK(q.Src(), q.Dst()) ||
						proto == ProtoICMP && !ICMP(l4).ChecksumOK() {
						t.Fatalf("protocol %d: checksum of the quoted transport is wrong", proto)
					}
				}
			}
		}
	}
}

func TestSetQuotedRefuses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	echo := icmpError(ICMPEchoRequest, ProtoUDP, 8, rnd)
	short := icmpError(ICMPUnreachable, ProtoUDP, 3, rnd)
	other := icmpError(ICMPUnreachable, ProtoGRE, 8, rnd)
	fragment := icmpError(ICMPUnreachable, ProtoUDP, 8, rnd)
	fragment[ICMPLen+7] = 1
	tiny := icmpError(ICMPUnreachable, ProtoUDP, 8, rnd)[:ICMPLen+10]
	for i, m := range [][]byte{echo, short, other, fragment, tiny} {
		before := slices.Clone(m)
		if ICMP(m).SetQuoted(DstSide, Endpoint{1, 2}, true) || !bytes.Equal(m, before) {
			t.Errorf("message %d was changed", i)
		}
	}
	// An address alone can be set in a quote without port.
	if !ICMP(other).SetQuoted(DstSide, Endpoint{1, 0}, false) || !ICMP(other).ChecksumOK() {
		t.Error("address not set")
	}
}

// Deltas are what recomputing gives; a partial checksum stays the sum of the
// pseudo header.
func TestAdjustTransport(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		b := make([]byte, IPv4MinLen+8+rnd.IntN(20))
		ip := IPv4(b)
		ip.Encode(&IPv4Fields{TotalLen: uint16(len(b)), Protocol: ProtoUDP, Src: rnd.Uint32(), Dst: rnd.Uint32()})
		u := UDP(ip.Payload())
		u.SetLength(uint16(len(u)))
		sum, _ := u.ComputeChecksum(ip.Src(), ip.Dst())
		u.SetChecksum(sum)
		now := rnd.Uint32()
		addr := Delta32(ip.Src(), now)
		ip.SetSrc(now)
		port := Delta16(u.SrcPort(), uint16(now))
		u.SetSrcPort(uint16(now))
		ip.AdjustTransport(addr, port, false)
		if !u.ChecksumOK(ip.Src(), ip.Dst()) || u.Checksum() == 0 {
			t.Fatalf("checksum %04x is wrong", u.Checksum())
		}
		old := PseudoSum(ip.Src(), ip.Dst(), ProtoUDP, uint16(len(u)))
		u.SetChecksum(Fold(old))
		addr = Delta32(ip.Dst(), 7)
		ip.SetDst(7)
		ip.AdjustTransport(addr, 99, true)
		if want := Fold(PseudoSum(ip.Src(), 7, ProtoUDP, uint16(len(u)))); u.Checksum() != want {
			t.Fatalf("partial checksum %04x, want %04x", u.Checksum(), want)
		}
	}
}

func FuzzQuoted(f *testing.F) {
	f.Add(icmpError(ICMPUnreachable, ProtoTCP, 24, rand.New(rand.NewPCG(1, 1))), true)
	f.Fuzz(func(_ *testing.T, b []byte, port bool) {
		if m, ok := ParseICMP(b, 0); ok {
			m.SetQuoted(SrcSide, Endpoint{1, 2}, port)
			m.SetQuoted(DstSide, Endpoint{3, 4}, port)
		}
		if ip, ok := ParseIPv4(b, 0); ok {
			ip.Endpoint(SrcSide)
			ip.AdjustTransport(1, 2, port)
		}
	})
}
