// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// ModuleInfo is everything about one module (spec: api.md section 6.6).
type ModuleInfo struct {
	Name, Class, Desc string
	Inputs            []InputInfo
	Outputs           []OutputInfo
	Attrs             []AttrInfo
	Deadends          uint64
}

// GateRef names one end of a link.
type GateRef struct {
	Module string
	Gate   int
}

// HookName names a hook on a gate.
type HookName struct{ Class, Name string }

// InputInfo is a connected input gate.
type InputInfo struct {
	Gate    int
	Feeders []GateRef
	Hooks   []HookName
	Counts  *hook.Counts // nil: not tracked
}

// OutputInfo is a connected output gate.
type OutputInfo struct {
	Gate   int
	Peer   GateRef
	Hooks  []HookName
	Counts *hook.Counts // nil: not tracked
}

// AttrInfo is a metadata attribute with its place.
type AttrInfo struct {
	module.Attr
	Offset int
}

// ModuleInfo returns everything about one module. Errors: EINVAL for an empty
// name, ENOENT.
func (e *Engine) ModuleInfo(name string) (*ModuleInfo, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.module(name)
	if err != nil {
		return nil, err
	}
	info := &ModuleInfo{Name: m.Name, Class: m.Class.Name, Desc: m.Desc(), Deadends: m.Deadends()}
	for _, in := range m.Ins() {
		i := InputInfo{Gate: in.Index}
		i.Hooks, i.Counts = describeHooks(in.Hooks)
		for _, f := range in.From {
			i.Feeders = append(i.Feeders, GateRef{f.Module.Name, f.Index})
		}
		info.Inputs = append(info.Inputs, i)
	}
	for _, o := range m.Outs() {
		i := OutputInfo{Gate: o.Index, Peer: GateRef{o.To.Module.Name, o.To.Index}}
		i.Hooks, i.Counts = describeHooks(o.Hooks)
		info.Outputs = append(info.Outputs, i)
	}
	for i, a := range m.Attrs() {
		info.Attrs = append(info.Attrs, AttrInfo{a, e.graph.Offset(m, i)})
	}
	return info, nil
}

// describeHooks lists hooks in order and sums the first one that counts.
func describeHooks(hs []*graph.Hook) ([]HookName, *hook.Counts) {
	var names []HookName
	var counts *hook.Counts
	for _, h := range hs {
		names = append(names, HookName{h.Class.Name, h.Name})
		if t, ok := h.Impl.(hook.Tracker); ok && counts == nil {
			c := t.Counts()
			counts = &c
		}
	}
	return names, counts
}

// Counters are a module's own statistics.
type Counters struct {
	Docs   []module.CounterDoc
	Values []uint64
	// Rules counts the packets that each rule has decided.
	Rules  []uint64
	Panics uint64
}

// ModuleArg returns the argument a module was given, as it was written; nil if
// there was none. Errors: EINVAL for an empty name, ENOENT.
func (e *Engine) ModuleArg(name string) (*anypb.Any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.module(name)
	if err != nil {
		return nil, err
	}
	return cloneAny(m.Arg), nil
}

// ModuleCounters returns the class's own counters. Errors: EINVAL for an
// empty name, ENOENT.
func (e *Engine) ModuleCounters(name string) (*Counters, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.module(name)
	if err != nil {
		return nil, err
	}
	c := &Counters{Docs: m.Class.Counters, Panics: m.Panics()}
	for i := range m.Class.Counters {
		c.Values = append(c.Values, m.Counter(i))
	}
	if r, ok := m.Impl.(module.RuleCounter); ok {
		c.Rules = r.RuleStats()
	}
	return c, nil
}
