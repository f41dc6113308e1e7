// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// sctpFrame returns a finished frame of SCTP, behind further headers if given,
// and where the SCTP header begins.
func sctpFrame(t testing.TB, n int, outer ...gopacket.SerializableLayer) (f []byte, from int) {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolSCTP, SrcIP: []byte{10, 1, 2, 3}, DstIP: []byte{10, 1, 2, 4}}
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 5)
	}
	ls := slices.Concat(outer, []gopacket.SerializableLayer{eth, ip, &layers.SCTP{SrcPort: 5, DstPort: 38412, VerificationTag: 9}, gopacket.Payload(data)})
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), len(b.Bytes()) - n - 12
}

func TestCompleteKnowsSCTP(t *testing.T) {
	c := pool(t, 256)
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 16; n < 3000; n += 188 {
		plain, from := sctpFrame(t, n)
		// The kernel has no protocol of its own in a tunnel.
		tunnel, inner := sctpFrame(t, n, &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4},
			&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolGRE, SrcIP: []byte{10, 9, 0, 1}, DstIP: []byte{10, 9, 0, 2}},
			&layers.GRE{Protocol: layers.EthernetTypeTransparentEthernetBridging})
		padded := append(bytes.Clone(plain), 0, 0, 0) // which shows in the first segment
		for _, k := range []struct {
			want []byte
			from int
		}{{plain, from}, {tunnel, inner}, {padded, from}} {
			for _, left := range []byte{0, 0xaa} {
				open := bytes.Clone(k.want)
				copy(open[k.from+8:], []byte{left, left, left, left})
				parts := split(c, rng, open)
				if len(k.want) == len(padded) {
					c.Free(parts)
					parts = c.New(open)
				}
				Complete(parts, k.from, k.from+8)
				if got := content(parts); !bytes.Equal(got, k.want) {
					t.Errorf("%d bytes: %x, want %x", n, got[k.from:k.from+12], k.want[k.from:k.from+12])
				}
				c.Free(parts)
			}
		}
	}
}

// Another protocol's sum at that place is an ordinary one, and a CRC that does
// not fit is none.
func TestCompleteIsNotFooledBySCTP(t *testing.T) {
	c := pool(t, 64)
	f, from := sctpFrame(t, 100)
	f[23] = 250 // no protocol anybody has
	p := c.New(f)
	Complete(p, from, from+8)
	if got := content(p); !bytes.Equal(got[from+10:], f[from+10:]) || plainSum(got[from:from+8]) == 0 {
		t.Errorf("%x", got[from:from+12])
	}
	c.Free(p)
	for n := range 16 {
		p := c.New(f[:n])
		Complete(p, 0, 8)
		c.Free(p)
	}
}

func FuzzComplete(f *testing.F) {
	plain, from := sctpFrame(f, 40)
	f.Add(plain, from, from+8)
	f.Add(plain[:50], 0, 8)
	c := pool(f, 256)
	f.Fuzz(func(t *testing.T, b []byte, from, at int) {
		p := c.New(b[:min(len(b), 4000)])
		if p == 0 {
			return
		}
		before := content(p)
		Complete(p, from, at)
		for i, v := range content(p) {
			if v != before[i] && (i < at || i >= at+4) {
				t.Fatalf("byte %d was changed", i)
			}
		}
		c.Free(p)
	})
}

// A frame is given by its beginning and its length: what is in the payload
// decides nothing, and the fuzzer would spend its time on making it shorter.
func FuzzSegmenter(f *testing.F) {
	const most = 4000
	f.Add([]byte{}, uint16(0), 1500)
	f.Add(bytes.Repeat([]byte{1}, 100), uint16(100), 1500)
	plain, _ := sctpFrame(f, 2000)
	plain[23] = protoTCP
	plain[46] = 0x50
	f.Add(plain[:64], uint16(len(plain)), 576)
	c := pool(f, 256)
	f.Fuzz(func(t *testing.T, head []byte, size uint16, mtu int) {
		var s Segmenter
		head = head[:min(len(head), 128)]
		TooLong(head, int(size), mtu)
		b := make([]byte, min(size, most))
		copy(b, head)
		if !s.Start(b, min(max(mtu, 68), 65535)) {
			return
		}
		for s.Busy() {
			p, lost := s.Next(c)
			if p == 0 {
				if lost == 0 || s.Busy() {
					t.Fatal(lost)
				}
				break
			}
			if n := p.TotalLen(); n > 18+max(mtu, 68) {
				t.Fatalf("a piece of %d bytes with an MTU of %d", n, mtu)
			}
			c.Free(p)
		}
	})
}
