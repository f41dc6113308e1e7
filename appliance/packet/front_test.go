// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"testing"
)

// Push, Pull and Front are Prepend, Adjust and a look at Len.
func TestFrontFollowsTheLength(t *testing.T) {
	_, b := cacheWithBatch(t, 2)
	p, q := b.At(0), b.At(1)
	for _, x := range []Packet{p, q} {
		copy(x.Bytes(), "0123456789")
	}
	for _, n := range []int{14, 0, 100, 14, 1} {
		ok := q.Prepend(n)
		d := p.Push(n)
		if (d != nil) != ok || p.Len() != q.Len() || p.TotalLen() != q.TotalLen() || p.HeadroomLen() != q.HeadroomLen() {
			t.Fatalf("Push(%d) %v, length %d, total %d, headroom %d; Prepend %v, %d, %d, %d", n, d != nil,
				p.Len(), p.TotalLen(), p.HeadroomLen(), ok, q.Len(), q.TotalLen(), q.HeadroomLen())
		}
		if d != nil {
			copy(d[:n], bytes.Repeat([]byte{byte(n)}, n))
			if n > 0 && p.Bytes()[n-1] != byte(n) {
				t.Fatalf("Push(%d): wrote elsewhere than in %x", n, p.Bytes())
			}
		}
	}
	if p.Push(-1) != nil || p.Front(-1) != nil {
		t.Error("a negative number of bytes")
	}
	if p.Front(p.Len()+1) != nil || p.Front(p.Len()) == nil {
		t.Errorf("Front does not follow the length, %d", p.Len())
	}
	p.Pull(128) // all but the last one had room
	if d := p.Front(10); d == nil || string(d[:10]) != "0123456789" || p.Len() != 60 || p.TotalLen() != 60 {
		t.Errorf("after Pull: %q, length %d, total %d", p.Bytes()[:10], p.Len(), p.TotalLen())
	}
	p.Front(10).Put64(1, 0x0807060504030201)
	if want := "0\x01\x02\x03\x04\x05\x06\x07\x089"; string(p.Bytes()[:10]) != want {
		t.Errorf("Put64: %q, want %q", p.Bytes()[:10], want)
	}
}

// The total of a packet of several segments changes with its first.
func TestFrontOfSegments(t *testing.T) {
	c, b := cacheWithBatch(t, 1)
	p, s := b.At(0), c.Alloc()
	s.Init(100)
	p.Chain(s)
	p.Push(10)
	p.Pull(20)
	if p.Len() != 50 || p.TotalLen() != 150 || s.Len() != 100 {
		t.Errorf("length %d, total %d, second %d", p.Len(), p.TotalLen(), s.Len())
	}
	c.FreeBatch(b)
}
