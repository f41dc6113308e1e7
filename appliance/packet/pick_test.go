// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// Both implementations pick the same packets, whatever is asked, and write to
// nothing but the batch.
func TestPick(t *testing.T) {
	type guarded struct {
		before [8]Packet
		batch  Batch
		after  [8]Packet
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var src Batch
		var keys [BatchSize]uint16
		span := 1 + random.IntN(9)
		for i := range keys {
			src.Slots()[i], keys[i] = Packet(random.Uint64()), uint16(random.IntN(span)*0x1fff)
		}
		src.SetLen(1 + random.IntN(BatchSize))
		of := random.Uint64() | random.Uint64()
		if of >>= BatchSize - src.Len(); random.IntN(4) == 0 {
			of = 1<<src.Len() - 1
		}
		key := keys[random.IntN(BatchSize)]
		var got guarded
		var want [BatchSize]Packet
		mask := got.batch.Pick(&src, &keys, key, of)
		wantMask := pickPortable(&want, &src.pkts, &keys, key, of)
		n := bits.OnesCount64(wantMask)
		if mask != wantMask || got.batch.Len() != n {
			t.Fatalf("picked %#x, want %#x", mask, wantMask)
		}
		for i, p := range got.batch.Packets() {
			if p != want[i] {
				t.Fatalf("packet %d is %#x, want %#x", i, p, want[i])
			}
		}
		if got.before != [8]Packet{} || got.after != [8]Packet{} {
			t.Fatal("bytes beside the batch have changed")
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
		dst.Pick(&src, &keys, 2, 1<<BatchSize-1)
	}
}
