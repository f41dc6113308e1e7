// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package graph

// layout is what all workers' snapshots of one version have in common.
type layout struct {
	offsets   map[*Module][]int8
	metaLen   int
	warnings  []string
	priority  map[*IGate]int
	component map[*Module]int // strongly connected component
	looping   map[*Module]bool
}

// prepare computes metadata offsets, input gate priorities and circles for
// the current structure, unless that was done already (spec: metadata.md
// sections 4 and 5, scheduler.md section 7).
func (g *Graph) prepare() *layout {
	if g.layout != nil {
		return g.layout
	}
	l := &layout{}
	mods := g.Modules()
	l.place(mods, g.frozen)
	l.findLoops(mods)
	l.rank(mods)
	g.layout = l
	return l
}

// Offset returns the place of attribute i of m, or a negative code, in the
// current structure.
func (g *Graph) Offset(m *Module, i int) int { return int(g.prepare().offsets[m][i]) }

// Warnings returns what is odd about the metadata of the current structure,
// such as attributes that are read but never written.
func (g *Graph) Warnings() []string { return g.prepare().warnings }

// flows reports whether packets that enter m through an input gate can leave
// it within the same run.
func flows(m *Module) bool { return !m.Class.StopsWorkers }

// handsOn reports whether m is part of roads that begin elsewhere: it has no
// tasks, or one that only looks after what it kept.
func handsOn(m *Module) bool {
	return len(m.Tasks) == 0 || m.Class.IGates > 0 && flows(m)
}

// rank gives each input gate the length of the longest road, circles left
// out, from a task: modules that merge roads then run after all of their
// feeders. Roads end at modules with tasks of their own.
func (l *layout) rank(mods []*Module) {
	l.priority = map[*IGate]int{}
	indegree := map[*Module]int{}
	edge := func(o *OGate) bool {
		return handsOn(o.Module) && handsOn(o.To.Module) &&
			l.component[o.Module] != l.component[o.To.Module]
	}
	for _, m := range mods {
		for _, o := range m.outs {
			if edge(o) {
				indegree[o.To.Module]++
			}
		}
	}
	depth := map[*Module]int{}
	var queue []*Module
	for _, m := range mods {
		if indegree[m] == 0 {
			queue = append(queue, m)
		}
	}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		d := depth[m] + 1
		if !handsOn(m) {
			d = 1
		}
		for _, o := range m.Outs() {
			l.priority[o.To] = max(l.priority[o.To], d)
			if handsOn(o.To.Module) {
				depth[o.To.Module] = max(depth[o.To.Module], d)
			}
			if edge(o) {
				if indegree[o.To.Module]--; indegree[o.To.Module] == 0 {
					queue = append(queue, o.To.Module)
				}
			}
		}
	}
}

// findLoops finds the strongly connected components of the graph, without
// the roads that end in a module that keeps the packets for a task of its
// own (iterative form of Tarjan's algorithm).
func (l *layout) findLoops(mods []*Module) {
	l.component = map[*Module]int{}
	l.looping = map[*Module]bool{}
	type frame struct {
		m    *Module
		outs []*OGate
	}
	index, low := map[*Module]int{}, map[*Module]int{}
	onStack := map[*Module]bool{}
	var stack []*Module
	next, comps := 1, 0
	enter := func(m *Module) frame {
		index[m], low[m] = next, next
		next++
		stack = append(stack, m)
		onStack[m] = true
		f := frame{m: m}
		if flows(m) {
			f.outs = m.Outs()
		}
		return f
	}
	for _, root := range mods {
		if index[root] != 0 {
			continue
		}
		calls := []frame{enter(root)}
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			if len(f.outs) > 0 {
				o := f.outs[0]
				f.outs = f.outs[1:]
				to := o.To.Module
				switch {
				case to == f.m:
					l.looping[to] = true
				case index[to] == 0:
					calls = append(calls, enter(to))
				case onStack[to]:
					low[f.m] = min(low[f.m], index[to])
				}
				continue
			}
			m := f.m
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].m
				low[up] = min(low[up], low[m])
			}
			if low[m] != index[m] {
				continue
			}
			comps++
			for size := 1; ; size++ {
				top := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				onStack[top] = false
				l.component[top] = comps
				if top != m || size > 1 {
					l.looping[top] = true
				}
				if top == m {
					break
				}
			}
		}
	}
}

// inLoop reports whether a packet entering in may come back within one run.
func (l *layout) inLoop(in *IGate) bool {
	if !l.looping[in.Module] {
		return false
	}
	for _, f := range in.From {
		if l.component[f.Module] == l.component[in.Module] {
			return true
		}
	}
	return false
}

// Loops returns the names of the modules of every circle that packets can go
// round within one run.
func (g *Graph) Loops() [][]string {
	l := g.prepare()
	byComp := map[int][]string{}
	var order []int
	for _, m := range g.Modules() {
		if l.looping[m] {
			c := l.component[m]
			if byComp[c] == nil {
				order = append(order, c)
			}
			byComp[c] = append(byComp[c], m.Name)
		}
	}
	var loops [][]string
	for _, c := range order {
		loops = append(loops, byComp[c])
	}
	return loops
}
