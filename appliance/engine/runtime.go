// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Runtime is what clients have made of a pipeline beyond what State tells:
// with State it is all that is needed to build the pipeline again.
type Runtime struct {
	// Calls are the commands that turn modules as they were created into what
	// they are, for modules that commands have changed.
	Calls []ModuleCalls
	// Hooks are the hooks on gates, but for the Track hook that every new link
	// has; Untracked are output gates without that one.
	Hooks     []AttachedHook
	Untracked []GateRef
	// Ports are the settings that clients gave to ports.
	Ports []PortSetting
}

// ModuleCalls are the commands to give to one module, in order.
type ModuleCalls struct {
	Module string
	Calls  []Call
	// Lost says that there were more commands than are remembered (maxCalls):
	// Calls is empty.
	Lost bool
}

// Call is a command that changes a module.
type Call struct {
	Command string
	Arg     *anypb.Any
}

// PortSetting is what SetPortConf was told last; an MTU of 0 and an empty MAC
// were left alone.
type PortSetting struct {
	Port, MAC string
	MTU       uint32
	Up        bool
}

// maxCalls is how many commands are remembered for one module whose class
// cannot tell its present configuration.
const maxCalls = 1 << 16

// The commands by which a class tells and takes its whole configuration.
const (
	getRuntimeConfig = "get_runtime_config"
	setRuntimeConfig = "set_runtime_config"
)

// callLog remembers the commands that changed a module since it was built. It
// is a value that is replaced, not changed, where a transaction may be undone.
type callLog struct {
	calls []Call
	lost  bool
}

// tellsConfig reports whether a class tells its configuration in the form in
// which it takes it.
func tellsConfig(c *module.Class) bool {
	get, set := c.Command(getRuntimeConfig), c.Command(setRuntimeConfig)
	return get != nil && set != nil && get.Resp != nil && set.Arg != nil &&
		get.Resp.ProtoReflect().Descriptor() == set.Arg.ProtoReflect().Descriptor()
}

// remember notes a command that succeeded. A command that sets something
// makes the one before it meaningless, clear those that add and delete. A
// class that tells its configuration is asked for it when it is needed; of its
// commands only those that set something, and that there were any, are kept.
func (l *callLog) remember(c *module.Class, cmd string, arg *anypb.Any) {
	sets, tells := strings.HasPrefix(cmd, "set_"), tellsConfig(c)
	switch {
	case l.lost:
		return
	case sets:
		l.forget(cmd)
	case tells, cmd == "clear":
		l.forget("add", "delete", "clear")
	}
	if tells && !sets {
		arg = nil // only that something changed
	}
	l.calls = append(l.calls, Call{cmd, cloneAny(arg)})
	if len(l.calls) > maxCalls {
		l.calls, l.lost = nil, true
	}
}

func (l *callLog) forget(cmds ...string) {
	if slices.ContainsFunc(l.calls, func(k Call) bool { return slices.Contains(cmds, k.Command) }) {
		l.calls = slices.DeleteFunc(l.calls, func(k Call) bool { return slices.Contains(cmds, k.Command) })
	}
}

// split returns the commands whose effect stays when an instance takes a new
// argument, and those whose effect ends. l may be nil.
func (l *callLog) split(impl module.Module) (kept *callLog, ended []Call) {
	if l == nil {
		return nil, nil
	}
	keeper, ok := impl.(module.Keeper)
	if !ok {
		return nil, l.calls
	}
	kept = &callLog{lost: l.lost}
	for _, k := range l.calls {
		if keeper.Keeps(k.Command) {
			kept.calls = append(kept.calls, k)
		} else {
			ended = append(ended, k)
		}
	}
	return kept, ended
}

// keepCalls makes l, which may be nil, what is remembered of m.
func (e *Engine) keepCalls(m *graph.Module, l *callLog) {
	if l == nil || len(l.calls) == 0 && !l.lost {
		delete(e.calls, m)
		return
	}
	e.calls[m] = l
}

// noteCall remembers a command that changed m.
func (e *Engine) noteCall(m *graph.Module, cmd string, arg *anypb.Any) {
	l := e.calls[m]
	if l == nil {
		l = &callLog{}
		e.calls[m] = l
	}
	l.remember(m.Class, cmd, arg)
}

// Snapshot returns the whole pipeline with what clients made of it.
func (e *Engine) Snapshot() (*State, *Runtime) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state(), e.runtime()
}

// Runtime returns what clients made of the pipeline, as the transaction has
// left it so far.
func (tx *Tx) Runtime() *Runtime { return tx.e.runtime() }

// AtCommit has f called at the end of the transaction, if it succeeds, with
// the generation it ends at. The engine is still locked: f must not call it.
func (tx *Tx) AtCommit(f func(generation uint64)) {
	j := tx.e.undo
	j.done = append(j.done, f)
}

func (e *Engine) runtime() *Runtime {
	r := &Runtime{}
	for _, m := range e.graph.Modules() {
		if calls, lost := e.callsOf(m); lost || len(calls) > 0 {
			r.Calls = append(r.Calls, ModuleCalls{m.Name, calls, lost})
		}
		for _, in := range m.Ins() {
			for _, h := range in.Hooks {
				r.Hooks = append(r.Hooks, AttachedHook{m.Name, true, in.Index, h.Name, h.Class.Name, h.Arg})
			}
		}
		for _, o := range m.Outs() {
			usual := false
			for _, h := range o.Hooks {
				if !usual && isUsual(h) {
					usual = true
					continue
				}
				r.Hooks = append(r.Hooks, AttachedHook{m.Name, false, o.Index, h.Name, h.Class.Name, h.Arg})
			}
			if !usual {
				r.Untracked = append(r.Untracked, GateRef{m.Name, o.Index})
			}
		}
	}
	for _, name := range sortedKeys(e.ports) {
		if s := e.ports[name].Setting(); s != nil {
			r.Ports = append(r.Ports, PortSetting{Port: name, MAC: s.MAC.String(), MTU: uint32(s.MTU), Up: s.Up})
		}
	}
	return r
}

// isUsual reports whether h is like the hook that Connect puts on a gate.
func isUsual(h *graph.Hook) bool {
	if h.Class.Name != trackClass || h.Name != UsualHook {
		return false
	}
	msg := &api.TrackArg{}
	return h.Arg == nil || h.Arg.UnmarshalTo(msg) == nil && proto.Equal(msg, &api.TrackArg{})
}

// callsOf returns the commands that make a new instance like m what m is.
func (e *Engine) callsOf(m *graph.Module) (calls []Call, lost bool) {
	l := e.calls[m]
	if l == nil || l.lost {
		return nil, l != nil
	}
	if !tellsConfig(m.Class) {
		return slices.Clone(l.calls), false
	}
	for _, k := range l.calls {
		if strings.HasPrefix(k.Command, "set_") && k.Command != setRuntimeConfig {
			calls = append(calls, k)
		}
	}
	resp, err := e.run(m, m.Class.Command(getRuntimeConfig), nil)
	if err == nil {
		var arg *anypb.Any
		if arg, err = anypb.New(resp); err == nil {
			// Last: what it says is what counts.
			return append(calls, Call{setRuntimeConfig, arg}), false
		}
	}
	e.log.Error("the configuration of a module cannot be kept", "module", m.Name, "error", err)
	return nil, true
}

// RestoreCalls makes a module what the given commands, and no others, make of
// a new instance. Nothing happens if that is what it is. Errors are those of
// the commands, and ENOENT.
func (tx *Tx) RestoreCalls(name string, calls []Call) error {
	e := tx.e
	m, err := e.lookup(name)
	if err != nil {
		return err
	}
	have, lost := e.callsOf(m)
	if !lost && slices.EqualFunc(have, calls, sameCall) {
		return nil
	}
	if !e.undo.made[m] {
		// The running instance stays as it is, for the way back.
		if err := e.rebuild(m, m.Arg); err != nil {
			return err
		}
		m = e.graph.Module(name)
	}
	for _, k := range calls {
		c := m.Class.Command(k.Command)
		if c == nil {
			return errno.Errorf(errno.ENOTSUP, "%s %s does not support command %q", m.Class.Name, name, k.Command)
		}
		if _, err := e.run(m, c, k.Arg); err != nil {
			return err
		}
		e.noteCall(m, k.Command, k.Arg)
	}
	return nil
}

func sameCall(a, b Call) bool { return a.Command == b.Command && proto.Equal(a.Arg, b.Arg) }

// repeat gives m the commands again whose effect ended with a change which is
// undone.
func (e *Engine) repeat(m *graph.Module, calls []Call) {
	for _, k := range calls {
		if tellsConfig(m.Class) && !strings.HasPrefix(k.Command, "set_") {
			continue // not remembered
		}
		if _, err := e.run(m, m.Class.Command(k.Command), k.Arg); err != nil {
			e.log.Error("a module could not be made what it was", "module", m.Name, "command", k.Command, "error", err)
		}
	}
}
