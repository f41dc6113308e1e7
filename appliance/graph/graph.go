// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package graph holds the modules of a pipeline and their connections as the
// control side sees them, and compiles them into what workers run: immutable
// snapshots, one for each worker.
//
// Ownership: a Graph and everything in it belongs to the control side (the
// engine's lock). Workers only ever see the module.Node structures of the
// Program they were given; counters are the only memory both sides touch.
package graph

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Graph is a set of named modules and the links between their gates.
type Graph struct {
	modules map[string]*Module
	version uint64 // changes with every change of structure
	layout  *layout
	frozen  map[*Module][]int8 // offsets kept as they are, nil: computed
}

// New returns an empty graph.
func New() *Graph { return &Graph{modules: map[string]*Module{}} }

// Module is an instance of a class in the graph.
type Module struct {
	Name  string
	Class *module.Class
	Impl  module.Module
	Env   *module.Env
	// Arg is the argument as the client gave it, nil if none was given.
	Arg *anypb.Any
	// Tasks in order of registration.
	Tasks []*Task
	// Workers that can reach the instance, ascending, as of the last call of
	// Propagate.
	Workers []int
	// feeders counts tasks of other modules that reach the instance.
	feeders int

	outs     map[int]*OGate
	ins      map[int]*IGate
	cells    [module.MaxWorkers]*module.Cells
	deadBase uint64
}

// OGate is a connected output gate.
type OGate struct {
	Module *Module
	Index  int
	To     *IGate
	Hooks  []*Hook
}

// IGate is an input gate with at least one feeder.
type IGate struct {
	Module *Module
	Index  int
	// From are the feeders in order of connection.
	From  []*OGate
	Hooks []*Hook
}

// Hook is a hook attached to a gate.
type Hook struct {
	Name  string
	Class *hook.Class
	Impl  hook.Hook
	// Arg is the argument as the client gave it.
	Arg *anypb.Any
}

// NewModule makes a Module of a constructed instance. It is not in the graph
// yet.
func NewModule(c *module.Class, impl module.Module, env *module.Env, arg *anypb.Any) *Module {
	m := &Module{Name: env.Name, Class: c, Impl: impl, Env: env, Arg: arg,
		outs: map[int]*OGate{}, ins: map[int]*IGate{}}
	for i, t := range env.Tasks() {
		m.Tasks = append(m.Tasks, newTask(m, i, t))
	}
	return m
}

// Add puts m into the graph. The name must be free.
func (g *Graph) Add(m *Module) { g.modules[m.Name] = m; g.Touch() }

// Remove takes m out of the graph; its links must have been cut.
func (g *Graph) Remove(m *Module) { delete(g.modules, m.Name); g.Touch() }

// Replace puts b, which is not in the graph, in the place of a: it gets a's
// links and hooks.
func (g *Graph) Replace(a, b *Module) {
	b.outs, b.ins = a.outs, a.ins
	a.outs, a.ins = map[int]*OGate{}, map[int]*IGate{}
	for _, o := range b.outs {
		o.Module = b
	}
	for _, in := range b.ins {
		in.Module = b
	}
	g.modules[b.Name] = b
	g.Touch()
}

// Module returns the module of that name, or nil.
func (g *Graph) Module(name string) *Module { return g.modules[name] }

// Len returns the number of modules.
func (g *Graph) Len() int { return len(g.modules) }

// Modules returns all modules by name.
func (g *Graph) Modules() []*Module {
	list := make([]*Module, 0, len(g.modules))
	for _, m := range g.modules {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *Module) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Touch notes that something changed that snapshots depend on.
func (g *Graph) Touch() { g.version++; g.layout = nil }

// FreezeMetadata keeps the metadata offsets as they are now, whatever changes,
// or computes them again. Attributes declared later stay without a place.
func (g *Graph) FreezeMetadata(on bool) {
	g.frozen = nil
	if on {
		g.frozen = g.prepare().offsets
	}
	g.Touch()
}

// Version changes whenever snapshots must be compiled anew.
func (g *Graph) Version() uint64 { return g.version }

// Connect links output gate og of a to input gate ig of b. The gates are
// within the classes' limits and the output gate is free.
func (g *Graph) Connect(a *Module, og int, b *Module, ig int) *OGate {
	in := b.ins[ig]
	if in == nil {
		in = &IGate{Module: b, Index: ig}
		b.ins[ig] = in
	}
	out := &OGate{Module: a, Index: og, To: in}
	a.outs[og] = out
	in.From = append(in.From, out)
	g.Touch()
	return out
}

// Disconnect cuts the link of output gate o and returns the hooks that went
// with it, among them those of the input gate if o was its last feeder.
func (g *Graph) Disconnect(o *OGate) []*Hook {
	gone := o.Hooks
	in := o.To
	delete(o.Module.outs, o.Index)
	in.From = slices.DeleteFunc(in.From, func(f *OGate) bool { return f == o })
	if len(in.From) == 0 {
		delete(in.Module.ins, in.Index)
		gone = append(gone, in.Hooks...)
	}
	g.Touch()
	return gone
}

// Reconnect undoes the Disconnect of o; everything done since has been undone
// already. pos is the place that o had in o.To.From. Gates are the same ones as
// before, so that older ways back that name them stay valid.
func (g *Graph) Reconnect(o *OGate, pos int) {
	in := o.To
	o.Module.outs[o.Index] = o
	in.Module.ins[in.Index] = in
	in.From = slices.Insert(in.From, min(pos, len(in.From)), o)
	g.Touch()
}

// Out returns the connected output gate i, or nil.
func (m *Module) Out(i int) *OGate { return m.outs[i] }

// In returns the connected input gate i, or nil.
func (m *Module) In(i int) *IGate { return m.ins[i] }

// Outs returns the connected output gates by index.
func (m *Module) Outs() []*OGate {
	list := make([]*OGate, 0, len(m.outs))
	for _, o := range m.outs {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b *OGate) int { return a.Index - b.Index })
	return list
}

// Ins returns the connected input gates by index.
func (m *Module) Ins() []*IGate {
	list := make([]*IGate, 0, len(m.ins))
	for _, in := range m.ins {
		list = append(list, in)
	}
	slices.SortFunc(list, func(a, b *IGate) int { return a.Index - b.Index })
	return list
}

// Attrs returns the instance's metadata attributes in order of declaration.
func (m *Module) Attrs() []module.Attr { return m.Env.Attrs() }

// Desc returns the live description, "" if the class has none.
func (m *Module) Desc() string {
	if d, ok := m.Impl.(module.Describer); ok {
		return d.Desc()
	}
	return ""
}

// SortHooks orders hooks by priority, then name.
func SortHooks(hs []*Hook) {
	slices.SortFunc(hs, func(a, b *Hook) int {
		return cmp.Or(cmp.Compare(a.Class.Priority, b.Class.Priority), cmp.Compare(a.Name, b.Name))
	})
}

// cellsFor returns the worker's counters of the instance, made on first use.
func (m *Module) cellsFor(worker int) *module.Cells {
	if m.cells[worker] == nil {
		m.cells[worker] = module.NewCells(len(m.Class.Counters))
	}
	return m.cells[worker]
}

// Deadends returns the packets dropped by the module, explicitly or because
// a gate was not connected, since the last Propagate.
func (m *Module) Deadends() uint64 { return m.deadends() - m.deadBase }

func (m *Module) deadends() uint64 {
	var n uint64
	for _, c := range m.cells {
		if c != nil {
			n += c.Deadends.Load()
		}
	}
	return n
}

// Panics returns how often the instance panicked.
func (m *Module) Panics() uint64 {
	var n uint64
	for _, c := range m.cells {
		if c != nil {
			n += c.Panics.Load()
		}
	}
	return n
}

// Counter returns counter i of the class, summed over all workers.
func (m *Module) Counter(i int) uint64 {
	var n uint64
	for _, c := range m.cells {
		if c != nil {
			n += c.Own[i].Load()
		}
	}
	return n
}

// Close frees what the instance holds. No worker uses it any more.
func (m *Module) Close() {
	if c, ok := m.Impl.(module.Closer); ok {
		c.Close()
	}
}
