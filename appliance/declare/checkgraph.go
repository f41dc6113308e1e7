// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"slices"
	"strings"
)

// checkGraph warns about what can be built but hardly does what was meant:
// modules that no packet reaches, or leaves, and circles.
func (c *checker) checkGraph() {
	g := c.newGraph()
	reached := g.reach()
	for i, m := range g.modules {
		cl := c.classes[m.Class]
		if cl == nil {
			continue // that is reported
		}
		object := moduleObject(m.Name)
		if !reached[i] {
			c.warnf(m.Pos, object, "no packet comes here: no module with a task leads to it")
		}
		if cl.OGates > 0 && !g.sends[i] {
			c.warnf(m.Pos, object, "no output gate is connected: every packet that leaves it is dropped")
		}
	}
	for _, circle := range g.circles() {
		names := make([]string, len(circle))
		first := g.modules[circle[0]]
		for i, n := range circle {
			names[i] = g.modules[n].Name
			if g.modules[n].Pos.compare(first.Pos) < 0 {
				first = g.modules[n]
			}
		}
		slices.Sort(names)
		c.warnf(first.Pos, moduleObject(first.Name), "a circle without a task on the way: %s; packets that go round too often are dropped", strings.Join(names, ", "))
	}
}

// graph is the declared modules and links by index.
type graph struct {
	modules []*Module
	out     [][]int
	starts  []bool // where packets begin, or may begin
	keeps   []bool // where packets end up for a task of the module's own
	sends   []bool // an output gate is connected
}

func (c *checker) newGraph() *graph {
	g := &graph{modules: ordered(c.Modules)}
	n := len(g.modules)
	g.out, g.starts, g.keeps, g.sends = make([][]int, n), make([]bool, n), make([]bool, n), make([]bool, n)
	index := make(map[string]int, n)
	for i, m := range g.modules {
		index[m.Name] = i
		cl := c.classes[m.Class]
		g.starts[i] = cl == nil || cl.Task
		g.keeps[i] = cl != nil && cl.StopsWorkers
	}
	for _, l := range c.Links {
		a, okA := index[l.From]
		b, okB := index[l.To]
		if okA {
			g.sends[a] = true
		}
		if okA && okB && !l.bad {
			g.out[a] = append(g.out[a], b)
		}
	}
	return g
}

// reach returns which modules packets can reach.
func (g *graph) reach() []bool {
	seen := make([]bool, len(g.modules))
	var stack []int
	for i, s := range g.starts {
		if s {
			seen[i] = true
			stack = append(stack, i)
		}
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, o := range g.out[i] {
			if !seen[o] {
				seen[o] = true
				stack = append(stack, o)
			}
		}
	}
	return seen
}

// circles returns the modules of every circle that packets can go round
// within one run: the strongly connected components with more than one
// module, or a link to itself.
func (g *graph) circles() [][]int {
	n := len(g.modules)
	t := &tarjan{graph: g, number: make([]int, n), low: make([]int, n), open: make([]bool, n), next: make([]int, n)}
	for root := range n {
		if t.number[root] == 0 {
			t.visit(root)
		}
	}
	return t.found
}

// tarjan is Tarjan's algorithm for strongly connected components, with a
// stack instead of recursion: a chain of modules may be very long.
type tarjan struct {
	*graph
	number, low  []int  // in order of discovery, from 1
	open         []bool // on the stack
	next         []int  // the link of each module to follow next
	stack, calls []int
	count        int
	found        [][]int
}

func (t *tarjan) enter(i int) {
	t.count++
	t.number[i], t.low[i], t.open[i] = t.count, t.count, true
	t.stack = append(t.stack, i)
	t.calls = append(t.calls, i)
}

func (t *tarjan) visit(root int) {
	t.enter(root)
	for len(t.calls) > 0 {
		i := t.calls[len(t.calls)-1]
		if t.next[i] < len(t.out[i]) && !t.keeps[i] {
			o := t.out[i][t.next[i]]
			t.next[i]++
			if t.number[o] == 0 {
				t.enter(o)
			} else if t.open[o] {
				t.low[i] = min(t.low[i], t.number[o])
			}
			continue
		}
		t.calls = t.calls[:len(t.calls)-1]
		if len(t.calls) > 0 {
			up := t.calls[len(t.calls)-1]
			t.low[up] = min(t.low[up], t.low[i])
		}
		if t.low[i] == t.number[i] {
			t.close(i)
		}
	}
}

// close takes the component that was entered through i from the stack.
func (t *tarjan) close(i int) {
	at := len(t.stack) - 1
	for t.stack[at] != i {
		at--
	}
	part := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, k := range part {
		t.open[k] = false
	}
	if len(part) > 1 || !t.keeps[i] && slices.Contains(t.out[i], i) {
		t.found = append(t.found, part)
	}
}
