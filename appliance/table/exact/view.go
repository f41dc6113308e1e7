// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import (
	"math/bits"
	"sync/atomic"
)

// What a slot can hold beside a cell.
const (
	empty   = 0
	deleted = 1
	firstID = 2 // added to the number of a cell
)

// View is what readers see of a Table. It is loaded once per batch, between
// Enter and Leave of the table's rcu.Domain, and valid until Leave.
type View struct {
	slots    []uint64 // power of two
	cells    []uint64
	shift    uint8 // 64 - log2(len(slots))
	keyWords int
	stride   int // words of a cell
	size     int // bytes of a cell
	mem      []byte
}

// Constants of the hash: odd, without pattern.
const (
	mix0 = 0x9e3779b97f4a7c15
	mix1 = 0xd6e8feb86659fd93
)

func mum(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// line is how many slots a cache line has.
const line = 8

// probe returns the k-th slot in which to look for a key whose first is home,
// before it is cut to the number of slots: around the line, then from the same
// place around the next one. So most keys cost one line, and where one that
// has no empty slot ends does not depend on where a key began.
func probe(home, k uint64) uint64 {
	return home&^(line-1) + k&^(line-1) | (home+k)&(line-1)
}

// Hash1 is the hash of a key of one word, Hash2 of two, Hash of any number.
// The high bits choose a slot, the low 32 are kept in it.
func Hash1(k uint64) uint64 { return mum(k^mix0, mix1) }

// Hash2 is the hash of a key of two words.
func Hash2(a, b uint64) uint64 { return mum(a^mix0, b^mix1) }

// Hash is the hash of a key.
func Hash(key []uint64) uint64 {
	switch len(key) {
	case 1:
		return Hash1(key[0])
	case 2:
		return Hash2(key[0], key[1])
	}
	h := uint64(mix0)
	for _, k := range key {
		h = mum(k^h, mix1)
	}
	return h
}

// Lookup returns the cell of a key, or -1.
func (v *View) Lookup(key []uint64) int32 {
	h := Hash(key)
	slots := v.slots
	for home, k := h>>v.shift, uint64(0); ; k++ {
		s := atomic.LoadUint64(&slots[probe(home, k)&uint64(len(slots)-1)])
		if s == empty {
			return -1
		}
		if uint32(s>>32) == uint32(h) && uint32(s) >= firstID {
			c := uint32(s) - firstID
			if equal(v.cells[int(c)*v.stride:], key) {
				return int32(c)
			}
		}
	}
}

// equal compares a key with the words a cell begins with.
func equal(cell, key []uint64) bool {
	cell = cell[:len(key)]
	for i, k := range key {
		if cell[i] != k {
			return false
		}
	}
	return true
}

// LookupBatch writes to out[i] the cell of key i, or -1. keys holds len(out)
// keys one behind the other. Cells with a number of 0 or more are valid for
// Value and Key.
func (v *View) LookupBatch(keys []uint64, out []int32) {
	switch v.keyWords {
	case 1:
		for i, k := range keys[:len(out)] {
			out[i] = v.Lookup1(k)
		}
	case 2:
		keys = keys[:2*len(out)]
		for i := range out {
			out[i] = v.Lookup2(keys[2*i], keys[2*i+1])
		}
	default:
		for i := range out {
			out[i] = v.Lookup(keys[i*v.keyWords : (i+1)*v.keyWords])
		}
	}
}

// LookupFirst writes to out[i], as LookupBatch does, the cell of key i, or -1,
// and to first[i] the low bits of its first value word, or missing. It returns
// how many keys were not found.
func (v *View) LookupFirst(keys []uint64, out []int32, first []uint16, missing uint16) (misses int) {
	first = first[:len(out)]
	if v.keyWords != 1 {
		v.LookupBatch(keys, out)
		for i, c := range out {
			first[i] = missing
			if c >= 0 {
				first[i] = uint16(v.First(c))
				continue
			}
			misses++
		}
		return misses
	}
	for len(out) > chunk {
		misses += v.lookupFirst1(keys[:chunk], out[:chunk], first, missing)
		keys, out, first = keys[chunk:], out[chunk:], first[chunk:]
	}
	return misses + v.lookupFirst1(keys, out, first, missing)
}

// chunk is how many keys lookupFirst1 looks up at once.
const chunk = 64

// lookupFirst1 is LookupFirst for up to chunk keys of one word. The slots of
// all keys are loaded first, so that no load waits for another key's.
func (v *View) lookupFirst1(keys []uint64, out []int32, first []uint16, missing uint16) (misses int) {
	var found [chunk]uint64
	keys = keys[:len(out)]
	v.candidates(keys, &found)
	cells, stride := v.cells, uint64(v.stride)
	first = first[:len(out)]
	for i, k := range keys {
		s := found[i&(chunk-1)]
		c := int32(s) - firstID
		value := missing
		at := uint64(uint32(c)) * stride
		if at+1 < uint64(len(cells)) && cells[at] == k {
			value = uint16(cells[at+1])
		} else if c = -1; s != empty {
			if c = v.Lookup1(k); c >= 0 {
				value = uint16(v.First(c))
			}
		}
		if c < 0 {
			misses++
		}
		out[i], first[i] = c, value
	}
	return misses
}

// candidates writes to found[i] a slot that may have key i, or empty if none
// has. A key that found[i] does not have may still be elsewhere.
func (v *View) candidates(keys []uint64, found *[chunk]uint64) {
	if canProbe && len(keys) != 0 {
		probe1(v, keys, found)
		return
	}
	slots, shift := v.slots, v.shift&63
	for i, k := range keys {
		found[i&(chunk-1)] = atomic.LoadUint64(&slots[Hash1(k)>>shift&uint64(len(slots)-1)])
	}
}

// Value returns the value words of a cell that a lookup returned.
func (v *View) Value(cell int32) []uint64 {
	at := int(cell) * v.stride
	return v.cells[at+v.keyWords : at+v.stride]
}

// First returns the first value word of a cell.
func (v *View) First(cell int32) uint64 { return v.cells[int(cell)*v.stride+v.keyWords] }

// Key returns the key words of a cell.
func (v *View) Key(cell int32) []uint64 {
	at := int(cell) * v.stride
	return v.cells[at : at+v.keyWords]
}

// Lookup1 is Lookup for a key of one word.
func (v *View) Lookup1(key uint64) int32 {
	h := Hash1(key)
	slots := v.slots
	for home, k := h>>(v.shift&63), uint64(0); ; k++ {
		s := atomic.LoadUint64(&slots[probe(home, k)&uint64(len(slots)-1)])
		if s == empty {
			return -1
		}
		if c := uint32(s) - firstID; uint32(s>>32) == uint32(h) && uint32(s) >= firstID && v.cells[int(c)*v.stride] == key {
			return int32(c)
		}
	}
}

// Lookup2 is Lookup for a key of two words.
func (v *View) Lookup2(a, b uint64) int32 {
	h := Hash2(a, b)
	slots := v.slots
	for home, k := h>>(v.shift&63), uint64(0); ; k++ {
		s := atomic.LoadUint64(&slots[probe(home, k)&uint64(len(slots)-1)])
		if s == empty {
			return -1
		}
		if uint32(s>>32) == uint32(h) && uint32(s) >= firstID {
			c := uint32(s) - firstID
			if cell := v.cells[int(c)*v.stride:]; len(cell) > 1 && cell[0] == a && cell[1] == b {
				return int32(c)
			}
		}
	}
}
