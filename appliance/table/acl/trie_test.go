// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "testing"

// longest is the class of an address by looking at every network.
func longest(c *prefixClasses, addr uint32) uint16 {
	best, class := -1, uint16(0)
	for i, p := range c.list {
		if p.contains(prefix{addr, 32}) && int(p.len) > best {
			best, class = int(p.len), uint16(i+1)
		}
	}
	return class
}

func TestTrieFindsLongestNetwork(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(seed)
		rules := w.rules(200)
		c := newPrefixClasses(rules, srcPrefix)
		tr := trie{root: new([1 << 16]uint16), blocks: make([]uint16, c.blocksNeeded()<<8)}
		tr.fill(c)
		for range 3000 {
			a := w.addr()
			if got, want := tr.class(a), longest(c, a); got != want {
				t.Fatalf("seed %d: %08x is in class %d, want %d", seed, a, got, want)
			}
		}
		for i := range c.list { // all blocks asked for are used, so none was too many
			if p := c.list[i]; tr.class(p.addr) == 0 {
				t.Fatalf("seed %d: network %08x/%d has no class", seed, p.addr, p.len)
			}
		}
	}
}

func TestParentIsNextLargerNetwork(t *testing.T) {
	rules := []Rule{
		{Src: 10 << 24, SrcLen: 8}, {Src: 10 << 24, SrcLen: 16}, {Src: 10<<24 | 1<<16, SrcLen: 16},
		{Src: 10<<24 | 1<<16 | 5, SrcLen: 32}, {Src: 11 << 24, SrcLen: 8}, {Src: 11<<24 | 1, SrcLen: 32}, {},
	}
	c := newPrefixClasses(rules, srcPrefix)
	want := map[int]int{0: -1, 1: 0, 2: 0, 3: 2, 4: -1, 5: 4}
	for i, p := range want {
		parent := c.parent[c.of(srcPrefix(&rules[i]))]
		switch {
		case p < 0 && parent != 0:
			t.Errorf("rule %d: parent is class %d, want none", i, parent)
		case p >= 0 && parent != c.of(srcPrefix(&rules[p])):
			t.Errorf("rule %d: parent is class %d, want that of rule %d", i, parent, p)
		}
	}
	if c.of(prefix{}) != 0 || len(c.list) != 6 {
		t.Errorf("%d classes", len(c.list))
	}
}

// As many blocks as a stage can need still fit into an entry.
func TestBlocksOfFullStage(t *testing.T) {
	rules := make([]Rule, maxStage)
	for i := range rules {
		rules[i] = Rule{Src: uint32(i)<<18 | 1, SrcLen: 32}
	}
	c := newPrefixClasses(rules, srcPrefix)
	if n := c.blocksNeeded(); n != 2*maxStage || n > isBlock {
		t.Fatalf("%d blocks", n)
	}
	tab := build(t, rules)
	for i := range rules {
		if got := tab.Lookup(rules[i].Src, 0, 0, 0, false); got != i {
			t.Fatalf("rule %d found as %d", i, got)
		}
		if got := tab.Lookup(rules[i].Src+1, 0, 0, 0, false); got != -1 {
			t.Fatalf("neighbour of rule %d found as %d", i, got)
		}
	}
}
