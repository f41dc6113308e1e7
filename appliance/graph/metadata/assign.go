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
	seen := make([]int32, len(s.comps))
	for i := range s.comps {
		s.neighbours(i, seen, func(*component) { s.comps[i].degree++ })
	}
	order := make([]int32, len(s.comps)) // old index by new position
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(s.comps[b].degree, s.comps[a].degree)
	})
	sorted := make([]component, len(order))
	moved := make([]int32, len(order)) // new position by old index
	for i, o := range order {
		sorted[i], moved[o] = s.comps[o], int32(i)
	}
	s.comps = sorted
	for _, of := range s.of {
		for i := range of {
			of[i] = moved[of[i]]
		}
	}
}

// neighbours calls f once for every other component that shares a module with
// component i. seen is scratch space of the same length as comps.
func (s *solver) neighbours(i int, seen []int32, f func(*component)) {
	mark := int32(i + 1)
	seen[i] = mark
	for _, m := range s.comps[i].modules {
		for _, c := range s.of[m] {
			if seen[c] != mark {
				seen[c] = mark
				f(&s.comps[c])
			}
		}
	}
}

// assign gives every valid component with a reader the lowest aligned gap
// between the neighbours placed before it.
func (s *solver) assign() {
	seen := make([]int32, len(s.comps))
	var placed []*component
	for i := range s.comps {
		c := &s.comps[i]
		if !c.valid() || len(c.modules) < 2 {
			continue
		}
		placed = placed[:0]
		s.neighbours(i, seen, func(n *component) {
			if n.offset >= 0 {
				placed = append(placed, n)
			}
		})
		slices.SortFunc(placed, func(a, b *component) int {
			return cmp.Compare(a.offset, b.offset)
		})
		c.offset = gap(placed, c.size)
	}
}

// gap returns the first aligned offset at which size bytes overlap none of the
// components, which are sorted by offset. Neighbours of c need not be
// neighbours of each other, so they may overlap: a short one that starts late
// may end before a long one that started early, hence the max.
func gap(placed []*component, size int) Offset {
	align := 1 << bits.Len(uint(size-1))
	at := 0
	for _, n := range placed {
		if at+size <= int(n.offset) {
			break
		}
		end := int(n.offset) + n.size
		at = max(at, (end+align-1)&^(align-1))
	}
	if at+size > AreaSize {
		return NoSpace
	}
	return Offset(at)
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
