// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// ip6 returns an IPv6 packet with the given chain behind the fixed header.
func ip6(t *testing.T, next uint8, chain string) []byte {
	t.Helper()
	tail := unhex(t, chain)
	b := make([]byte, IPv6Len, IPv6Len+len(tail))
	IPv6(b).Encode(&IPv6Fields{
		TrafficClass: 0xab, FlowLabel: 0xcdef1, PayloadLen: uint16(len(tail)), NextHeader: next, HopLimit: 64,
		Src: [16]byte{0x20, 1, 15: 1}, Dst: [16]byte{0xfe, 0x80, 15: 2},
	})
	return append(b, tail...)
}

func TestIPv6Fields(t *testing.T) {
	b := append(ip6(t, ProtoUDP, "0001000200080000"), 0xee) // one byte of padding
	h, ok := ParseIPv6(b, 0)
	if !ok || len(h) != 48 || h.Truncated() || h.TrafficClass() != 0xab || h.FlowLabel() != 0xcdef1 || h.PayloadLen() != 8 ||
		h.NextHeader() != ProtoUDP || h.HopLimit() != 64 || h.Src()[15] != 1 || h.Dst()[0] != 0xfe || len(h.Payload()) != 8 {
		t.Fatalf("%v % x", ok, []byte(h))
	}
	var want layers.IPv6
	if err := want.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil || want.TrafficClass != 0xab || want.FlowLabel != 0xcdef1 ||
		!bytes.Equal(want.SrcIP, h[8:24]) || want.HopLimit != 64 {
		t.Fatalf("gopacket: %v %+v", err, want)
	}
	h.SetPayloadLen(9)
	h.SetNextHeader(6)
	h.SetHopLimit(63)
	h.SetSrc([16]byte{1})
	h.SetDst([16]byte{2})
	if hex.EncodeToString(h[:9]) != "6abcdef10009063f01" || h[24] != 2 || !h.Truncated() {
		t.Fatalf("after setters %x", h[:40])
	}
}

func TestParseIPv6Refuses(t *testing.T) {
	b := ip6(t, ProtoUDP, "")
	if _, ok := ParseIPv6(b[:39], 0); ok {
		t.Error("39 bytes are accepted")
	}
	for _, off := range []int{-1, 1, 40, 1<<63 - 1, -1 << 63} {
		if _, ok := ParseIPv6(b, off); ok {
			t.Errorf("offset %d is accepted", off)
		}
	}
	b[0] = 0x45
	if _, ok := ParseIPv6(b, 0); ok {
		t.Error("version 4 is accepted")
	}
}

func TestIPv6Transport(t *testing.T) {
	hop := "0000000000000000" // next header is the first byte
	for name, c := range map[string]struct {
		next  uint8
		chain string
		proto uint8
		off   int
		ok    bool
	}{
		"none":                 {17, "", 17, 40, true},
		"hop by hop":           {0, "3a00000000000000", 58, 48, true},
		"long destination":     {60, "0601" + "0000000000000000000000000000", 6, 56, true},
		"authentication":       {51, "1101" + "00000000000000000000", 17, 52, true},
		"first fragment":       {44, "1100000100000000", 17, 48, true},
		"other fragment":       {44, "1100000900000000", 0, 0, false},
		"two in a row":         {0, "2b00000000000000" + "1100000000000000", 17, 56, true},
		"seven bytes":          {0, "11000000000000", 0, 0, false},
		"longer than packet":   {43, "11ff000000000000", 0, 0, false},
		"nothing there":        {43, "", 0, 0, false},
		"eight":                {0, strings.Repeat("0000000000000000", 7) + "1100000000000000", 17, 104, true},
		"nine":                 {0, strings.Repeat("0000000000000000", 8) + "1100000000000000", 0, 0, false},
		"endless hop by hop":   {0, hop + hop + hop + hop + hop + hop + hop + hop + hop + hop, 0, 0, false},
		"unknown is a payload": {253, "00", 253, 40, true},
	} {
		h, ok := ParseIPv6(ip6(t, c.next, c.chain), 0)
		if !ok {
			t.Fatalf("%s: not IPv6", name)
		}
		proto, off, ok := h.Transport()
		if proto != c.proto || off != c.off || ok != c.ok {
			t.Errorf("%s: %d at %d %v, want %d at %d %v", name, proto, off, ok, c.proto, c.off, c.ok)
		}
	}
}

func TestUpper(t *testing.T) {
	for _, c := range []struct {
		name, next, rest string
		want             Upper
		ok               bool
	}{
		{"transport at once", "11", "0001000200080000", Upper{Proto: ProtoUDP, Off: 40}, true},
		{"only fragment", "2c", "110000000000000100010002", Upper{Proto: ProtoUDP, Off: 48}, true},
		{"first fragment", "2c", "110000010000000100010002", Upper{Proto: ProtoUDP, Off: 48, Fragment: true}, true},
		{"later fragment", "2c", "110000080000000100010002", Upper{}, false},
		{"route under way", "2b", "060004010000000000010002", Upper{Proto: ProtoTCP, Off: 48, Routed: true}, true},
		{"route at its end", "2b", "060004000000000000010002", Upper{Proto: ProtoTCP, Off: 48}, true},
		{"cut", "2b", "0600040000", Upper{}, false},
	} {
		b := unhex(t, "60000000"+"00ff"+c.next+"40"+"20010db8000000000000000000000001"+"20010db8000000000000000000000002"+c.rest)
		up, ok := IPv6(b).Upper()
		if ok != c.ok || ok && up != c.want {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, up, ok, c.want, c.ok)
		}
	}
}
