// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// The kinds of tags as a little-endian load finds them.
const kindA, kindB = 0x0081, 0xa888

func popOnes(ps []Packet, first, other uint32) (left uint64) {
	return popTagsPortable(ps, uint16(first), uint16(other))
}

func popBatch(ps []Packet, first, other uint32) (left uint64) {
	return PopTags(ps, uint16(first), uint16(other))
}

func pushOnes(ps []Packet, first, other uint32) (left uint64) {
	for i, p := range ps {
		if !p.pushTag(first, other) {
			left |= 1 << i
		}
	}
	return left
}

// oddFrame gives the empty packet p a frame with or without tags, of any
// length, headroom, segments and flags.
func oddFrame(random *rand.Rand, c *Cache, p Packet) {
	n := random.IntN(70)
	if random.IntN(4) > 0 {
		n = 10 + random.IntN(12)
	}
	p.Init(BufferSize)
	room := []int{random.IntN(9), Headroom, BufferSize - n}[random.IntN(3)]
	p.Adjust(room)
	p.Trim(n)
	d := p.Bytes()
	for i := range d {
		d[i] = byte(random.Uint32())
	}
	if kinds := []uint16{kindA, kindB, kindA ^ 1, kindB >> 1}; n >= typeEnd {
		binary.LittleEndian.PutUint16(d[tagAt:], kinds[random.IntN(4)])
	}
	p.SetFlags(uint32(random.IntN(2)) * FlagPartialChecksum)
	if random.IntN(4) == 0 {
		s := c.Alloc()
		s.Init(33)
		p.Chain(s)
	}
}

// twin makes q the same as p, without segments. The total may differ from the
// length then, as it does in p.
func twin(p, q Packet) {
	q.Init(BufferSize)
	q.Adjust(p.HeadroomLen())
	q.Trim(p.Len())
	q.hdr().total = p.hdr().total
	copy(q.Bytes(), p.Bytes())
}

// What moves tags in batches does the same as what moves them one by one.
func TestTagsOneByOneAndInBatches(t *testing.T) {
	for name, do := range map[string][2]func([]Packet, uint32, uint32) uint64{"push": {PushTags, pushOnes}, "pop": {popBatch, popOnes}} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			const first, other = 0x0700<<16 | kindA, 0x0700<<16 | kindB
			for range 300 {
				c, b := cacheWithBatch(t, random.IntN(BatchSize+1))
				var twins Batch
				for _, p := range b.Packets() {
					oddFrame(random, c, p)
					q := c.Alloc()
					twin(p, q)
					twins.Add(q)
				}
				flags := make([]uint32, b.Len())
				for i, p := range b.Packets() {
					flags[i] = p.Flags()
				}
				left, want := do[0](b.Packets(), first, other), do[1](twins.Packets(), first, other)
				if left != want {
					t.Fatalf("left %#x, want %#x", left, want)
				}
				for i, p := range b.Packets() {
					q := twins.At(i)
					if !bytes.Equal(p.Bytes(), q.Bytes()) || p.TotalLen() != q.TotalLen() || p.HeadroomLen() != q.HeadroomLen() || p.Flags() != flags[i] {
						t.Fatalf("packet %d, left %v, is %x, total %d, headroom %d, flags %d; want %x, %d, %d, %d", i, left>>i&1 != 0,
							p.Bytes(), p.TotalLen(), p.HeadroomLen(), p.Flags(), q.Bytes(), q.TotalLen(), q.HeadroomLen(), flags[i])
					}
				}
				c.FreeBatch(b)
				c.FreeBatch(&twins)
			}
		})
	}
}

func TestTagsOfOneFrame(t *testing.T) {
	_, b := cacheWithBatch(t, 1)
	p := b.At(0)
	const macs = "ABCDEFabcdef"
	for _, c := range []struct{ frame, pushed string }{
		{macs + "\x08\x00", macs + "\x81\x00\x00\x07\x08\x00"},
		{macs + "\x08\x00rest", macs + "\x81\x00\x00\x07\x08\x00rest"},
		{macs + "\x81\x00\x12\x34\x08\x00", macs + "\x88\xa8\x00\x07\x81\x00\x12\x34\x08\x00"},
		{macs + "\x88\xa8\x12\x34\x08\x00", macs + "\x88\xa8\x00\x07\x88\xa8\x12\x34\x08\x00"},
	} {
		p.Set([]byte(c.frame))
		if left := PushTags(b.Packets(), 0x0700<<16|kindA, 0x0700<<16|kindB); left != 0 || string(p.Bytes()) != c.pushed {
			t.Errorf("pushed to %q: %q, left %d", c.frame, p.Bytes(), left)
		}
		if left := PopTags(b.Packets(), kindA, kindB); left != 0 || string(p.Bytes()) != c.frame {
			t.Errorf("popped from %q: %q, left %d", c.pushed, p.Bytes(), left)
		}
	}
}

func BenchmarkTags(b *testing.B) {
	_, batch := cacheWithBatch(b, BatchSize)
	for name, do := range map[string][2]func([]Packet, uint32, uint32) uint64{"chosen": {PushTags, popBatch}, "portable": {pushOnes, popOnes}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				do[0](batch.Packets(), kindA, kindB)
				do[1](batch.Packets(), kindA, kindB)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/BatchSize, "ns/pkt")
		})
	}
}
