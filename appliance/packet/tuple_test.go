// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"math/rand/v2"
	"testing"
)

// usual is a frame that ReadTuples reads: UDP from 10.1.2.3:4660 to
// 172.16.5.6:22136. (A copy of a known length to a packet would make the
// compiler fail, see pointer.)
//
//go:noinline
func usual() []byte {
	f := make([]byte, 60)
	copy(f[12:], []byte{8, 0, 0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 1, 2, 3, 172, 16, 5, 6, 0x12, 0x34, 0x56, 0x78})
	return f
}

func TestReadTuples(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f []byte) []byte
		ok     bool
		ports  uint64
	}{
		{"UDP", func(f []byte) []byte { return f }, true, TuplePorts | 0x12345678},
		{"TCP", func(f []byte) []byte { f[23] = 6; return f }, true, TuplePorts | 0x12345678},
		{"SCTP", func(f []byte) []byte { f[23] = 132; return f }, true, TuplePorts | 0x12345678},
		{"ICMP has no ports", func(f []byte) []byte { f[23] = 1; return f }, true, 0},
		{"TOS, identification, DF and TTL do not matter", func(f []byte) []byte { f[15], f[18], f[20], f[22] = 255, 255, 0xe0, 255; return f }, true, TuplePorts | 0x12345678},
		{"the shortest", func(f []byte) []byte { f[17] = 24; return f[:38] }, true, TuplePorts | 0x12345678},
		{"too short", func(f []byte) []byte { f[17] = 23; return f }, false, 0},
		{"longer than the frame", func(f []byte) []byte { f[17] = 47; return f }, false, 0},
		{"much longer", func(f []byte) []byte { f[16] = 255; return f }, false, 0},
		{"cut", func(f []byte) []byte { return f[:37] }, false, 0},
		{"empty", func([]byte) []byte { return nil }, false, 0},
		{"IPv6", func(f []byte) []byte { f[12], f[13] = 0x86, 0xdd; return f }, false, 0},
		{"options", func(f []byte) []byte { f[14] = 0x46; return f }, false, 0},
		{"a later fragment", func(f []byte) []byte { f[21] = 1; return f }, false, 0},
		{"a much later one", func(f []byte) []byte { f[20] = 0x10; return f }, false, 0},
	} {
		for n := 1; n <= BatchSize; n += 3 {
			cache, b := cacheWithBatch(t, n)
			at := rand.IntN(n)
			for i, p := range b.Packets() {
				p.Set(usual())
				if i == at {
					p.Set(c.change(usual()))
				}
			}
			var got [BatchSize]struct{ Addrs, Ports uint64 }
			if ok := ReadTuples(b.Packets(), &got); ok != c.ok {
				t.Errorf("%s: packet %d of %d: %v, want %v", c.name, at, n, ok, c.ok)
			}
			for i := range n {
				want := struct{ Addrs, Ports uint64 }{0x0a010203ac100506, TuplePorts | 0x12345678}
				if i == at {
					want.Ports = c.ports
				}
				if c.ok && got[i] != want {
					t.Errorf("%s: packet %d of %d: %x, want %x", c.name, i, n, got[i], want)
				}
			}
			cache.FreeBatch(b)
		}
	}
}

// A packet's first segment must have all that is read, the whole packet all
// that its header says.
func TestReadTuplesOfSegments(t *testing.T) {
	for _, first := range []int{37, 38, 59} {
		c, b := cacheWithBatch(t, 4)
		for _, p := range b.Packets() {
			p.Set(usual()[:first])
			tail := c.Alloc()
			tail.Set(usual()[first:])
			p.Chain(tail)
		}
		var got [BatchSize]struct{ Addrs, Ports uint64 }
		if ok := ReadTuples(b.Packets(), &got); ok != (first >= 38) {
			t.Errorf("%d bytes in the first segment: %v", first, ok)
		}
		c.FreeBatch(b)
	}
}

// The last buffer of a pool may end with a packet that is read beyond its end.
func TestReadTuplesAtTheEndOfThePool(t *testing.T) {
	pool, err := NewPool(64)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c, b := pool.NewCache(), new(Batch)
	if !c.AllocBatch(b, BatchSize, 60) {
		t.Fatal("no packets")
	}
	for _, p := range b.Packets() {
		p.Init(BufferSize)
		p.Adjust(BufferSize - 1)
	}
	var got [BatchSize]struct{ Addrs, Ports uint64 }
	if ReadTuples(b.Packets(), &got) {
		t.Error("a packet of one byte is IPv4")
	}
	c.FreeBatch(b)
}

func FuzzReadTuples(f *testing.F) {
	f.Add(usual(), uint8(0), uint8(0))
	f.Add(usual()[:38], uint8(16), uint8(255))
	f.Fuzz(func(t *testing.T, frame []byte, at, v uint8) {
		_, b := cacheWithBatch(t, 4)
		frame = frame[:min(len(frame), BufferSize)]
		for i, p := range b.Packets() {
			p.Set(usual())
			if i == 2 {
				if int(at) < len(frame) {
					frame[at] ^= v
				}
				p.Set(frame)
			}
		}
		var got, want [BatchSize]struct{ Addrs, Ports uint64 }
		ok := readTuplesPortable(b.Packets(), want[:])
		if ReadTuples(b.Packets(), &got) != ok || ok && got != want {
			t.Fatalf("%x: %v %x, want %x", frame, ok, got, want)
		}
	})
}

func BenchmarkReadTuples(b *testing.B) {
	_, batch := cacheWithBatch(b, BatchSize)
	for _, p := range batch.Packets() {
		p.Set(usual())
	}
	var out [BatchSize]tuple
	b.Run("chosen", func(b *testing.B) {
		for b.Loop() {
			ReadTuples(batch.Packets(), &out)
		}
	})
	b.Run("portable", func(b *testing.B) {
		for b.Loop() {
			readTuplesPortable(batch.Packets(), out[:])
		}
	})
}
