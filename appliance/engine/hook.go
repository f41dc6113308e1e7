// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
)

// The hook put on output gates when they are connected: its class, and the
// name it gets there as the first hook of all.
const (
	trackClass = "Track"
	UsualHook  = "track0"
)

// Hooks returns the names of the gate hook classes in byte order.
func (e *Engine) Hooks() []string { return sortedKeys(e.hooks) }

// HookClass returns a gate hook class. Errors: EINVAL for an empty name,
// ENOENT.
func (e *Engine) HookClass(name string) (*hook.Class, error) {
	if name == "" {
		return nil, errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	c := e.hooks[name]
	if c == nil {
		return nil, errno.Errorf(errno.ENOENT, "No gatehook class '%s' found%s", name, suggest(name, e.Hooks()))
	}
	return c, nil
}

// gate is one end of a link: the hooks of an input or output gate.
type gate struct {
	module *graph.Module
	in     *graph.IGate // nil for output gates
	out    *graph.OGate // nil for input gates
}

func (g gate) hooks() *[]*graph.Hook {
	if g.in != nil {
		return &g.in.Hooks
	}
	return &g.out.Hooks
}

func (g gate) index() int {
	if g.in != nil {
		return g.in.Index
	}
	return g.out.Index
}

// addDefaultHook puts a Track hook on a new link's output gate.
func (e *Engine) addDefaultHook(o *graph.OGate) {
	c := e.hooks[trackClass]
	if c == nil {
		return
	}
	arg, err := anypb.New(&api.TrackArg{})
	if err == nil {
		_, err = e.attach(gate{module: o.Module, out: o}, c, UsualHook, &api.TrackArg{}, arg)
	}
	if err != nil {
		e.log.Error("default hook", "module", o.Module.Name, "gate", o.Index, "error", err)
	}
}

// attach puts a new hook on a gate; an empty name lets the engine choose.
func (e *Engine) attach(g gate, c *hook.Class, name string, msg proto.Message, arg *anypb.Any) (*graph.Hook, error) {
	hs := g.hooks()
	taken := func(n string) bool {
		return slices.ContainsFunc(*hs, func(h *graph.Hook) bool { return h.Name == n })
	}
	impl, err := c.New(e.hookGate(g, c), msg)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = freeName(c.Prefix, taken)
	} else if taken(name) {
		impl.Close()
		return nil, errno.Errorf(errno.EEXIST, "Fail to Add Hook: gate %d of %s has a hook named '%s'", g.index(), g.module.Name, name)
	}
	h := &graph.Hook{Name: name, Class: c, Impl: impl, Arg: cloneAny(arg)}
	// A new slice: snapshots being compiled never see a half-sorted one.
	*hs = append(slices.Clone(*hs), h)
	graph.SortHooks(*hs)
	e.graph.Touch()
	e.changed()
	return h, nil
}

// HookSpec selects gates and a hook on them.
type HookSpec struct {
	Class, Name string
	// Module is the module's name, empty for all.
	Module string
	// Input selects the direction; Gate the gate, negative for all.
	Input bool
	Gate  int64
	Arg   *anypb.Any
}

// ConfigureHook attaches (enable) or removes a hook and returns the name of
// the attached one if the request names a single gate. Errors: ENOENT for an
// unknown class, module or gate, EINVAL for a bad gate when disabling, EEXIST
// for a name in use, and what the class answers. Nothing remains attached
// when it fails.
func (e *Engine) ConfigureHook(s HookSpec, enable bool) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.hooks[s.Class]
	if c == nil {
		return "", errno.Errorf(errno.ENOENT, "No such gate hook: %s%s", s.Class, suggest(s.Class, e.Hooks()))
	}
	mods := e.graph.Modules()
	if s.Module != "" {
		m, err := e.lookup(s.Module)
		if err != nil {
			return "", err
		}
		mods = []*graph.Module{m}
	}
	var gates []gate
	for _, m := range mods {
		gs, err := gatesOf(m, s)
		if err != nil {
			if !enable {
				err = &errno.Error{Code: errno.EINVAL, Msg: err.Error(), Err: err}
			}
			return "", err
		}
		gates = append(gates, gs...)
	}
	defer e.settle()
	if !enable {
		for _, g := range gates {
			e.detach(g, s)
		}
		return "", nil
	}
	name, err := e.attachAll(gates, c, s)
	if s.Gate < 0 || s.Module == "" {
		name = ""
	}
	return name, err
}

// gatesOf returns the gates of m that the request selects.
func gatesOf(m *graph.Module, s HookSpec) ([]gate, error) {
	var gates []gate
	if s.Input {
		for _, in := range m.Ins() {
			if s.Gate < 0 || s.Gate == int64(in.Index) {
				gates = append(gates, gate{module: m, in: in})
			}
		}
	} else {
		for _, o := range m.Outs() {
			if s.Gate < 0 || s.Gate == int64(o.Index) {
				gates = append(gates, gate{module: m, out: o})
			}
		}
	}
	if s.Gate >= 0 && len(gates) == 0 {
		kind := "ogate"
		if s.Input {
			kind = "igate"
		}
		return nil, errno.Errorf(errno.ENOENT, "'%s': %s '%d' does not exist", m.Name, kind, s.Gate)
	}
	return gates, nil
}

// attachAll attaches to every gate or to none.
func (e *Engine) attachAll(gates []gate, c *hook.Class, s HookSpec) (string, error) {
	if err := checkName("hook", s.Name); err != nil {
		return "", err
	}
	what := c.Name
	msg, err := decodeArg(what, c.Name, c.Arg, s.Arg)
	if err != nil {
		return "", err
	}
	type done struct {
		g gate
		h *graph.Hook
	}
	var added []done
	name := ""
	for _, g := range gates {
		h := attachedAlready(g, c, s.Name)
		if h != nil {
			// Attaching Track once more changes the one that is there.
			if err = h.Impl.(hook.Updater).Update(msg); err == nil {
				h.Arg = cloneAny(s.Arg)
				e.graph.Touch()
			}
		} else if h, err = e.attach(g, c, s.Name, msg, s.Arg); err == nil {
			added = append(added, done{g, h})
		}
		if err != nil {
			for _, d := range added {
				e.removeHook(d.g, d.h)
			}
			return "", err
		}
		name = h.Name
	}
	return name, nil
}

// attachedAlready returns the hook that a request without a name means: the
// first of that class on the gate, if the class takes new arguments in place.
// A request with a name always means a new hook.
func attachedAlready(g gate, c *hook.Class, name string) *graph.Hook {
	if name != "" {
		return nil
	}
	for _, h := range *g.hooks() {
		if _, ok := h.Impl.(hook.Updater); ok && h.Class == c {
			return h
		}
	}
	return nil
}

// detach removes the named hook, or the first of the class.
func (e *Engine) detach(g gate, s HookSpec) {
	for _, h := range *g.hooks() {
		if s.Name != "" && h.Name == s.Name || s.Name == "" && h.Class.Name == s.Class {
			e.removeHook(g, h)
			return
		}
	}
}

func (e *Engine) removeHook(g gate, h *graph.Hook) {
	hs := g.hooks()
	*hs = slices.DeleteFunc(slices.Clone(*hs), func(o *graph.Hook) bool { return o == h })
	e.oldHooks = append(e.oldHooks, h)
	e.graph.Touch()
	e.changed()
}

// AttachedHook is a hook and where it is.
type AttachedHook struct {
	Module string
	Input  bool
	Gate   int
	Name   string
	Class  string
	Arg    *anypb.Any
}

// Is reports whether two hooks are the same: place, name, class, argument.
func (h *AttachedHook) Is(o AttachedHook) bool {
	return h.Module == o.Module && h.Input == o.Input && h.Gate == o.Gate && h.Name == o.Name && h.Class == o.Class &&
		proto.Equal(h.Arg, o.Arg)
}

// ListHooks returns all hooks by module; input gates first, then output
// gates, by index.
func (e *Engine) ListHooks() []AttachedHook {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []AttachedHook{}
	for _, m := range e.graph.Modules() {
		for _, in := range m.Ins() {
			for _, h := range in.Hooks {
				list = append(list, AttachedHook{m.Name, true, in.Index, h.Name, h.Class.Name, h.Arg})
			}
		}
		for _, o := range m.Outs() {
			for _, h := range o.Hooks {
				list = append(list, AttachedHook{m.Name, false, o.Index, h.Name, h.Class.Name, h.Arg})
			}
		}
	}
	return list
}

// HookCommand runs a command of one hook. Errors: ENOENT for an unknown
// module or hook, EINVAL for a gate that does not exist, ENOTSUP for an
// unknown command.
func (e *Engine) HookCommand(s HookSpec, cmd string) (proto.Message, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.lookup(s.Module)
	if err != nil {
		return nil, err
	}
	kind := "ogate"
	if s.Input {
		kind = "igate"
	}
	one := s
	one.Gate = max(s.Gate, 0)
	gates, err := gatesOf(m, one)
	if err != nil || s.Gate < 0 {
		return nil, errno.Errorf(errno.EINVAL, "%s: %s '%d' does not exist", m.Name, kind, s.Gate)
	}
	var h *graph.Hook
	for _, c := range *gates[0].hooks() {
		if c.Name == s.Name {
			h = c
		}
	}
	if h == nil {
		return nil, errno.Errorf(errno.ENOENT, "%s: %s '%d' has no hook named '%s'", m.Name, kind, s.Gate, s.Name)
	}
	for i := range h.Class.Commands {
		c := &h.Class.Commands[i]
		if c.Name != cmd {
			continue
		}
		msg, err := decodeArg(h.Class.Name+" "+h.Name+": "+cmd, h.Class.Name, c.Arg, s.Arg)
		if err != nil {
			return nil, err
		}
		var resp proto.Message
		e.propagate()
		e.quiesce(m.Workers, func() { resp, err = c.Run(h.Impl, msg) })
		return resp, err
	}
	return nil, errno.Errorf(errno.ENOTSUP, "'%s' does not support command '%s'", h.Class.Name, cmd)
}

// renewHooks makes the hooks on b's gates anew if they were made for other
// metadata attributes, those of a, whose place b took. A hook that cannot be
// made again is taken away. It returns the way back.
func (e *Engine) renewHooks(a, b *graph.Module) (undo func()) {
	if slices.Equal(a.Attrs(), b.Attrs()) {
		return func() {}
	}
	var gates []gate
	for _, in := range b.Ins() {
		gates = append(gates, gate{module: b, in: in})
	}
	for _, o := range b.Outs() {
		gates = append(gates, gate{module: b, out: o})
	}
	var steps []func()
	for _, g := range gates {
		old := *g.hooks()
		var all, made, gone []*graph.Hook
		for _, h := range old {
			if _, counts := h.Impl.(hook.Tracker); counts {
				all = append(all, h) // knows no attributes, and keeps its counts
				continue
			}
			gone = append(gone, h)
			n, err := e.renewHook(g, h)
			if err != nil {
				e.log.Warn("a hook was taken away", "module", b.Name, "hook", h.Name, "error", err)
				continue
			}
			all, made = append(all, n), append(made, n)
		}
		*g.hooks() = all
		e.oldHooks = append(e.oldHooks, gone...)
		steps = append(steps, func() {
			e.oldHooks = slices.DeleteFunc(e.oldHooks, func(h *graph.Hook) bool { return slices.Contains(gone, h) })
			e.oldHooks = append(e.oldHooks, made...)
			*g.hooks() = old
		})
	}
	return func() {
		for _, f := range steps {
			f()
		}
	}
}

// renewHook makes a hook of the same class, name and argument.
func (e *Engine) renewHook(g gate, h *graph.Hook) (*graph.Hook, error) {
	msg, err := decodeArg(h.Class.Name, h.Class.Name, h.Class.Arg, h.Arg)
	if err != nil {
		return nil, err
	}
	impl, err := h.Class.New(e.hookGate(g, h.Class), msg)
	if err != nil {
		return nil, err
	}
	return &graph.Hook{Name: h.Name, Class: h.Class, Impl: impl, Arg: h.Arg}, nil
}

// hookGate is what a hook is told about its gate.
func (e *Engine) hookGate(g gate, c *hook.Class) hook.Gate {
	return hook.Gate{Module: g.module.Name, Input: g.in != nil, Index: g.index(),
		Attrs: g.module.Attrs(), Log: e.log.With("module", g.module.Name, "hook", c.Name)}
}
