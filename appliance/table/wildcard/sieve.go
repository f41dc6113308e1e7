// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import (
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
)

// sieveMasks is the largest number of masks for which there is a sieve.
const sieveMasks = 64

// sieve tells for a key in which masks' tables it may be found, so that most of
// them need not be asked. Each byte of a key has a table by its value: bit i
// is set if a rule of mask i has that value there, or does not care.
//
//	key   | 0a | 01 | 9c | 40 | 00 | ...
//	         v    v    v    v    v
//	masks  ..1 & .11 & 1.1 & .11 & ...  = those to ask
//
// Bits are set before a reader can meet the rule that needs them, and never
// reset: a rule that is gone costs time until the sieve is built again.
type sieve struct {
	lanes []lane
	// tables are the same again, for 64 keys at the same time, by word of the
	// key; nil if the processor cannot use them or no rule looks at the word.
	tables [exact.MaxWords]*wordTables
	ids    int // masks it knows; the next one gets this number
	gone   int // rules removed since it was built
}

// lane is four bytes of a key. Those that no rule looks at have none.
type lane struct {
	word  int
	shift uint8 // 0 or 32
	bytes [4][256]atomic.Uint64
}

func (l *lane) of(words []uint64) uint32 { return uint32(words[l.word] >> (l.shift & 63)) }

// newSieve returns a sieve of the rules in tuples, which get new numbers.
func newSieve(words int, tuples []tuple) *sieve {
	s := &sieve{}
	for half := range 2 * words {
		l := lane{word: half / 2, shift: uint8(half % 2 * 32)}
		for i := range tuples {
			if l.of(tuples[i].mask) != 0 {
				s.lanes = append(s.lanes, lane{word: l.word, shift: l.shift})
				if canSift && s.tables[l.word] == nil {
					s.tables[l.word] = new(wordTables)
				}
				break
			}
		}
	}
	for i := range tuples {
		u := &tuples[i]
		s.addMask(u)
		for key := range u.rules.All() {
			s.add(u, key)
		}
	}
	return s
}

// covers reports whether a mask has no bits outside the lanes.
func (s *sieve) covers(mask []uint64) bool {
	var in [16]uint32
	for i, w := range mask {
		in[2*i], in[2*i+1] = uint32(w), uint32(w>>32)
	}
	for i := range s.lanes {
		l := &s.lanes[i]
		in[2*l.word+int(l.shift/32)] = 0
	}
	return in == [16]uint32{}
}

// addMask gives a mask its number.
func (s *sieve) addMask(u *tuple) {
	u.id = uint8(s.ids)
	s.ids++
	for w, t := range s.tables {
		if t != nil {
			t.addMask(u.id, u.mask[w])
		}
	}
	for i := range s.lanes {
		m := s.lanes[i].of(u.mask)
		for j := range 4 {
			if byte(m>>(8*j)) == 0 {
				s.set(&s.lanes[i].bytes[j], u.id, 0, 0)
			}
		}
	}
}

// add lets a rule pass.
func (s *sieve) add(u *tuple, key []uint64) {
	for w, t := range s.tables {
		if t != nil {
			t.add(u.id, u.mask[w], key[w])
		}
	}
	for i := range s.lanes {
		l := &s.lanes[i]
		m, k := l.of(u.mask), l.of(key)
		for j := range 4 {
			if b := byte(m >> (8 * j)); b != 0 {
				s.set(&l.bytes[j], u.id, b, byte(k>>(8*j)))
			}
		}
	}
}

// set sets a bit for all values that are k where mask has bits.
func (s *sieve) set(table *[256]atomic.Uint64, id, mask, k byte) {
	if mask == 0xff {
		table[k].Store(table[k].Load() | 1<<id)
		return
	}
	for v := range table {
		if byte(v)&mask == k {
			table[v].Store(table[v].Load() | 1<<id)
		}
	}
}

// masks writes to out the set of masks in whose tables each of the keys may be
// found. A key has stride words.
func (s *sieve) masks(keys []uint64, stride int, out []uint64) {
	for i := range out {
		out[i] = ^uint64(0)
	}
	for i := range s.lanes {
		l := &s.lanes[i]
		at, shift := l.word, l.shift&63
		for i := range out {
			x := keys[at] >> shift
			at += stride
			out[i] &= l.bytes[0][byte(x)].Load() & l.bytes[1][byte(x>>8)].Load() &
				l.bytes[2][byte(x>>16)].Load() & l.bytes[3][byte(x>>24)].Load()
		}
	}
}
