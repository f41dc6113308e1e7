// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Connect links output gate ogate of m1 to input gate igate of m2; unless
// plain, the output gate gets the usual Track hook. Errors: ENOENT for an
// unknown module, EINVAL for a gate the class does not have, EBUSY for an
// output gate in use.
func (e *Engine) Connect(m1 string, ogate uint64, m2 string, igate uint64, plain bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.connect(m1, ogate, m2, igate, plain); err != nil {
		return err
	}
	if e.runs(e.graph.Module(m1)) || e.runs(e.graph.Module(m2)) {
		e.settle() // the original pauses the workers then
	} else {
		e.publish()
	}
	return nil
}

func (e *Engine) connect(m1 string, ogate uint64, m2 string, igate uint64, plain bool) error {
	a, err := e.lookup(m1)
	if err != nil {
		return err
	}
	b, err := e.lookup(m2)
	if err != nil {
		return err
	}
	fail := func(code int, format string, args ...any) error {
		reason := errno.Errorf(code, format, args...)
		return errno.Errorf(code, "Connection %s:%d->%d:%s failed: %w", m1, ogate, igate, m2, reason)
	}
	if !gateExists(ogate, a.Class.OGates) {
		return fail(errno.EINVAL, "class %s has %s", a.Class.Name, gateRange("output", a.Class.OGates))
	}
	if !gateExists(igate, b.Class.IGates) {
		return fail(errno.EINVAL, "class %s has %s", b.Class.Name, gateRange("input", b.Class.IGates))
	}
	if o := a.Out(int(ogate)); o != nil {
		return fail(errno.EBUSY, "output gate is connected to %d:%s", o.To.Index, o.To.Module.Name)
	}
	o := e.graph.Connect(a, int(ogate), b, int(igate))
	if !plain {
		e.addDefaultHook(o)
	}
	e.undo.add(func() { e.dropHooks(e.graph.Disconnect(o)) })
	e.changed()
	return nil
}

func gateExists(gate uint64, limit int) bool {
	return gate < uint64(limit) && gate < module.MaxGates
}

func gateRange(kind string, limit int) string {
	if limit == 0 {
		return "no " + kind + " gate"
	}
	return kind + " gates 0.." + itoa(limit-1)
}

// Disconnect cuts the link of an output gate; a gate that is not connected
// is no error. Errors: EINVAL for an empty name or a gate the class does not
// have, ENOENT for an unknown module.
func (e *Engine) Disconnect(name string, ogate uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.disconnect(name, ogate); err != nil {
		return err
	}
	e.settle()
	return nil
}

func (e *Engine) disconnect(name string, ogate uint64) error {
	if name == "" {
		return errno.Errorf(errno.EINVAL, "Missing 'name' field")
	}
	m, err := e.lookup(name)
	if err != nil {
		return err
	}
	if !gateExists(ogate, m.Class.OGates) {
		return errno.Errorf(errno.EINVAL, "Disconnection %s:%d failed: class %s has %s",
			name, ogate, m.Class.Name, gateRange("output", m.Class.OGates))
	}
	if o := m.Out(int(ogate)); o != nil {
		e.undo.add(e.cut(o))
		e.changed()
	}
	return nil
}

// cut removes a link and returns the way back. Hooks that lose their gate are
// closed once no worker runs them.
func (e *Engine) cut(o *graph.OGate) (undo func()) {
	pos := slices.Index(o.To.From, o)
	gone := e.graph.Disconnect(o)
	e.dropHooks(gone)
	return func() {
		e.keepHooks(gone)
		e.graph.Reconnect(o, pos)
	}
}

// dropHooks closes hooks whose gates are gone, after the next publication.
func (e *Engine) dropHooks(hs []*graph.Hook) { e.oldHooks = append(e.oldHooks, hs...) }

// keepHooks takes back what dropHooks did, whatever was dropped since.
func (e *Engine) keepHooks(hs []*graph.Hook) {
	e.oldHooks = slices.DeleteFunc(e.oldHooks, func(h *graph.Hook) bool { return slices.Contains(hs, h) })
}
