// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// ranked returns tables with rules of different ranks and some deleted ones.
func ranked(t *testing.T, words int, rng *rand.Rand) (tables []*Table, masks [][]uint64) {
	t.Helper()
	d := &rcu.Domain{}
	t.Cleanup(d.Close)
	rank := uint64(0)
	for range 5 {
		tab, err := New(words, 2, 1000, d)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tab.Retire)
		mask := make([]uint64, words)
		for i := range mask {
			mask[i] = []uint64{^uint64(0), 0xf, 7}[rng.IntN(3)]
		}
		for range 40 {
			key := make([]uint64, words)
			for i := range key {
				key[i] = rng.Uint64N(8) & mask[i]
			}
			if rng.IntN(3) == 0 {
				tab.Delete(key)
				continue
			}
			rank++
			if err := tab.Set(key, []uint64{rank ^ 1<<62, rng.Uint64()}); err != nil {
				t.Fatal(err)
			}
		}
		tables, masks = append(tables, tab), append(masks, mask)
	}
	return tables, masks
}

func TestBestIsWhatKeyByKeyFinds(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		words := 1 + int(seed%3)
		tables, masks := ranked(t, words, rng)
		n := 1 + rng.IntN(64)
		keys := make([]uint64, n*words)
		for i := range keys {
			keys[i] = rng.Uint64N(8)
		}
		var got, want Best
		got.Init(keys, words, make([]uint16, n), make([]Place, n))
		want.Init(keys, words, make([]uint16, n), make([]Place, n))
		for i, tab := range tables {
			set := rng.Uint64() | rng.Uint64() // of keys that there are and others
			found := got.Lookup(tab.View(), masks[i], set, int32(i+1))
			if one := want.lookup(tab.View(), masks[i], set&want.all, int32(i+1)); found != one {
				t.Fatalf("seed %d, table %d: found %064b, key by key %064b", seed, i, found, one)
			}
		}
		if got.Highest != want.Highest || got.Rank != want.Rank {
			t.Fatalf("seed %d: ranks %x, key by key %x", seed, got.Rank, want.Rank)
		}
		for i, rank := range got.Rank[:n] {
			if rank != 0 && (got.Place[i] != want.Place[i] || got.First[i] != want.First[i]) {
				t.Fatalf("seed %d, key %d: %v %x, key by key %v %x", seed, i, got.Place[i], got.First[i], want.Place[i], want.First[i])
			}
		}
		if used := slices.ContainsFunc(got.Rank[n:], func(r uint64) bool { return r != 0 }); used {
			t.Fatalf("seed %d: a key that there is not has a rule", seed)
		}
	}
}

func TestBestDoesNotAllocate(t *testing.T) {
	tables, masks := ranked(t, 2, rand.New(rand.NewPCG(1, 1)))
	keys, first, place := make([]uint64, 128), make([]uint16, 64), make([]Place, 64)
	if n := testing.AllocsPerRun(100, func() {
		var b Best
		b.Init(keys, 2, first, place)
		for i, tab := range tables {
			b.Lookup(tab.View(), masks[i], ^uint64(0), 1)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
