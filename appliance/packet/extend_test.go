// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"testing"
)

func TestExtend(t *testing.T) {
	pool, err := NewPool(256)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := pool.NewCache()
	data := make([]byte, 10_000)
	for i := range data {
		data[i] = byte(i * i >> 4)
	}
	src := c.New(data)
	for _, begin := range []int{0, 10, 1919, 1920, 1921, 5000} {
		for _, off := range []int{0, 1, 1919, 1920, 2000, 5000} {
			for _, n := range []int{0, 1, 500, 1920, 4000} {
				p := c.New(data[:begin])
				if !c.Extend(p, src, off, n) {
					t.Fatalf("%d bytes from %d behind %d: failed", n, off, begin)
				}
				got := make([]byte, begin+n+1)
				if k := p.CopyOut(got); k != begin+n || p.TotalLen() != k {
					t.Fatalf("%d bytes from %d behind %d: %d bytes, total %d", n, off, begin, k, p.TotalLen())
				}
				if want := append(bytes.Clone(data[:begin]), data[off:off+n]...); !bytes.Equal(got[:begin+n], want) {
					t.Fatalf("%d bytes from %d behind %d: other bytes", n, off, begin)
				}
				c.Free(p)
			}
		}
	}
	p := c.New(nil)
	if c.Extend(p, src, 9_990, 20) || p.TotalLen() != 10 {
		t.Errorf("beyond the end of the source: %d bytes", p.TotalLen())
	}
	c.Free(p)
	var all []Packet
	for q := c.Alloc(); q != 0; q = c.Alloc() {
		all = append(all, q)
	}
	if c.Extend(all[0], src, 0, 3000) {
		t.Error("extended without packets")
	}
	for _, q := range all {
		c.Free(q)
	}
	c.Free(src)
	c.Close()
	if pool.Available() != 256 {
		t.Errorf("%d packets are free of 256", pool.Available())
	}
}

func TestAllocTotal(t *testing.T) {
	pool, err := NewPool(64)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := pool.NewCache()
	const room = BufferSize - Headroom
	for n, segments := range map[int]int{
		0: 1, 1: 1, BufferSize: 1, BufferSize + 1: 2, 2 * room: 2, 2*room + 1: 3, MaxTotal: 35,
	} {
		p := c.AllocTotal(n)
		if p == 0 || p.TotalLen() != n {
			t.Fatalf("%d bytes: %v", n, p)
		}
		k, sum := 0, 0
		for s := p; s != 0; s = s.Next() {
			k, sum = k+1, sum+s.Len()
		}
		if k != segments || sum != n {
			t.Errorf("%d bytes: %d in %d segments, want %d segments", n, sum, k, segments)
		}
		c.Free(p)
	}
	if c.AllocTotal(MaxTotal+1) != 0 {
		t.Error("a packet beyond the limit")
	}
	p, q := c.AllocTotal(MaxTotal), c.AllocTotal(MaxTotal)
	if p == 0 || q != 0 {
		t.Errorf("64 buffers: %v, %v", p, q)
	}
	c.Free(p)
	c.Flush()
	if n := pool.Available(); n != 64 {
		t.Errorf("%d of 64 buffers are free in the end", n)
	}
}
