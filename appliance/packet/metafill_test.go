// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"math/rand/v2"
	"testing"
)

// Whatever bits are constant, both implementations write them and keep the
// others, and touch no other line.
func TestMetadataConst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c, b := cacheWithBatch(t, 6)
	q := c.Alloc()
	for round := range 2000 {
		var want, before [MetadataSize / 8]uint64
		var consts MetadataConst
		for w := range before {
			before[w] = random.Uint64()
			value, mask := random.Uint64(), random.Uint64()
			switch random.IntN(4) {
			case 0:
				mask = 0
			case 1:
				mask = ^uint64(0)
			}
			if round&(1<<(w/lineWords)) != 0 {
				mask = ^uint64(0)
			}
			consts.Set(w, ^value, mask)
			consts.Set(w, value, mask)
			want[w] = before[w]&^mask | value&mask
		}
		for _, p := range b.Packets() {
			*p.MetadataWords() = before
		}
		*q.MetadataWords() = before
		consts.Write(b.Packets()[:1+round%6])
		for i, p := range b.Packets() {
			if wrote := i <= round%6; wrote && *p.MetadataWords() != want || !wrote && *p.MetadataWords() != before {
				t.Fatalf("packet %d: %x, want %x written to the first %d over %x", i, *p.MetadataWords(), want, 1+round%6, before)
			}
		}
		for w := 0; w < len(want); w += lineWords {
			blendPortable([]Packet{q}, 8*w, (*metaLine)(consts.value[w:]), (*metaLine)(consts.mask[w:]))
		}
		if *q.MetadataWords() != want {
			t.Fatalf("portable: %x, want %x", *q.MetadataWords(), want)
		}
	}
	new(MetadataConst).Write(nil)
	ClearMetadata(nil, 8)
}

func BenchmarkClearMetadata(b *testing.B) {
	_, batch := cacheWithBatch(b, BatchSize)
	for name, f := range map[string]func([]Packet, int){"chosen": ClearMetadata, "portable": clearPortable} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f(batch.Packets(), 40)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/BatchSize, "ns/pkt")
		})
	}
}
