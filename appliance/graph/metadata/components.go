// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"cmp"
	"slices"
)

// component is one value's scope: an attribute name and the modules over which
// one stored value must survive (section 4). The bytes given to it are reserved
// in all of them.
type component struct {
	name    string
	size    int
	modules []int32 // members, each once
	uses    []use   // members that declare the attribute
	source  int32   // a source that leaves the value undefined, -1 if valid
	start   use     // the writer that discovered it: its sort key
	degree  int     // other components that share a module
	offset  Offset
}

// valid says that every path to every reader passes a writer.
func (c *component) valid() bool { return c.source < 0 }

// use is one declaration: attribute attr of module mod.
type use struct{ mod, attr int32 }

// solver holds the graph and the marks of the walks. A mark is "set" when it
// equals the number of the current attribute (need, role) or component (down,
// joined); so nothing is ever cleared and a walk costs only what it touches.
type solver struct {
	mods    []Module
	in, out [][]int32
	rank    []int32 // position in name order
	byName  []int32 // modules in name order

	comps []component
	of    [][]int32 // components that contain a module

	attrMark int32
	declares []int32 // == attrMark: the module declares the attribute ...
	role     []use   // ... here (mod is unused: it is the index)
	need     []int32 // == attrMark: a reader is reachable, value not yet replaced
	down     []int32 // == component+1: the walk downstream passed here
	joined   []int32 // == component+1: member
	walkDown []int32 // stacks of the two walks
	walkUp   []int32
}

func newSolver(mods []Module) *solver {
	n := len(mods)
	s := &solver{
		mods: mods,
		in:   make([][]int32, n), out: make([][]int32, n),
		rank: make([]int32, n), byName: make([]int32, n),
		of: make([][]int32, n), declares: make([]int32, n), role: make([]use, n),
		need: make([]int32, n), down: make([]int32, n), joined: make([]int32, n),
	}
	for m := range mods {
		s.byName[m] = int32(m)
		for _, to := range mods[m].Out {
			if to >= 0 && to < n {
				s.out[m] = append(s.out[m], int32(to))
				s.in[to] = append(s.in[to], int32(m))
			}
		}
	}
	slices.SortStableFunc(s.byName, func(a, b int32) int {
		return cmp.Compare(mods[a].Name, mods[b].Name)
	})
	for i, m := range s.byName {
		s.rank[m] = int32(i)
	}
	return s
}

func (s *solver) attr(u use) Attr { return s.mods[u.mod].Attrs[u.attr] }

// mode returns what module m does with the current attribute.
func (s *solver) mode(m int32) (Mode, bool) {
	if s.declares[m] != s.attrMark {
		return Read, false
	}
	return s.mods[m].Attrs[s.role[m].attr].Mode, true
}

func (s *solver) writes(m int32) bool {
	mode, ok := s.mode(m)
	return ok && mode == Write
}

// findComponents grows the components of all attributes and leaves them in
// discovery order: by name of the first writer, then by its declaration order.
func (s *solver) findComponents() {
	uses := map[string][]use{}
	var names []string
	for _, m := range s.byName {
		for a, at := range s.mods[m].Attrs {
			if uses[at.Name] == nil {
				names = append(names, at.Name)
			}
			uses[at.Name] = append(uses[at.Name], use{m, int32(a)})
		}
	}
	for _, name := range names {
		s.scopesOf(uses[name])
	}
	slices.SortFunc(s.comps, func(a, b component) int {
		return cmp.Or(cmp.Compare(s.rank[a.start.mod], s.rank[b.start.mod]),
			cmp.Compare(a.start.attr, b.start.attr))
	})
	for i := range s.comps {
		for _, m := range s.comps[i].modules {
			s.of[m] = append(s.of[m], int32(i))
		}
	}
}

// scopesOf finds the components of one attribute; uses are its declarations in
// name order.
func (s *solver) scopesOf(uses []use) {
	s.attrMark++
	for _, u := range uses {
		s.declares[u.mod], s.role[u.mod] = s.attrMark, u
	}
	s.markNeeded(uses)
	for _, u := range uses {
		if s.attr(u).Mode == Write && !s.inComponent(u) {
			s.grow(u)
		}
	}
}

// inComponent says whether writer u was already merged into a component of its
// attribute: only its own component can have joined it last or not at all, as
// components of the current attribute are the newest.
func (s *solver) inComponent(u use) bool {
	c := s.joined[u.mod]
	return c > 0 && s.comps[c-1].name == s.attr(u).Name
}

// markNeeded marks every module at whose input the value is wanted: readers
// and updaters, and modules from which one is reachable before a writer.
func (s *solver) markNeeded(uses []use) {
	stack := s.walkUp[:0]
	for _, u := range uses {
		if s.attr(u).Mode != Write {
			s.need[u.mod] = s.attrMark
			stack = append(stack, u.mod)
		}
	}
	for len(stack) > 0 {
		m := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, f := range s.in[m] {
			if s.need[f] != s.attrMark && !s.writes(f) {
				s.need[f] = s.attrMark
				stack = append(stack, f)
			}
		}
	}
	s.walkUp = stack
}

// grow builds the component of writer u. Two walks feed each other until both
// are dry: downstream from a writer to everything that wants its value, and
// upstream from everything that joined to all who may have provided it. A
// writer met on the way up sends its own value downstream as well.
func (s *solver) grow(u use) {
	at := s.attr(u)
	s.comps = append(s.comps, component{name: at.Name, size: 1, source: -1, start: u, offset: NoWrite})
	c := &s.comps[len(s.comps)-1]
	id := int32(len(s.comps))
	s.join(c, id, u.mod)
	for len(s.walkDown) > 0 || len(s.walkUp) > 0 {
		if n := len(s.walkUp); n > 0 {
			m := s.walkUp[n-1]
			s.walkUp = s.walkUp[:n-1]
			for _, f := range s.in[m] {
				s.join(c, id, f)
			}
			continue
		}
		n := len(s.walkDown)
		m := s.walkDown[n-1]
		s.walkDown = s.walkDown[:n-1]
		for _, v := range s.out[m] {
			if s.need[v] == s.attrMark && s.down[v] != id {
				s.down[v] = id
				s.walkDown = append(s.walkDown, v)
				s.join(c, id, v)
			}
		}
	}
}

// join makes m a member and plans the walks that follow from it.
func (s *solver) join(c *component, id, m int32) {
	if s.joined[m] == id {
		return
	}
	s.joined[m] = id
	c.modules = append(c.modules, m)
	if _, ok := s.mode(m); ok {
		u := use{m, s.role[m].attr}
		c.uses = append(c.uses, u)
		c.size = max(c.size, s.attr(u).Size)
	}
	switch {
	case s.writes(m):
		s.down[m] = id
		s.walkDown = append(s.walkDown, m)
	case len(s.in[m]) > 0:
		s.walkUp = append(s.walkUp, m)
	case c.valid() || s.rank[m] < s.rank[c.source]:
		c.source = m // packets start here without the value
	}
}
