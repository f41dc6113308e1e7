// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "math/bits"

// newStage compiles a plan into memory from a. Without memory it only adds up
// what is needed.
func (p *plan) newStage(a *arena) *stage {
	s := &stage{uses: p.uses, rest: p.rest, stride: 1 + p.summary}
	p.fillTrie(a, &s.src, p.src)
	p.fillTrie(a, &s.dst, p.dst)
	s.srcPorts = p.fillPorts(a, p.sp)
	s.dstPorts = p.fillPorts(a, p.dp)
	for d := range s.dim {
		s.dim[d].recs = take[uint64](a, len(p.parent[d])*s.stride)
		s.dim[d].off = take[uint64](a, s.stride)
	}
	s.sets = take[uint64](a, p.setWords)
	s.rule = take[uint32](a, len(p.rule))
	if a.mem == nil {
		return s
	}
	s.words = p.words
	copy(s.rule, p.rule)
	next := 0
	for d := range s.dim {
		p.fillRecords(&s.dim[d], d, s.stride)
		next = p.fillSets(s, d, next)
		p.fillOff(&s.dim[d], d, s.stride)
	}
	return s
}

func (p *plan) fillTrie(a *arena, t *trie, c *prefixClasses) {
	if len(c.list) == 0 {
		return
	}
	root := take[uint16](a, 1<<16)
	t.blocks = take[uint16](a, c.blocksNeeded()<<8)
	if root != nil {
		t.root = (*[1 << 16]uint16)(root)
		t.fill(c)
	}
}

func (p *plan) fillPorts(a *arena, c *portClasses) *[1 << 16]uint16 {
	if len(c.list) == 0 {
		return nil
	}
	table := take[uint16](a, 1<<16)
	if table == nil {
		return nil
	}
	for i, port := range c.list {
		table[port] = uint16(i + 1)
	}
	return (*[1 << 16]uint16)(table)
}

// fillRecords writes best rules and summaries of a dimension's classes, and
// the summary bits of the words that do not concern the dimension.
func (p *plan) fillRecords(dim *dimension, d, stride int) {
	recs := dim.recs
	for c := range p.parent[d] {
		recs[c*stride] = none
		copy(recs[c*stride+1:(c+1)*stride], p.sums[d][c*p.summary:])
	}
	for i := len(p.rules) - 1; i >= 0; i-- { // the first rule of a class is written last
		if p.rules[i].shape() == 1<<d {
			recs[int(p.class[d][i])*stride] = uint64(p.base) + uint64(i)
		}
	}
	for c, parent := range p.parent[d] {
		recs[c*stride] = min(recs[c*stride], recs[int(parent)*stride])
	}
}

// fillOff sets the summary bits of the words that do not concern a dimension.
func (p *plan) fillOff(dim *dimension, d, stride int) {
	for w, info := range p.words {
		if info.shape&(1<<d) == 0 {
			dim.off[1+w/64] |= 1 << (w % 64)
		}
	}
	for i := range dim.recs {
		dim.recs[i] |= dim.off[i%stride]
	}
}

// fillSets writes the sets of a dimension's classes from word next on and
// returns where the next dimension's begin. A class takes over the set of its
// parent, which stands before it, and adds the places of its own rules.
func (p *plan) fillSets(s *stage, d, next int) int {
	dim := &s.dim[d]
	own := p.placesByClass(d)
	for c, parent := range p.parent[d] {
		rec, from := c*s.stride, int(parent)*s.stride
		dim.recs[rec] |= uint64(next) << 32
		next += onesCount(dim.recs[rec+1 : rec+s.stride])
		for w := 1; w < s.stride; w++ {
			for m := dim.recs[from+w]; m != 0; m &= m - 1 {
				j := bits.TrailingZeros64(m)
				s.sets[s.setWord(dim, rec, w, j)] = s.sets[s.setWord(dim, from, w, j)]
			}
		}
		for _, at := range own[c] {
			word := int(at >> 6)
			s.sets[s.setWord(dim, rec, 1+word/64, word%64)] |= 1 << (at % 64)
		}
	}
	return next
}

// placesByClass lists, by class of a dimension, the places of the rules that
// name it.
func (p *plan) placesByClass(d int) [][]uint32 {
	own := make([][]uint32, len(p.parent[d]))
	for i, at := range p.place {
		if c := p.class[d][i]; c != 0 && at != none {
			own[c] = append(own[c], at)
		}
	}
	return own
}

func onesCount(words []uint64) int {
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n
}
