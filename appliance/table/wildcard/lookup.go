// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
)

// Match is the place of a rule in a View. Its zero value is no rule.
type Match struct {
	tuple int32 // plus 1
	cell  int32
}

// Found reports whether there is a rule.
func (m Match) Found() bool { return m.tuple != 0 }

// Value returns the value of the rule found; it is valid until the reader
// leaves.
func (v *View) Value(m Match) []uint64 {
	return v.tuples[m.tuple-1].rules.View().Value(m.cell)[1:]
}

// Lookup returns the best rule for a key.
func (v *View) Lookup(key []uint64) (match Match) {
	if v.sieve != nil {
		var set [1]uint64
		v.sieve.masks(key, v.words, set[:])
		return v.lookupIn(set[0]&v.numbers, key)
	}
	var best uint64
	for i := range v.tuples {
		if v.tuples[i].best < best {
			break // and so are all behind it
		}
		best = v.try(i, key, best, &match)
	}
	return match
}

// lookupIn is Lookup in the tables of a set of masks.
func (v *View) lookupIn(set uint64, key []uint64) (match Match) {
	var best uint64
	for ; set != 0; set &= set - 1 {
		i := int(v.places[bits.TrailingZeros64(set)&(sieveMasks-1)])
		if v.tuples[i].best >= best {
			best = v.try(i, key, best, &match)
		}
	}
	return match
}

// try looks a key up among the rules of a mask and returns the rank of the best
// rule so far, which match becomes.
func (v *View) try(i int, key []uint64, best uint64, match *Match) uint64 {
	u := &v.tuples[i]
	rules := u.rules.View()
	var c int32
	switch len(key) {
	case 1:
		c = rules.Lookup1(key[0] & u.mask[0])
	case 2:
		c = rules.Lookup2(key[0]&u.mask[0], key[1]&u.mask[1])
	default:
		c = masked(rules, key, u.mask)
	}
	if c >= 0 {
		if rank := rules.First(c); rank > best {
			best, *match = rank, Match{int32(i + 1), c}
		}
	}
	return best
}

func masked(rules *exact.View, key, mask []uint64) int32 {
	var c [1]int32
	rules.LookupMasked(key, mask, c[:])
	return c[0]
}

// chunk is how many keys lookupAll looks up at the same time.
const chunk = 64

// lookupAll is Lookup for many keys. It goes through the masks once for all of
// them, so that lookups that do not depend on each other are next to each
// other.
func (v *View) lookupAll(keys []uint64, out []Match) {
	for n := chunk; len(out) > n; out, keys = out[n:], keys[n*v.words:] {
		v.lookupChunk(keys[:n*v.words], out[:n])
	}
	v.lookupChunk(keys, out)
}

func (v *View) lookupChunk(keys []uint64, out []Match) {
	if v.sieve != nil {
		v.lookupSieved(keys, out)
		return
	}
	var ranks [chunk]uint64
	var cells [chunk]int32
	clear(out)
	for t := range v.tuples {
		u := &v.tuples[t]
		rules := u.rules.View()
		rules.LookupMasked(keys, u.mask, cells[:len(out)])
		lowest := ^uint64(0)
		for i, c := range cells[:len(out)] {
			if c >= 0 {
				if rank := rules.First(c); rank > ranks[i] {
					ranks[i], out[i] = rank, Match{int32(t + 1), c}
				}
			}
			lowest = min(lowest, ranks[i])
		}
		if t+1 < len(v.tuples) && v.tuples[t+1].best < lowest {
			return // and so are all behind it
		}
	}
}

// lookupSieved asks only the tables that the sieve tells.
func (v *View) lookupSieved(keys []uint64, out []Match) {
	var sets [chunk]uint64
	n := v.words
	v.sieve.masks(keys, n, sets[:len(out)])
	for i := range out {
		set := sets[i&(chunk-1)] & v.numbers
		if set == 0 {
			out[i] = Match{}
			continue
		}
		out[i] = v.lookupIn(set, keys[i*n:(i+1)*n])
	}
}

// Figures of a Memo, see there.
const (
	memoBits   = 12
	memoSlots  = 1 << memoBits
	memoWindow = 4 * memoSlots
	memoRest   = 31 * memoWindow
	// memoMasks is the number of masks from which on remembering pays.
	memoMasks = 2
)

// Memo remembers what was found for the keys seen last. Keys are compared
// whole, so a collision costs time, never a wrong answer; a change of the rules
// makes it forget. When it knows fewer than half of the keys it rests, and the
// table is asked directly.
//
// A Memo belongs to one reader.
type Memo struct {
	slots []memoSlot
	seen  int // lookups in this window
	hits  int // of those, found
	rest  int // lookups left to do without
}

type memoSlot struct {
	version uint64 // of the view that match is of
	key     [exact.MaxWords]uint64
	match   Match
}

// NewMemo returns a memo of 4096 keys, 320 kB without pointers.
func NewMemo() *Memo { return &Memo{slots: make([]memoSlot, memoSlots)} }

// LookupBatch writes to out[i] the best rule for key i; keys holds len(out)
// keys one behind the other. The memo may be nil.
func (v *View) LookupBatch(m *Memo, keys []uint64, out []Match) {
	n := v.words
	if m == nil || len(v.tuples) < memoMasks || m.resting(len(out)) {
		v.lookupAll(keys[:n*len(out)], out)
		return
	}
	for i := range out {
		key := keys[i*n : (i+1)*n]
		s := &m.slots[exact.Hash(key)>>(64-memoBits)&(memoSlots-1)]
		if s.version == v.version && same(key, s.key[:]) {
			out[i] = s.match
			m.hits++
			continue
		}
		out[i] = v.Lookup(key)
		s.version, s.match = v.version, out[i]
		copy(s.key[:], key)
	}
}

// same compares a key with the words that b begins with.
func same(key, b []uint64) bool {
	b = b[:len(key)]
	for i, w := range key {
		if w != b[i] {
			return false
		}
	}
	return true
}

// resting counts n lookups and reports whether the memo is left out for them.
func (m *Memo) resting(n int) bool {
	if m.rest > 0 {
		m.rest -= n
		return true
	}
	if m.seen += n; m.seen >= memoWindow {
		if m.hits < m.seen/2 {
			m.rest = memoRest
		}
		m.seen, m.hits = 0, 0
	}
	return false
}
