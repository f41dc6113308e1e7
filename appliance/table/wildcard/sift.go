// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import "math/bits"

// groups is how many bytes have a bit for each mask of a sieve.
const groups = sieveMasks / 8

// wordTables are what the sieve has for a word of the keys, eight masks a
// byte, so that one look finds them for 64 bytes: by group of masks, byte of
// the word and its value.
type wordTables [groups][8][256]byte

// allMasks is what is left of 64 keys before anything was looked at.
var allMasks = func() (m [chunk]byte) {
	for i := range m {
		m[i] = 0xff
	}
	return m
}()

// byMask writes, for each mask, the set of keys that may be found in its
// table; sets of masks that are not in numbers are of no use. There are up to
// chunk keys.
func (s *sieve) byMask(keys []uint64, stride int, numbers uint64, sets *[sieveMasks]uint64) {
	switch {
	case numbers == 0:
	case canSift:
		s.sift(keys, stride, (bits.Len64(numbers)+7)/8, sets)
	default:
		s.byMaskPortable(keys, stride, sets)
	}
}

func (s *sieve) byMaskPortable(keys []uint64, stride int, sets *[sieveMasks]uint64) {
	var masks [chunk]uint64
	n := len(keys) / stride
	s.masks(keys, stride, masks[:n])
	clear(sets[:])
	for i, m := range masks[:n] {
		for ; m != 0; m &= m - 1 {
			sets[bits.TrailingZeros64(m)&(sieveMasks-1)] |= 1 << (i & 63)
		}
	}
}

// sift is byMask for the first n groups of masks, at least one, for all keys at
// the same time.
func (s *sieve) sift(keys []uint64, stride, n int, sets *[sieveMasks]uint64) {
	var acc [groups][chunk]byte
	var words [chunk]uint64
	for g := range acc[:n] {
		acc[g] = allMasks
	}
	for w, t := range s.tables[:stride] {
		if t == nil {
			continue // no rule looks at it
		}
		switch {
		case stride == 1 && len(keys) == chunk:
			siftWord(&acc, (*[chunk]uint64)(keys), t, n)
			continue
		case stride == 2 && len(keys) == 2*chunk:
			half(&words, (*[2 * chunk]uint64)(keys), w&1)
		default:
			for i, at := 0, w; at < len(keys); at += stride {
				words[i&(chunk-1)] = keys[at]
				i++
			}
		}
		siftWord(&acc, &words, t, n)
	}
	spread(sets, &acc, n)
}

// addMask gives the mask its bit for all values of bytes it does not look at.
func (t *wordTables) addMask(id uint8, mask uint64) {
	for j := range 8 {
		if byte(mask>>(8*j)) == 0 {
			t.set(id, j, 0, 0)
		}
	}
}

// add lets a rule pass.
func (t *wordTables) add(id uint8, mask, key uint64) {
	for j := range 8 {
		if m := byte(mask >> (8 * j)); m != 0 {
			t.set(id, j, m, byte(key>>(8*j)))
		}
	}
}

// set sets the bit of a mask for all values of byte j that are k where mask has
// bits.
func (t *wordTables) set(id uint8, j int, mask, k byte) {
	table, bit := &t[id/8%groups][j], byte(1)<<(id%8)
	for v := range table {
		if byte(v)&mask == k {
			table[v] |= bit
		}
	}
}
