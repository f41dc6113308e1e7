// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Classes returns the names of the module classes in byte order.
func (e *Engine) Classes() []string { return sortedKeys(e.classes) }

// Class returns a module class. Errors: EINVAL for an empty name, ENOENT.
func (e *Engine) Class(name string) (*module.Class, error) {
	if name == "" {
		return nil, errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	c := e.classes[name]
	if c == nil {
		return nil, errno.Errorf(errno.ENOENT, "No mclass '%s' found%s", name, e.suggestClass(name))
	}
	return c, nil
}

// host gives constructors access to the engine. Used under the engine's lock.
type host struct{ e *Engine }

func (h host) DeclareAttr(declared []module.Attr, a module.Attr) ([]module.Attr, error) {
	return h.e.attrs.Declare(declared, a)
}
func (h host) ReleaseAttrs(declared []module.Attr) { h.e.attrs.Release(declared) }
func (h host) Port(name string) (*port.Port, bool) { p, ok := h.e.ports[name]; return p, ok }
func (h host) Pool() *packet.Pool                  { return h.e.pool }

// CreateModule creates an instance and returns its name. Errors: EINVAL for a
// missing class, a bad name or argument, ENOENT for an unknown class, EEXIST,
// and what the class's constructor answers.
func (e *Engine) CreateModule(name, class string, arg *anypb.Any) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.createModule(name, class, arg)
	if err != nil {
		return "", err
	}
	e.publish()
	return m.Name, nil
}

func (e *Engine) createModule(name, class string, arg *anypb.Any) (*graph.Module, error) {
	if class == "" {
		return nil, errno.Errorf(errno.EINVAL, "Missing 'mclass' field")
	}
	c := e.classes[class]
	if c == nil {
		return nil, errno.Errorf(errno.ENOENT, "No mclass '%s' found%s", class, e.suggestClass(class))
	}
	if name == "" {
		name = freeName(c.Prefix, func(n string) bool { return e.graph.Module(n) != nil })
	} else if err := checkName("module", name); err != nil {
		return nil, err
	} else if e.graph.Module(name) != nil {
		return nil, errno.Errorf(errno.EEXIST, "Module %s exists", name)
	}
	m, err := e.construct(c, name, arg)
	if err != nil {
		return nil, err
	}
	e.insertModule(m)
	e.undo.created(m)
	// Closed later only: DestroyPort may have shown it to the workers.
	e.undo.add(func() { e.removeModule(m); e.retired = append(e.retired, m) })
	e.changed()
	return m, nil
}

// construct decodes the argument and builds an instance that is not in the
// graph yet.
func (e *Engine) construct(c *module.Class, name string, arg *anypb.Any) (*graph.Module, error) {
	msg, err := decodeArg(c.Name+" "+name, c.Name, c.Arg, arg)
	if err != nil {
		return nil, err
	}
	env := module.NewEnv(name, e.log.With("module", name, "class", c.Name), host{e})
	impl, err := c.New(env, msg)
	if err != nil {
		env.Release()
		return nil, errno.Wrap(err, "%s %s", c.Name, name)
	}
	return graph.NewModule(c, impl, env, cloneAny(arg)), nil
}

// insertModule puts m into the graph and its tasks among the orphans.
func (e *Engine) insertModule(m *graph.Module) {
	e.graph.Add(m)
	for _, t := range m.Tasks {
		e.tcs.addLeaf(t)
	}
}

// DestroyModule removes an instance with its links, hooks and tasks.
func (e *Engine) DestroyModule(name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.module(name)
	if err != nil {
		return err
	}
	e.destroyModule(m)
	e.settle()
	return nil
}

func (e *Engine) destroyModule(m *graph.Module) {
	undo := e.removeModule(m)
	e.retired = append(e.retired, m)
	e.undo.add(func() {
		e.unretire(m)
		undo()
	})
	e.changed()
}

// removeModule takes m out of the graph and returns the way back.
func (e *Engine) removeModule(m *graph.Module) (undo func()) {
	var steps []func()
	for _, in := range m.Ins() {
		for len(in.From) > 0 {
			steps = append(steps, e.cut(in.From[0]))
		}
	}
	for _, o := range m.Outs() {
		steps = append(steps, e.cut(o))
	}
	for _, t := range m.Tasks {
		steps = append(steps, e.tcs.removeLeaf(e, t))
	}
	e.graph.Remove(m)
	m.Env.Release()
	return func() {
		e.graph.Add(m)
		if err := m.Env.Reclaim(); err != nil {
			e.log.Error("undo", "module", m.Name, "error", err)
		}
		for i := len(steps) - 1; i >= 0; i-- {
			steps[i]()
		}
	}
}

// unretire takes m off the list of modules to be closed.
func (e *Engine) unretire(m *graph.Module) {
	e.retired = slices.DeleteFunc(e.retired, func(r *graph.Module) bool { return r == m })
}

// ResetModules destroys all modules.
func (e *Engine) ResetModules() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resetModules()
	e.settle()
}

func (e *Engine) resetModules() {
	for _, m := range e.graph.Modules() {
		e.destroyModule(m)
	}
	e.publish()
}

// module finds a module. Errors: EINVAL for an empty name, ENOENT.
func (e *Engine) module(name string) (*graph.Module, error) {
	if name == "" {
		return nil, errno.Errorf(errno.EINVAL, "Argument must be a name in str")
	}
	return e.lookup(name)
}

func (e *Engine) lookup(name string) (*graph.Module, error) {
	m := e.graph.Module(name)
	if m == nil {
		return nil, errno.Errorf(errno.ENOENT, "No module '%s' found", name)
	}
	return m, nil
}

// ModuleEntry is a line of ListModules.
type ModuleEntry struct{ Name, Class, Desc string }

// ListModules returns all modules by name.
func (e *Engine) ListModules() []ModuleEntry {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []ModuleEntry{}
	for _, m := range e.graph.Modules() {
		list = append(list, ModuleEntry{m.Name, m.Class.Name, m.Desc()})
	}
	return list
}

// Command runs a command of a module. Errors: EINVAL for an empty name or a
// bad argument, ENOENT for an unknown module, ENOTSUP for an unknown command,
// EBUSY for an exclusive command while workers run the module, and what the
// command answers.
func (e *Engine) Command(name, cmd string, arg *anypb.Any) (proto.Message, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name == "" {
		return nil, errno.Errorf(errno.EINVAL, "Missing module name field 'name'")
	}
	m, err := e.lookup(name)
	if err != nil {
		return nil, err
	}
	return e.command(m, cmd, arg)
}

// initialArg is the command every module answers.
const initialArg = "get_initial_arg"

func (e *Engine) command(m *graph.Module, cmd string, arg *anypb.Any) (proto.Message, error) {
	c := m.Class.Command(cmd)
	if c == nil {
		if cmd == initialArg {
			return e.initialArg(m), nil
		}
		return nil, errno.Errorf(errno.ENOTSUP, "'%s' does not support command '%s'", m.Class.Name, cmd)
	}
	if c.Rule == module.Exclusive && e.isRunning(m) {
		return nil, errno.Errorf(errno.EBUSY, "There is a running worker and command '%s' is not MT safe", cmd)
	}
	resp, err := e.run(m, c, arg)
	if err == nil && c.Resp == nil {
		e.noteCall(m, cmd, arg)
		e.changed()
	}
	return resp, err
}

// run gives a command to m, whatever workers do with it.
func (e *Engine) run(m *graph.Module, c *module.Command, arg *anypb.Any) (proto.Message, error) {
	what := m.Class.Name + " " + m.Name + ": " + c.Name
	msg, err := decodeArg(what, m.Class.Name, c.Arg, arg)
	if err != nil {
		return nil, err
	}
	var resp proto.Message
	run := func() { resp, err = c.Run(m.Impl, msg) }
	if c.Rule == module.Quiesced {
		workers := slices.Clone(m.Workers)
		e.quiesce(workers, func() {
			if run(); err == nil {
				e.reroute(m, workers)
			}
		})
		e.publish()
	} else {
		run()
	}
	if err != nil {
		return nil, errno.Wrap(err, "%s", what)
	}
	return resp, nil
}

// initialArg returns what get_initial_arg answers.
func (e *Engine) initialArg(m *graph.Module) proto.Message {
	if r, ok := m.Impl.(module.InitialArger); ok {
		return r.InitialArg()
	}
	if m.Arg == nil {
		return &anypb.Any{}
	}
	return m.Arg
}

// isRunning reports whether a worker that is not paused can reach m.
func (e *Engine) isRunning(m *graph.Module) bool {
	e.propagate()
	return e.runs(m)
}

// runs is isRunning as of the last publication.
func (e *Engine) runs(m *graph.Module) bool {
	for _, wid := range m.Workers {
		if w := e.workers[wid]; w != nil && w.Running() {
			return true
		}
	}
	return false
}

// How tells what UpdateModule did.
type How int

const (
	// Unchanged means that the argument was the one in use.
	Unchanged How = iota
	// InPlace means that the running instance took the new argument.
	InPlace
	// Rebuilt means that a new instance took the old one's place, links,
	// hooks and tasks; its state began anew.
	Rebuilt
)

// String returns how an update was done, for people.
func (h How) String() string {
	return [...]string{"unchanged", "updated in place", "rebuilt with links kept"}[h]
}

// UpdateModule gives an existing module a new argument, in place if the class
// can, else by an instance that takes its place in the same snapshot. The
// links must fit. Nothing has changed if it fails.
func (e *Engine) UpdateModule(name string, arg *anypb.Any) (How, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.module(name)
	if err != nil {
		return 0, err
	}
	how, err := e.updateModule(m, arg)
	if err != nil {
		return 0, err
	}
	e.publish()
	return how, nil
}

func (e *Engine) updateModule(m *graph.Module, arg *anypb.Any) (How, error) {
	what := m.Class.Name + " " + m.Name
	msg, err := decodeArg(what, m.Class.Name, m.Class.Arg, arg)
	if err != nil {
		return 0, err
	}
	if u, ok := m.Impl.(module.Updater); ok {
		err := u.Update(msg)
		if err == nil {
			e.keepArg(m, arg)
			e.changed()
			return InPlace, nil
		}
		if !errors.Is(err, module.ErrRebuild) {
			return 0, errno.Wrap(err, "%s", what)
		}
	}
	return Rebuilt, e.rebuild(m, arg)
}

// keepArg remembers the new argument of an instance that took it in place,
// and how to give it the old one again.
func (e *Engine) keepArg(m *graph.Module, arg *anypb.Any) {
	old, calls := m.Arg, e.calls[m]
	m.Arg = cloneAny(arg)
	kept, ended := calls.split(m.Impl)
	e.keepCalls(m, kept)
	e.undo.add(func() {
		m.Arg = old
		if msg, err := decodeArg(m.Name, m.Class.Name, m.Class.Arg, old); err == nil {
			_ = m.Impl.(module.Updater).Update(msg)
		}
		e.repeat(m, ended)
		e.keepCalls(m, calls)
	})
}
