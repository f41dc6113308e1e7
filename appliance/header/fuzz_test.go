// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "testing"

// FuzzParse reads any bytes at any offset through every header: no accessor
// may leave the slice, whatever the bytes say.
func FuzzParse(f *testing.F) {
	for _, s := range []string{frameU1, frameT1, frameV1, frameA1, frameI1, frameO1} {
		f.Add(unhex(f, s), 14)
		f.Add(unhex(f, s)[14:], 0)
	}
	f.Add(unhex(f, "600000000010003a20010db8000000000000000000000001fe800000000000000000000000000002"+"3a00000000000000"+"8000000000010001"), 0)
	f.Fuzz(func(t *testing.T, b []byte, off int) {
		SkipTags(b)
		PopTag(append([]byte(nil), b...))
		if h, ok := ParseVXLAN(b, off); ok {
			h.VNI()
		}
		if h, ok := ParseEthernet(b); ok {
			_ = h.Dst().String() + h.Src().String()
			if len(h.Payload()) != len(b)-EthernetLen {
				t.Fatal("payload of Ethernet")
			}
			h.SwapAddrs()
			h.SwapAddrs()
		}
		if h, ok := ParseVLAN(b, off); ok && TCI(h.Priority(), h.DEI(), h.VID()) != h.TCI() {
			t.Fatalf("TCI %#x", h.TCI())
		}
		if h, ok := ParseARP(b, off); ok {
			g := make(ARP, ARPLen)
			g.Encode(&ARPFields{Op: h.Op(), SenderMAC: h.SenderMAC(), SenderIP: h.SenderIP(), TargetMAC: h.TargetMAC(), TargetIP: h.TargetIP()})
			if string(g) != string(h) {
				t.Fatalf("ARP % x encoded as % x", []byte(h), []byte(g))
			}
		}
		fuzzIPv4(t, b, off)
		fuzzIPv6(t, b, off)
		fuzzTransport(t, b, off)
	})
}

func fuzzIPv4(t *testing.T, b []byte, off int) {
	h, ok := ParseIPv4(b, off)
	if !ok {
		return
	}
	hl := h.HeaderLen()
	if hl < IPv4MinLen || hl > len(h) || len(h) > h.TotalLen() || h.Truncated() != (len(h) < h.TotalLen()) || len(h.Payload()) != len(h)-hl {
		t.Fatalf("header %d of %d bytes, total length %d", hl, len(h), h.TotalLen())
	}
	h.Ports()
	fuzzTransport(t, h, hl)
	right := h.ChecksumOK()
	if h.DecrementTTL() && h.ChecksumOK() != right {
		t.Fatalf("checksum right before: %v, after: %v", right, !right)
	}
	h.UpdateChecksum()
	if !h.ChecksumOK() {
		t.Fatalf("computed checksum %#x does not verify", h.Checksum())
	}
	if hl == IPv4MinLen {
		g := make(IPv4, IPv4MinLen)
		g.Encode(&IPv4Fields{
			TOS: h.TOS(), TotalLen: uint16(h.TotalLen()), ID: h.ID(), Fragment: h.Fragment(), TTL: h.TTL(),
			Protocol: h.Protocol(), Src: h.Src(), Dst: h.Dst(),
		})
		if string(g) != string(h[:IPv4MinLen]) {
			t.Fatalf("IPv4 % x encoded as % x", []byte(h[:20]), []byte(g))
		}
	}
}

func fuzzIPv6(t *testing.T, b []byte, off int) {
	h, ok := ParseIPv6(b, off)
	if !ok {
		return
	}
	if proto, at, ok := h.Transport(); ok && (at < IPv6Len || at > len(h)) {
		t.Fatalf("protocol %d at %d of %d bytes", proto, at, len(h))
	}
	g := make(IPv6, IPv6Len)
	g.Encode(&IPv6Fields{
		TrafficClass: h.TrafficClass(), FlowLabel: h.FlowLabel(), PayloadLen: uint16(h.PayloadLen()),
		NextHeader: h.NextHeader(), HopLimit: h.HopLimit(), Src: h.Src(), Dst: h.Dst(),
	})
	if string(g) != string(h[:IPv6Len]) || len(h.Payload()) > h.PayloadLen() {
		t.Fatalf("IPv6 % x encoded as % x", []byte(h[:40]), []byte(g))
	}
}

func fuzzTransport(t *testing.T, b []byte, off int) {
	if h, ok := ParseUDP(b, off); ok {
		if sum, ok := h.ComputeChecksum(1, 2); ok {
			old := h.Checksum()
			if h.SetChecksum(sum); sum == 0 || !h.ChecksumOK(1, 2) {
				t.Fatalf("UDP checksum %#x does not verify", sum)
			}
			h.SetChecksum(old)
		}
	}
	if h, ok := ParseTCP(b, off); ok && len(h) <= 0xffff {
		if len(h.Payload()) != len(h)-h.HeaderLen() {
			t.Fatal("payload of TCP")
		}
		old := h.Checksum()
		if h.SetChecksum(h.ComputeChecksum(1, 2)); !h.ChecksumOK(1, 2) {
			t.Fatalf("TCP checksum %#x does not verify", h.Checksum())
		}
		h.SetChecksum(old)
	}
	if h, ok := ParseICMP(b, off); ok {
		_ = h.Payload()
		old := h.Checksum()
		if h.SetChecksum(h.ComputeChecksum()); !h.ChecksumOK() && Fold(Sum(h, 0)) != 0 {
			t.Fatalf("ICMP checksum %#x does not verify", h.Checksum())
		}
		h.SetChecksum(old)
	}
}
