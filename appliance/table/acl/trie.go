// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "slices"

// trie finds the class of an address in one to three steps of 16, 8 and 8
// bits. An entry is a class, or isBlock plus the number of the block of 256
// entries that decides by the next 8 bits:
//
//	root[65536]           blocks[n][256]
//	 172.12 -> 3           block 0 (10.0.*)     block 1 (10.0.0.*)
//	 10.0   -> block 0 ->   .0 -> block 1   ->   .1 -> class 7
//	 10.1   -> 2            .1 -> 5              .2 -> class 5
type trie struct {
	root   *[1 << 16]uint16
	blocks []uint16
}

// isBlock marks an entry that names a block.
const isBlock = 1 << 15

// class returns the class of an address.
func (t *trie) class(addr uint32) uint16 {
	e := t.root[addr>>16]
	if e&isBlock == 0 {
		return e
	}
	return t.deeper(e, addr)
}

func (t *trie) deeper(e uint16, addr uint32) uint16 {
	e = t.blocks[uint(e&^isBlock)<<8|uint(addr>>8&0xff)]
	if e&isBlock != 0 {
		e = t.blocks[uint(e&^isBlock)<<8|uint(addr&0xff)]
	}
	return e
}

// blocksNeeded counts the blocks of a trie over the classes: one for each /16
// and one for each /24 that holds a longer network. With maxStage networks
// that is at most 2*maxStage, which isBlock leaves room for.
func (c *prefixClasses) blocksNeeded() int {
	n := 0
	last16, last24 := int64(-1), int64(-1)
	for _, p := range c.list { // ascending, so equal ones are neighbours
		if hi := int64(p.addr >> 16); p.len > 16 && hi != last16 {
			n, last16 = n+1, hi
		}
		if hi := int64(p.addr >> 8); p.len > 24 && hi != last24 {
			n, last24 = n+1, hi
		}
	}
	return n
}

// fill writes the classes into a zeroed trie with the blocks they need.
// Longer networks come later and overwrite their part of shorter ones; when a
// block is made, everything shorter is already in the entry it replaces.
func (t *trie) fill(c *prefixClasses) {
	order := make([]uint16, len(c.list))
	for i := range order {
		order[i] = uint16(i)
	}
	slices.SortStableFunc(order, func(a, b uint16) int { return int(c.list[a].len) - int(c.list[b].len) })
	used := 0
	block := func(entry *uint16) []uint16 {
		if *entry&isBlock == 0 {
			b := t.blocks[used<<8 : (used+1)<<8]
			for i := range b {
				b[i] = *entry
			}
			*entry = isBlock | uint16(used)
			used++
		}
		at := int(*entry&^isBlock) << 8
		return t.blocks[at : at+256]
	}
	for _, i := range order {
		p, class := c.list[i], i+1
		hi, mid, lo := p.addr>>16, p.addr>>8&0xff, p.addr&0xff
		switch {
		case p.len <= 16:
			paint(t.root[hi:], 1<<(16-p.len), class)
		case p.len <= 24:
			paint(block(&t.root[hi])[mid:], 1<<(24-p.len), class)
		default:
			paint(block(&block(&t.root[hi])[mid])[lo:], 1<<(32-p.len), class)
		}
	}
}

// paint sets the first n entries to class.
func paint(entries []uint16, n int, class uint16) {
	for i := range entries[:n] {
		entries[i] = class
	}
}
