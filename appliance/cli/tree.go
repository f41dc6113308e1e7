// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
)

// treeLine is a line of a drawing of the graph: a module and the link that
// leads to it.
type treeLine struct {
	// branch is what stands before the name: where the line comes from.
	branch string
	node   *nodeData
	link   *linkData // nil for the modules where packets begin
	// again is "above" if the module has been drawn with all that follows it,
	// "loop" if the line is part of that.
	again string
}

// layout draws the graph as lines, from the sources on. A module with one
// output continues on the next line ("↓"); more outputs are branches. A module
// is drawn where it is met first. Where paths merge or form a loop it is only
// named again: every link that can be reached has exactly one line.
func layout(p *pipelineData) []treeLine {
	d := &drawer{nodes: map[string]*nodeData{}, outs: map[string][]*linkData{}, state: map[string]int{}}
	fed := map[string]bool{}
	for i := range p.Modules {
		d.nodes[p.Modules[i].Name] = &p.Modules[i]
	}
	for i := range p.Links {
		l := &p.Links[i]
		if d.nodes[l.To] == nil || d.nodes[l.From] == nil {
			continue // one end was removed while the other was read
		}
		d.outs[l.From] = append(d.outs[l.From], l)
		fed[l.To] = fed[l.To] || l.To != l.From
	}
	if len(p.roots) > 0 {
		for _, r := range p.roots {
			d.root(r)
		}
		return d.lines
	}
	for _, m := range p.Modules {
		if !fed[m.Name] {
			d.root(m.Name)
		}
	}
	for _, m := range p.Modules { // what is left are loops that nothing enters
		d.root(m.Name)
	}
	return d.lines
}

type drawer struct {
	nodes map[string]*nodeData
	outs  map[string][]*linkData
	state map[string]int
	lines []treeLine
}

// States of a module while drawing.
const (
	unseen = iota
	inside // it is on the path to the present line
	done
)

func (d *drawer) root(name string) {
	if d.state[name] == unseen && d.nodes[name] != nil {
		d.node(name, nil, "", "")
	}
}

// node draws a module and what follows it. branch is before its own name,
// below before those of what follows.
func (d *drawer) node(name string, link *linkData, branch, below string) {
	line := treeLine{branch: branch, node: d.nodes[name], link: link}
	switch d.state[name] {
	case inside:
		line.again = "loop"
	case done:
		line.again = "above"
	}
	d.lines = append(d.lines, line)
	if line.again != "" {
		return
	}
	d.state[name] = inside
	outs := slices.Clone(d.outs[name])
	slices.SortFunc(outs, func(a, b *linkData) int { return int(a.OGate) - int(b.OGate) })
	for i, l := range outs {
		switch {
		case len(outs) == 1:
			d.node(l.To, l, below+"↓ ", below)
		case i == len(outs)-1:
			d.node(l.To, l, below+"└─ ", below+"   ")
		default:
			d.node(l.To, l, below+"├─ ", below+"│  ")
		}
	}
	d.state[name] = done
}
