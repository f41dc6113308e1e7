// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"cmp"
	"slices"
)

// plan is what is known about a stage before its memory is there.
type plan struct {
	rules    []Rule
	base     uint32 // index of rules[0] in the table
	rest     uint32
	uses     int
	src, dst *prefixClasses
	sp, dp   *portClasses
	class    [dims][]uint16 // by rule: its class
	parent   [dims][]uint16 // by class: the class whose rules hold, too; 0 for none
	place    []uint32       // by rule: its place, or none
	words    []wordInfo
	rule     []uint32       // by place
	summary  int            // summary words of a record
	sums     [dims][]uint64 // summaries, by class
	setWords int            // words of all sets together
}

// makePlan examines at most maxStage rules. Those behind the first rule that
// matches everything are never reached and left out.
func makePlan(rules []Rule, base int) *plan {
	p := &plan{base: uint32(base), rest: none}
	if i := slices.IndexFunc(rules, func(r Rule) bool { return r.shape() == 0 }); i >= 0 {
		p.rest = uint32(base + i)
		rules = rules[:i]
	}
	p.rules = rules
	p.src, p.dst = newPrefixClasses(rules, srcPrefix), newPrefixClasses(rules, dstPrefix)
	p.sp, p.dp = newPortClasses(rules, srcPort), newPortClasses(rules, dstPort)
	p.parent = [dims][]uint16{p.src.parent, p.dst.parent, make([]uint16, len(p.sp.list)+1), make([]uint16, len(p.dp.list)+1)}
	for d := range p.class {
		p.class[d] = make([]uint16, len(rules))
	}
	for i := range rules {
		r := &rules[i]
		p.class[dimSrc][i], p.class[dimDst][i] = p.src.of(srcPrefix(r)), p.dst.of(dstPrefix(r))
		p.class[dimSrcPort][i], p.class[dimDstPort][i] = p.sp.of(r.SrcPort), p.dp.of(r.DstPort)
		p.uses |= r.shape()
	}
	p.assignPlaces()
	p.summarize()
	return p
}

// assignPlaces gives the rules of two and more dimensions their places. They
// are sorted by their classes, the source's first, so that a word rarely holds
// different sources: then a summary promises little that the word does not
// keep. A rule that says the same as an earlier one gets no place.
func (p *plan) assignPlaces() {
	var byShape [1 << dims][]uint32
	p.place = make([]uint32, len(p.rules))
	for i := range p.rules {
		s := p.rules[i].shape()
		byShape[s] = append(byShape[s], uint32(i))
		p.place[i] = none
	}
	for shape, list := range byShape {
		if shape&(shape-1) == 0 {
			continue // one dimension
		}
		slices.SortFunc(list, func(a, b uint32) int { return cmp.Or(p.compareClasses(a, b), cmp.Compare(a, b)) })
		list = slices.CompactFunc(list, func(a, b uint32) bool { return p.compareClasses(a, b) == 0 })
		for n, i := range list {
			if n%64 == 0 {
				p.words = append(p.words, wordInfo{first: none, shape: uint32(shape)})
				p.rule = append(p.rule, make([]uint32, 64)...)
			}
			word := len(p.words) - 1
			p.words[word].first = min(p.words[word].first, p.base+i)
			p.place[i] = uint32(word*64 + n%64)
			p.rule[p.place[i]] = p.base + i
		}
	}
}

// compareClasses orders rules a and b by their classes.
func (p *plan) compareClasses(a, b uint32) int {
	for d := range p.class {
		if c := cmp.Compare(p.class[d][a], p.class[d][b]); c != 0 {
			return c
		}
	}
	return 0
}

// summarize computes the summary of every class and counts the words that the
// sets will need.
func (p *plan) summarize() {
	p.summary = (len(p.words) + 63) / 64
	for d := range p.sums {
		sums := make([]uint64, len(p.parent[d])*p.summary)
		for i, at := range p.place {
			if c := int(p.class[d][i]); c != 0 && at != none {
				sums[c*p.summary+int(at>>12)] |= 1 << (at >> 6 & 63)
			}
		}
		// A class stands behind its parent, whose summary is then complete.
		for c, parent := range p.parent[d] {
			for w := range p.summary {
				sums[c*p.summary+w] |= sums[int(parent)*p.summary+w]
			}
		}
		p.sums[d] = sums
		p.setWords += onesCount(sums)
	}
}
