// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// Both implementations pick the same packets, whatever is asked, behind what
// was there, and write to nothing but the batch.
func TestPick(t *testing.T) {
	type guarded struct {
		before [8]Packet
		batch  Batch
		after  [8]Packet
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var src Batch
		for i := range src.Slots() {
			src.Slots()[i] = Packet(random.Uint64())
		}
		src.SetLen(1 + random.IntN(BatchSize))
		mask := random.Uint64() & (random.Uint64() | random.Uint64()) >> (BatchSize - src.Len())
		if random.IntN(4) == 0 {
			mask = 1<<src.Len() - 1
		}
		room := BatchSize - bits.OnesCount64(mask)
		var got guarded
		var want Batch
		for range random.IntN(room + 1) {
			p := Packet(random.Uint64())
			got.batch.Add(p)
			want.Add(p)
		}
		got.batch.Pick(&src, mask)
		pickPortable(&want, &src, mask)
		want.n += bits.OnesCount64(mask)
		if !slices.Equal(got.batch.Packets(), want.Packets()) {
			t.Fatalf("mask %#x: picked %x, want %x", mask, got.batch.Packets(), want.Packets())
		}
		if got.before != [8]Packet{} || got.after != [8]Packet{} {
			t.Fatal("bytes beside the batch have changed")
		}
	}
}

func TestEqual(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		var keys [BatchSize]uint16
		span := 1 + random.IntN(9)
		for i := range keys {
			keys[i] = uint16(random.IntN(span) * 0x1fff)
		}
		key := keys[random.IntN(BatchSize)]
		if got, want := Equal(&keys, key), equalPortable(&keys, key); got != want {
			t.Fatalf("equal are %#x, want %#x", got, want)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	var src, dst Batch
	var keys [BatchSize]uint16
	src.SetLen(BatchSize)
	for i := range keys {
		keys[i] = uint16(i * 7 % 4)
	}
	for b.Loop() {
		dst.Clear()
		dst.Pick(&src, Equal(&keys, 2))
	}
}
