// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import "math/bits"

// maxStage is the most rules one stage takes: its classes and its blocks then
// fit into 16 bits. Longer lists become several stages, asked in turn, which
// keeps memory proportional to the number of rules.
const maxStage = 1 << 14

// none is the rule index of "no rule"; as an int32 it is -1.
const none = 1<<32 - 1

// stage is the compiled form of up to maxStage consecutive rules.
//
// Rules are sorted by shape: which of the four dimensions they look at.
//
//   - Shape "nothing": the first such rule is rest; no rule behind it can win.
//   - Shapes of one dimension: each class of that dimension knows its best
//     rule, so that they cost nothing to search.
//   - Shapes of two or more: the rules of each shape get consecutive places,
//     from a multiple of 64 on, sorted by their conditions. Each class of each
//     dimension has the set of the places of rules that hold for it. The rules
//     of a packet are those in the sets of all dimensions of their shape.
//
// A set is 64 places to a word, and only words that are not 0 are kept. Which
// those are is said by the summary, one bit per word. So a lookup intersects
// the summaries of four classes, one to five words each, and looks at the
// words that survive, of which few do not hold a matching rule:
//
//	record of a class: | first set word << 32 | best rule | summary ... |
//	sets:              | word | word | word | ...
type stage struct {
	src, dst           trie
	srcPorts, dstPorts *[1 << 16]uint16
	dim                [dims]dimension
	uses               int    // union of the shapes
	stride             int    // words of a record
	rest               uint32 // the first rule that matches everything, or none
	sets               []uint64
	words              []wordInfo
	rule               []uint32 // rule index by place
}

// dimension holds the records of one dimension's classes.
type dimension struct {
	recs []uint64
	// off has the summary bits of words whose shape lacks the dimension. They
	// are set in all summaries, though the sets have no such words.
	off []uint64
}

// wordInfo describes a word of places.
type wordInfo struct {
	first uint32 // its smallest rule index
	shape uint32
}

// lookup returns the index of the first rule that matches, or none.
func (s *stage) lookup(k Key) uint32 {
	var at [dims]int // where the records of the packet's classes begin
	best := s.rest
	if s.uses&(1<<dimSrc) != 0 {
		at[dimSrc] = int(s.src.class(uint32(k.Addrs>>32))) * s.stride
		best = min(best, uint32(s.dim[dimSrc].recs[at[dimSrc]]))
	}
	if s.uses&(1<<dimDst) != 0 {
		at[dimDst] = int(s.dst.class(uint32(k.Addrs))) * s.stride
		best = min(best, uint32(s.dim[dimDst].recs[at[dimDst]]))
	}
	if k.Ports&HasPorts != 0 { // without ports the classes are 0
		if s.uses&(1<<dimSrcPort) != 0 {
			at[dimSrcPort] = int(s.srcPorts[uint16(k.Ports>>16)]) * s.stride
			best = min(best, uint32(s.dim[dimSrcPort].recs[at[dimSrcPort]]))
		}
		if s.uses&(1<<dimDstPort) != 0 {
			at[dimDstPort] = int(s.dstPorts[uint16(k.Ports)]) * s.stride
			best = min(best, uint32(s.dim[dimDstPort].recs[at[dimDstPort]]))
		}
	}
	a, b, c, d := s.dim[dimSrc].recs, s.dim[dimDst].recs, s.dim[dimSrcPort].recs, s.dim[dimDstPort].recs
	for w := 1; w < s.stride; w++ {
		m := a[at[dimSrc]+w] & b[at[dimDst]+w] & c[at[dimSrcPort]+w] & d[at[dimDstPort]+w]
		if m != 0 {
			best = s.search(m, w, &at, best)
		}
	}
	return best
}

// search looks at the words that m, summary word w of all four classes, names
// and returns the smallest index of best and the rules found there.
func (s *stage) search(m uint64, w int, at *[dims]int, best uint32) uint32 {
	for ; m != 0; m &= m - 1 {
		j := bits.TrailingZeros64(m)
		word := (w-1)*64 + j
		info := s.words[word]
		if info.first >= best {
			continue
		}
		set := ^uint64(0)
		for shape := info.shape; shape != 0; shape &= shape - 1 {
			d := bits.TrailingZeros32(shape) & (dims - 1)
			set &= s.sets[s.setWord(&s.dim[d], at[d], w, j)]
		}
		for ; set != 0; set &= set - 1 {
			best = min(best, s.rule[word*64+bits.TrailingZeros64(set)])
		}
	}
	return best
}

// setWord returns where the set of the record at rec keeps the word that bit j
// of its summary word w stands for: behind those of all bits before.
func (s *stage) setWord(d *dimension, rec, w, j int) int {
	r := d.recs[rec : rec+w+1]
	n := int(r[0] >> 32)
	for v := 1; v < w; v++ {
		n += bits.OnesCount64(r[v] &^ d.off[v])
	}
	return n + bits.OnesCount64(r[w]&^d.off[w]&(1<<j-1))
}
