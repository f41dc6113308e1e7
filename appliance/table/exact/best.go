// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import "math/bits"

// Place is where a rule is: a table, by a number that is not 0, and a cell.
type Place struct{ Cell, Table int32 }

// Found reports whether there is a rule.
func (p Place) Found() bool { return p.Table != 0 }

// Best is the best rules of some tables for up to 64 keys. Values in these
// tables have at least two words: the rank, which no other rule has and is not
// 0, the highest being the best, and a word that begins with a number. All keys
// and tables have the same number of words.
type Best struct {
	Rank    [64]uint64 // by key, 0 if there is no rule
	First   []uint16   // by key that has a rule, its number
	Place   []Place    // by key that has a rule
	Highest uint64     // no rank is higher
	keys    []uint64
	all     uint64 // keys
}

// Init takes keys, which lie one behind the other, and where to write what is
// found for them.
func (b *Best) Init(keys []uint64, words int, first []uint16, place []Place) {
	n := len(place)
	b.keys, b.First, b.Place = keys[:n*words], first[:n], place
	b.all = ^uint64(0) >> (64 - n)
}

// Lookup looks in a table for those keys that set names (bit i is key i), of
// which only the bits of mask count. Rules that are better than those found
// before take their places. It returns which keys have a rule in the table.
func (b *Best) Lookup(v *View, mask []uint64, set uint64, table int32) (found uint64) {
	set &= b.all
	if canBest && v.keyWords == 2 && v.stride >= 4 && set != 0 {
		found, set = best2(v, (*[2]uint64)(mask), set, uint64(table)<<32, b)
	}
	if set == 0 {
		return found
	}
	return found | b.lookup(v, mask, set, table)
}

// lookup is Lookup, key by key.
func (b *Best) lookup(v *View, mask []uint64, set uint64, table int32) (found uint64) {
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		c := v.lookupMasked(b.keys[i*v.keyWords:(i+1)*v.keyWords], mask)
		if c < 0 {
			continue
		}
		found |= 1 << i
		if value := v.Value(c); value[0] > b.Rank[i] {
			b.Rank[i], b.First[i], b.Place[i] = value[0], uint16(value[1]), Place{c, table}
			b.Highest = max(b.Highest, value[0])
		}
	}
	return found
}

// lookupMasked is Lookup for the bits of key that mask names.
func (v *View) lookupMasked(key, mask []uint64) int32 {
	if len(key) == 2 && len(mask) == 2 {
		return v.Lookup2(key[0]&mask[0], key[1]&mask[1])
	}
	var m [MaxWords]uint64
	for i, k := range key {
		m[i] = k & mask[i]
	}
	return v.Lookup(m[:len(key)])
}
