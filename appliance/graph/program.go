// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Program is one worker's snapshot of the part of the graph that its tasks
// reach. Once given to the worker it never changes.
type Program struct {
	// MetaLen is how many bytes of metadata are in use.
	MetaLen int
	entries map[*Task]entry
	// Modules are those in the snapshot.
	Modules []*Module
}

// Compile builds the snapshot for a worker that runs the given tasks.
func (g *Graph) Compile(worker int, tasks []*Task) *Program {
	l := g.prepare()
	c := &compiler{worker: worker, layout: l, nodes: map[*Module]*module.Node{}, ins: map[*IGate]*module.In{}}
	p := &Program{MetaLen: l.metaLen, entries: make(map[*Task]entry, len(tasks))}
	for _, t := range tasks {
		c.reach(t)
	}
	for _, m := range c.order {
		c.link(m)
	}
	for _, t := range tasks {
		n := c.nodes[t.Module]
		if n.Children == nil {
			n.Children = overloaders(t.Module)
		}
		en := entry{node: n, id: t.ID}
		en.runner, _ = t.Module.Impl.(module.Runner)
		en.waiter, _ = t.Module.Impl.(module.FDWaiter)
		p.entries[t] = en
	}
	p.Modules = c.order
	return p
}

// Install makes the worker run p: to be called on its thread at a batch
// boundary, or while it is stopped.
func (p *Program) Install(ctx *module.Context) {
	ctx.MetaLen = p.MetaLen
	for t, en := range p.entries {
		t.entry = en
	}
}

type compiler struct {
	worker int
	layout *layout
	nodes  map[*Module]*module.Node
	ins    map[*IGate]*module.In
	order  []*Module
}

// reach makes nodes for everything the task reaches.
func (c *compiler) reach(t *Task) {
	seen := map[*Module]bool{}
	visit(t, c.worker, func(m *Module) bool {
		if seen[m] {
			return false
		}
		seen[m] = true
		c.node(m)
		return true
	})
}

// visit walks from a task's module along connected gates, as packets of one
// run can, and calls f for each module once per feeder; f says whether to go
// on behind it.
func visit(t *Task, worker int, f func(m *Module) bool) {
	stack := []*Module{t.Module}
	first := true
	for len(stack) > 0 {
		m := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !f(m) {
			continue
		}
		if !first && !flows(m) && m != t.Module {
			continue
		}
		first = false
		if r, ok := m.Impl.(module.WorkerRouter); ok {
			if o := m.outs[r.GateForWorker(worker)]; o != nil {
				stack = append(stack, o.To.Module)
			}
			continue
		}
		outs := m.Outs()
		for i := len(outs) - 1; i >= 0; i-- {
			stack = append(stack, outs[i].To.Module)
		}
	}
}

func (c *compiler) node(m *Module) *module.Node {
	if n := c.nodes[m]; n != nil {
		return n
	}
	n := &module.Node{Mod: m.Impl, Name: m.Name, Holds: m.Class.Holds,
		Offsets: c.layout.offsets[m], Cells: m.cellsFor(c.worker)}
	c.nodes[m] = n
	c.order = append(c.order, m)
	return n
}

// link fills in the output gates of m's node whose peers are in the snapshot.
func (c *compiler) link(m *Module) {
	outs := m.Outs()
	if len(outs) == 0 {
		return
	}
	n := c.nodes[m]
	n.Outs = make([]module.Out, outs[len(outs)-1].Index+1)
	for _, o := range outs {
		if c.nodes[o.To.Module] == nil {
			continue
		}
		out := &n.Outs[o.Index]
		out.In = c.in(o.To)
		out.Track, out.Hooks = c.hooks(o.Hooks)
		out.Straight = out.In.Single && len(out.Hooks) == 0
	}
}

func (c *compiler) in(g *IGate) *module.In {
	if in := c.ins[g]; in != nil {
		return in
	}
	in := &module.In{Node: c.nodes[g.Module], Gate: g.Index, Single: len(g.From) == 1,
		Loop: c.layout.inLoop(g), Priority: c.layout.priority[g]}
	in.Track, in.Hooks = c.hooks(g.Hooks)
	in.Straight = !in.Loop && len(in.Hooks) == 0
	c.ins[g] = in
	return in
}

// hooks splits the hooks of a gate: the first one that only counts is done
// inline, the others are called.
func (c *compiler) hooks(hs []*Hook) (*module.TrackCell, []module.Hook) {
	var cell *module.TrackCell
	var rest []module.Hook
	for _, h := range hs {
		if t, ok := h.Impl.(hook.Tracker); ok && cell == nil {
			cell = t.Cell(c.worker)
			continue
		}
		rest = append(rest, h.Impl)
	}
	return cell, rest
}

// overloaders returns the modules directly downstream of m, through those that
// hand packets on, that can ask m's tasks to hold back.
func overloaders(m *Module) []module.Overloader {
	list := []module.Overloader{}
	seen := map[*Module]bool{}
	stack := []*Module{m}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, o := range top.outs {
			to := o.To.Module
			if seen[to] {
				continue
			}
			seen[to] = true
			if ov, ok := to.Impl.(module.Overloader); ok {
				list = append(list, ov)
			}
			if handsOn(to) {
				stack = append(stack, to)
			}
		}
	}
	return list
}
