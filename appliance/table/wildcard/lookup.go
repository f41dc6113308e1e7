// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
)

// Match is the place of a rule in a View. Its zero value is no rule.
type Match = exact.Place

// Value returns the value of the rule found; it is valid until the reader
// leaves.
func (v *View) Value(m Match) []uint64 {
	return v.tuples[m.Table-1].rules.View().Value(m.Cell)[1:]
}

// chunk is how many keys lookupChunk looks up at the same time.
const chunk = 64

// results is where a lookup writes what it finds; see LookupBatch.
type results struct {
	out     []Match
	first   []uint16
	missing uint16
}

// lookupChunk goes through the masks, the one with the highest priority first,
// and asks each table for the keys that the sieve says may be there.
func (v *View) lookupChunk(keys []uint64, r results) (misses int) {
	var sets [sieveMasks]uint64
	if v.sieve != nil {
		v.sieve.byMask(keys, v.words, v.numbers, &sets)
	}
	var best exact.Best
	best.Init(keys, v.words, r.first, r.out)
	all := ^uint64(0) >> (chunk - len(r.out))
	open, found := all, uint64(0) // keys for which a better rule may come, those with one
	for t := range v.tuples {
		u := &v.tuples[t]
		if best.Highest > u.best {
			open &^= above(&best.Rank, u.best)
		}
		set := open
		if v.sieve != nil {
			set &= sets[u.id&(sieveMasks-1)]
		}
		if set != 0 {
			found |= best.Lookup(u.rules.View(), u.mask, set, int32(t+1))
		}
	}
	for rest := all &^ found; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		r.out[i], r.first[i] = Match{}, r.missing
	}
	return bits.OnesCount64(all &^ found)
}

// above returns which of the ranks are above one.
func above(ranks *[chunk]uint64, rank uint64) (set uint64) {
	if canSift {
		return aboveAll(ranks, rank)
	}
	for i, r := range ranks {
		if r > rank {
			set |= 1 << i
		}
	}
	return set
}

// Figures of a Memo, see there.
const (
	memoBits   = 12
	memoSlots  = 1 << memoBits
	memoWindow = 4 * memoSlots
	memoRest   = 127 * memoWindow
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

	// The keys of a chunk that are not known, and what is found for them.
	keys  [chunk * exact.MaxWords]uint64
	out   [chunk]Match
	first [chunk]uint16
}

type memoSlot struct {
	version uint64 // of the view that match is of
	key     [exact.MaxWords]uint64
	match   Match
	first   uint16
}

// NewMemo returns a memo of 4096 keys, 360 kB without pointers.
func NewMemo() *Memo { return &Memo{slots: make([]memoSlot, memoSlots)} }

// LookupBatch writes to out[i] the best rule for key i and to first[i] the low
// bits of the first word of its value, or missing; keys holds len(out) keys one
// behind the other. It returns how many keys no rule matches. The memo may be
// nil.
func (v *View) LookupBatch(m *Memo, keys []uint64, out []Match, first []uint16, missing uint16) (misses int) {
	r := results{out, first[:len(out)], missing}
	keys = keys[:v.words*len(out)]
	if m != nil && (len(v.tuples) < memoMasks || m.resting(len(out))) {
		m = nil
	}
	for len(r.out) > chunk {
		misses += v.lookup(m, keys[:chunk*v.words], results{r.out[:chunk], r.first[:chunk], missing})
		keys, r = keys[chunk*v.words:], results{r.out[chunk:], r.first[chunk:], missing}
	}
	return misses + v.lookup(m, keys, r)
}

// lookup is LookupBatch for up to chunk keys.
func (v *View) lookup(m *Memo, keys []uint64, r results) (misses int) {
	if m == nil {
		return v.lookupChunk(keys, r)
	}
	return m.recall(v, keys, r)
}

// slot returns where a key is remembered.
func (m *Memo) slot(key []uint64) *memoSlot {
	return &m.slots[exact.Hash(key)>>(64-memoBits)&(memoSlots-1)]
}

// recall is lookupChunk for the keys that are not remembered.
func (m *Memo) recall(v *View, keys []uint64, r results) (misses int) {
	n := v.words
	var unknown uint64
	for i := range r.out {
		key := keys[i*n : (i+1)*n]
		s := m.slot(key)
		if s.version != v.version || !same(key, s.key[:]) {
			unknown |= 1 << i
			continue
		}
		if r.out[i], r.first[i] = s.match, s.first; !s.match.Found() {
			r.first[i] = r.missing
			misses++
		}
	}
	m.hits += len(r.out) - bits.OnesCount64(unknown)
	if unknown != 0 {
		misses += m.learn(v, keys, r, unknown)
	}
	return misses
}

// learn looks up the keys of a set and remembers what is found.
func (m *Memo) learn(v *View, keys []uint64, r results, set uint64) (misses int) {
	n := v.words
	k := 0
	for rest := set; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		k += copy(m.keys[k:], keys[i*n:(i+1)*n])
	}
	misses = v.lookupChunk(m.keys[:k], results{m.out[:k/n], m.first[:k/n], r.missing})
	k = 0
	for rest := set; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		r.out[i], r.first[i] = m.out[k], m.first[k]
		key := keys[i*n : (i+1)*n]
		s := m.slot(key)
		s.version, s.match, s.first = v.version, m.out[k], m.first[k]
		copy(s.key[:], key)
		k++
	}
	return misses
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
