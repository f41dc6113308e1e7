// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
)

// Table6 is an access list for IPv6, compiled. It never changes, so any number
// of goroutines may look keys up at once. Only Release ends that.
//
// Rules with the same mask, that is with the same prefix lengths and the same
// conditions on ports and connection, are in one hash table. A lookup asks the
// hash tables in the order of the first rule in each and stops at one that
// begins behind the rule found (tuple space search).
type Table6 struct {
	rules  int
	linear []ternary6 // the whole list if it is short
	tuples []tuple6   // else, by their first rules
	mem    []byte     // of the tuples, outside the Go heap
}

// tuple6 is the rules of one mask.
//
//	slots (power of two)                  keys
//	| hash, 32 bits | number of key + 1 |-->| five words |  rule
//	| 0: empty                          |
type tuple6 struct {
	mask  Key6
	first int32 // number of the first rule
	shift uint8
	slots []uint64
	keys  []uint64 // of one rule behind the other
	rule  []uint32 // its number in the list
}

const keyWords = len(Key6{})

// Build6 compiles rules; the slice is not kept. Errors are those of Build, the
// longest prefix being 128.
func Build6(rules []Rule6) (*Table6, error) {
	if err := checkRules6(rules); err != nil {
		return nil, err
	}
	t := &Table6{rules: len(rules)}
	all := make([]ternary6, len(rules))
	for i := range rules {
		all[i] = makeTernary6(&rules[i])
	}
	if len(rules) <= linearMax {
		t.linear = all
		return t, nil
	}
	if err := t.compile(all); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table6) compile(all []ternary6) error {
	groups := groupByMask(all)
	var a arena
	for _, g := range groups {
		newTuple6(&a, all, g)
	}
	mem, err := sys.Map(a.used)
	if err != nil {
		return errno.Wrap(err, "table of %d rules", len(all))
	}
	t.mem = mem
	a = arena{mem: mem}
	for _, g := range groups {
		t.tuples = append(t.tuples, newTuple6(&a, all, g))
	}
	return nil
}

// groupByMask returns the numbers of the rules with the same mask, in rising
// order, the groups by their first rule. Nothing behind a rule that matches
// everything is ever reached: it is left out.
func groupByMask(all []ternary6) [][]uint32 {
	var groups [][]uint32
	index := map[Key6]int{}
	for i := range all {
		g, ok := index[all[i].mask]
		if !ok {
			g = len(groups)
			index[all[i].mask] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], uint32(i))
		if all[i].mask == (Key6{}) {
			break
		}
	}
	return groups
}

// newTuple6 makes the hash table of a group in memory from a. Without memory
// it only adds up what is needed.
func newTuple6(a *arena, all []ternary6, group []uint32) tuple6 {
	n := slotsFor(len(group))
	u := tuple6{
		mask: all[group[0]].mask, first: int32(group[0]), shift: uint8(64 - bits.Len(uint(n-1))),
		slots: take[uint64](a, n), keys: take[uint64](a, keyWords*len(group)), rule: take[uint32](a, len(group)),
	}
	if a.mem == nil {
		return u
	}
	for i, r := range group {
		u.put(i, r, &all[r].value)
	}
	return u
}

// put adds rule number r as entry i, unless one before has the same key.
func (u *tuple6) put(i int, r uint32, key *Key6) {
	if u.lookup(key) >= 0 {
		return
	}
	copy(u.keys[i*keyWords:], key[:])
	u.rule[i] = r
	h := exact.Hash(key[:])
	pos := h >> u.shift
	for u.slots[pos] != 0 {
		pos = (pos + 1) & uint64(len(u.slots)-1)
	}
	u.slots[pos] = h<<32 | uint64(i+1)
}

// lookup returns the number of the rule with a key, or -1. At least half of
// the slots are empty.
func (u *tuple6) lookup(key *Key6) int32 {
	h := exact.Hash(key[:])
	slots := u.slots
	for pos := h >> (u.shift & 63); ; pos++ {
		s := slots[pos&uint64(len(slots)-1)]
		if s == 0 {
			return -1
		}
		if uint32(s>>32) == uint32(h) {
			i := int(uint32(s)) - 1
			if *(*Key6)(u.keys[i*keyWords:]) == *key {
				return int32(u.rule[i])
			}
		}
	}
}

// Release returns the memory outside the Go heap. Nobody may look anything up
// afterwards; calling it again does nothing.
func (t *Table6) Release() {
	sys.Unmap(t.mem)
	t.mem, t.tuples = nil, nil
}

// Len returns the number of rules.
func (t *Table6) Len() int { return t.rules }

// Memory returns the bytes the table holds outside the Go heap.
func (t *Table6) Memory() int { return len(t.mem) }

// Lookup returns the index of the first rule that matches, or -1.
func (t *Table6) Lookup(k *Key6) int32 {
	for i := range t.linear {
		if t.linear[i].matches(k) {
			return int32(i)
		}
	}
	best := int32(-1)
	for i := range t.tuples {
		u := &t.tuples[i]
		if best >= 0 && u.first > best {
			break // and so are all behind it
		}
		key := *k
		key.and(&u.mask)
		if r := u.lookup(&key); r >= 0 && (best < 0 || r < best) {
			best = r
		}
	}
	return best
}
