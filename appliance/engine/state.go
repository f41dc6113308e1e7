// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
)

// State is the whole pipeline at one generation.
type State struct {
	Generation uint64
	Workers    []WorkerState
	Ports      []PortSpec // completed queue counts and sizes
	Modules    []ModuleState
	Links      []LinkState
	TCs        []TCInfo // inner classes only, parents before children
	Tasks      []TaskState
	// Warnings are oddities of the metadata, Loops the circles in the graph.
	Warnings []string
	Loops    [][]string
}

// WorkerState is a worker's configuration.
type WorkerState struct {
	ID, Core  int
	Scheduler string
	Running   bool
}

// ModuleState is a module with the argument it was created with or took last.
type ModuleState struct {
	Name, Class string
	Arg         *anypb.Any
	// Updates says that the class can take another argument in place, if not
	// any.
	Updates bool
}

// LinkState is a link.
type LinkState struct {
	From  string
	OGate int
	To    string
	IGate int
}

// TaskState is where a task is: below a traffic class made by a client, or a
// root of a worker (-1: waiting for one).
type TaskState struct {
	Module          string
	Task            int
	Parent          string
	Worker          int
	Priority, Share *int64
}

// State returns the whole pipeline.
func (e *Engine) State() *State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state()
}

func (e *Engine) state() *State {
	s := &State{Generation: e.generation, Warnings: e.graph.Warnings(), Loops: e.graph.Loops()}
	for _, w := range e.workers {
		if w != nil {
			ws := WorkerState{ID: w.ID, Core: w.Core, Running: w.Running()}
			if w.Sched.Backoff() {
				ws.Scheduler = experimental
			}
			s.Workers = append(s.Workers, ws)
		}
	}
	for _, name := range sortedKeys(e.ports) {
		p := e.ports[name]
		c := p.Config()
		s.Ports = append(s.Ports, PortSpec{Name: name, Driver: p.Driver.Name, NumInc: uint64(c.NumInc), NumOut: uint64(c.NumOut),
			SizeInc: uint64(c.SizeInc), SizeOut: uint64(c.SizeOut), Arg: p.Arg})
	}
	for _, m := range e.graph.Modules() {
		_, updates := m.Impl.(module.Updater)
		s.Modules = append(s.Modules, ModuleState{m.Name, m.Class.Name, m.Arg, updates})
		for _, o := range m.Outs() {
			s.Links = append(s.Links, LinkState{m.Name, o.Index, o.To.Module.Name, o.To.Index})
		}
		for _, t := range m.Tasks {
			s.Tasks = append(s.Tasks, e.taskState(e.tcs.leaf[t]))
		}
	}
	s.TCs = e.innerTCs()
	return s
}

func (e *Engine) taskState(l *sched.Leaf) TaskState {
	t := taskOf(l)
	p := e.tcs.placeOf(l)
	ts := TaskState{Module: t.Module.Name, Task: t.ID, Worker: p.worker}
	if p.parent != nil {
		ts.Parent = p.parent.Name()
	}
	if v, ok := l.Priority(); ok {
		n := int64(v)
		ts.Priority = &n
	}
	if v, ok := l.Share(); ok {
		n := int64(v)
		ts.Share = &n
	}
	return ts
}

// innerTCs returns the classes made by clients: trees by the names of their
// roots, parents before children, brothers in their order in the tree.
func (e *Engine) innerTCs() []TCInfo {
	var list []TCInfo
	var walk func(c sched.Class)
	walk = func(c sched.Class) {
		if _, leaf := c.(*sched.Leaf); leaf {
			return
		}
		info := describeTC(c)
		if s := c.Scheduler(); s != nil && info.Parent == s.DefaultRootName() {
			info.Parent = ""
		}
		if c.Name()[0] != '!' {
			list = append(list, info)
		}
		for _, k := range c.Children() {
			walk(k)
		}
	}
	for _, name := range sortedKeys(e.tcs.byName) {
		if c := e.tcs.byName[name]; c.Parent() == nil {
			walk(c)
		}
	}
	return list
}
