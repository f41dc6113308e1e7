// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import (
	"math/rand/v2"
	"testing"
)

// Both implementations find the same keys for every mask, whatever was added
// and removed, for any number of keys.
func TestSieves(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 9))
		words := 1 + int(seed%8)
		tab := newTable(t, words, 1000)
		masks := make([]Rule, 2+rng.IntN(sieveMasks-2))
		for i := range masks {
			masks[i] = draw(rng, words)
			for j := range words {
				masks[i].Mask[j] ^= rng.Uint64N(4) << rng.IntN(63)
			}
		}
		var rules []Rule
		for range 300 {
			r := masks[rng.IntN(len(masks))]
			r.Key = make([]uint64, words)
			for j := range words {
				r.Key[j] = rng.Uint64N(1<<rng.IntN(17)) * 0x1001001 & r.Mask[j]
			}
			if err := tab.Set(r); err != nil {
				t.Fatal(err)
			}
			rules = append(rules, r)
			if rng.IntN(4) == 0 {
				tab.Delete(rules[rng.IntN(len(rules))].Key, r.Mask)
			}
			compareSieves(t, tab, rules, rng)
		}
	}
}

func compareSieves(t *testing.T, tab *Table, rules []Rule, rng *rand.Rand) {
	t.Helper()
	s := tab.sieve
	if s == nil {
		return // one mask, or too many
	}
	keys := make([]uint64, tab.words*(1+rng.IntN(chunk)))
	for at := 0; at < len(keys); at += tab.words {
		r := rules[rng.IntN(len(rules))]
		for j := range tab.words {
			keys[at+j] = r.Key[j] | rng.Uint64()&^r.Mask[j]
			if rng.IntN(10) == 0 {
				keys[at+j] ^= 1 << rng.IntN(64)
			}
		}
	}
	var got, want [sieveMasks]uint64
	s.byMask(keys, tab.words, tab.View().numbers, &got)
	s.byMaskPortable(keys, tab.words, &want)
	valid := ^uint64(0) >> (chunk - len(keys)/tab.words)
	for id := range s.ids {
		if tab.View().numbers>>id&1 == 0 {
			continue // the mask is gone
		}
		if got[id]&valid != want[id] {
			t.Fatalf("mask %d of %d, %d words: keys %#x, want %#x", id, s.ids, tab.words, got[id]&valid, want[id])
		}
	}
}

func TestAbove(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		var ranks [chunk]uint64
		want := uint64(0)
		rank := rng.Uint64()
		for i := range ranks {
			if ranks[i] = rng.Uint64(); i%5 == 0 {
				ranks[i] = rank
			}
			if ranks[i] > rank {
				want |= 1 << i
			}
		}
		if got := above(&ranks, rank); got != want {
			t.Fatalf("%064b, want %064b", got, want)
		}
	}
}
