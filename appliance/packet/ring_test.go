// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "testing"

// All of the room can be used at any time, although producers do not always
// look how far the consumer is.
func TestRingTakesWhatFits(t *testing.T) {
	c, b := cacheWithBatch(t, BatchSize)
	defer c.FreeBatch(b)
	for _, size := range []int{2, 4, 64, 128} {
		r := NewRing(size)
		var out [BatchSize]Packet
		level := 0
		for i := range 1000 {
			want := min(i*7%BatchSize+1, size-1-level)
			n, used := r.Put(b.Packets()[:i*7%BatchSize+1])
			if n != want {
				t.Fatalf("size %d, %d packets in it: %d more entered, want %d", size, level, n, want)
			}
			level += n
			if exact := used == uint64(level); !exact && used > uint64(size)/2+BatchSize || used < uint64(level) {
				t.Fatalf("size %d: %d packets in it, reported %d", size, level, used)
			}
			n, _ = r.Take(out[:i*5%BatchSize+1])
			level -= n
		}
	}
}
