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
// module, or a link to itself (Tarjan's algorithm without recursion).
func (g *graph) circles() (found [][]int) {
	n := len(g.modules)
	number, low := make([]int, n), make([]int, n) // 0: not visited
	open := make([]bool, n)
	next := make([]int, n) // the link of each module to follow next
	var stack, calls []int
	count := 0
	enter := func(i int) {
		count++
		number[i], low[i], open[i] = count, count, true
		stack = append(stack, i)
		calls = append(calls, i)
	}
	for root := range n {
		if number[root] == 0 {
			enter(root)
		}
		for len(calls) > 0 {
			i := calls[len(calls)-1]
			if next[i] < len(g.out[i]) && !g.keeps[i] {
				o := g.out[i][next[i]]
				next[i]++
				if number[o] == 0 {
					enter(o)
				} else if open[o] {
					low[i] = min(low[i], number[o])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1]
				low[up] = min(low[up], low[i])
			}
			if low[i] != number[i] {
				continue
			}
			at := len(stack) - 1
			for stack[at] != i {
				at--
			}
			part := slices.Clone(stack[at:])
			stack = stack[:at]
			for _, k := range part {
				open[k] = false
			}
			if len(part) > 1 || !g.keeps[i] && slices.Contains(g.out[i], i) {
				found = append(found, part)
			}
		}
	}
	return found
}
