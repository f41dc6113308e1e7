// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"cmp"
	"math/bits"
	"slices"
)

// rankComponents computes degrees and sorts the components with most
// neighbours first, keeping discovery order among equals: values that get in
// the way of many others are placed while there is room for a common choice.
func (s *solver) rankComponents() {
	fresh := s.fresh()
	seen := make([]int32, len(s.comps))
	for i := range s.comps {
		c, mark := &s.comps[i], int32(i+1)
		seen[i] = mark
		for _, m := range c.modules {
			others := fresh[m]
			if _, here := slices.BinarySearch(fresh[m], int32(i)); here {
				others = s.of[m]
			}
			for _, o := range others {
				if seen[o] != mark {
					seen[o] = mark
					c.degree++
				}
			}
		}
	}
	slices.SortStableFunc(s.comps, func(a, b component) int {
		return cmp.Compare(b.degree, a.degree)
	})
}

// fresh returns, for each module, its components that do not also contain the
// module's parent in a spanning forest of the graph. Two components that share
// modules meet in one of them where at least one is fresh, so looking there is
// enough; comparing everybody with everybody in each module of a long pipeline
// through which many values pass would take quadratic time.
func (s *solver) fresh() [][]int32 {
	fresh := make([][]int32, len(s.mods))
	visited := make([]bool, len(s.mods))
	var queue []int32
	for root := range s.mods {
		if visited[root] {
			continue
		}
		visited[root], fresh[root] = true, s.of[root]
		queue = append(queue[:0], int32(root))
		for len(queue) > 0 {
			m := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			for _, v := range s.out[m] {
				if !visited[v] {
					visited[v], fresh[v] = true, without(s.of[v], s.of[m])
					queue = append(queue, v)
				}
			}
		}
	}
	return fresh
}

// without returns the elements of a that are not in b; both are sorted.
func without(a, b []int32) []int32 {
	var left []int32
	for _, x := range a {
		for len(b) > 0 && b[0] < x {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != x {
			left = append(left, x)
		}
	}
	return left
}

// area has one bit per byte of a module's metadata that is taken.
type area [AreaSize / 64]uint64

// assign gives every valid component with a reader the lowest aligned bytes
// that are free in all its modules.
func (s *solver) assign() {
	taken := make([]area, len(s.mods))
	for i := range s.comps {
		c := &s.comps[i]
		if !c.valid() || len(c.modules) < 2 {
			continue
		}
		var all area
		for _, m := range c.modules {
			for w := range all {
				all[w] |= taken[m][w]
			}
		}
		if c.offset = all.gap(c.size); c.offset < 0 {
			continue
		}
		w, bit := c.offset/64, c.offset%64
		for _, m := range c.modules {
			taken[m][w] |= mask(c.size) << bit
		}
	}
}

// mask returns size set bits.
func mask(size int) uint64 { return 1<<size - 1 }

// gap returns the first offset of size free bytes that is a multiple of size
// rounded up to a power of two, or NoSpace. Such a range never crosses a word.
func (a *area) gap(size int) Offset {
	if size > MaxSize {
		return NoSpace
	}
	align := 1 << bits.Len(uint(size-1))
	for at := 0; at < AreaSize; at += align {
		if a[at/64]>>(at%64)&mask(size) == 0 {
			return Offset(at)
		}
	}
	return NoSpace
}

// offsets spreads the components' offsets over the declarations.
func (s *solver) offsets() [][]Offset {
	all := make([][]Offset, len(s.mods))
	for m := range s.mods {
		all[m] = make([]Offset, len(s.mods[m].Attrs))
		for a, at := range s.mods[m].Attrs {
			all[m][a] = NoRead // in no component, which a writer never is
			if at.Mode == Write {
				all[m][a] = NoWrite
			}
		}
	}
	for i := range s.comps {
		c := &s.comps[i]
		for _, u := range c.uses {
			switch {
			case c.offset != NoWrite:
				all[u.mod][u.attr] = c.offset
			case s.attr(u).Mode == Read:
				all[u.mod][u.attr] = NoRead
			default:
				all[u.mod][u.attr] = NoWrite
			}
		}
	}
	return all
}
