// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"slices"
	"testing"
)

func TestPutCopiesAndSeesEveryLink(t *testing.T) {
	c, b := cacheWithBatch(t, BatchSize)
	defer c.FreeBatch(b)
	for n := range BatchSize + 1 {
		ps := b.Packets()[:n]
		for at := -1; at < n; at++ {
			if at >= 0 {
				ps[at].SetFlags(FlagLarge)
			}
			got := make([]Packet, BatchSize)
			links := put(got, ps)
			if !slices.Equal(got[:n], ps) || slices.ContainsFunc(got[n:], func(p Packet) bool { return p != 0 }) {
				t.Fatalf("of %d packets %v became %v", n, ps, got)
			}
			if want := putPortable(got, ps); links != want || (links != 0) != (at >= 0) {
				t.Fatalf("%d packets, one with a flag: %d: links %x, want %x", n, at, links, want)
			}
			if at >= 0 {
				ps[at].SetFlags(0)
			}
		}
	}
}
