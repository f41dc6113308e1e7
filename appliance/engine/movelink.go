// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// MoveLink leads a connected output gate to another input gate. Hooks of the
// output gate stay with what they have counted, and no packet sees the gate
// unconnected. Errors: ENOENT for an unknown module or a gate that is not
// connected, EINVAL for a gate the class does not have; the old link stays
// then.
func (e *Engine) MoveLink(m1 string, ogate uint64, m2 string, igate uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.moveLink(m1, ogate, m2, igate); err != nil {
		return err
	}
	e.publish()
	return nil
}

// MoveLink leads a connected output gate to another input gate.
func (tx *Tx) MoveLink(from string, ogate uint64, to string, igate uint64) error {
	return tx.e.moveLink(from, ogate, to, igate)
}

func (e *Engine) moveLink(m1 string, ogate uint64, m2 string, igate uint64) error {
	a, err := e.module(m1)
	if err != nil {
		return err
	}
	b, err := e.module(m2)
	if err != nil {
		return err
	}
	if !gateExists(ogate, a.Class.OGates) {
		return errno.Errorf(errno.EINVAL, "Link %s:%d cannot be moved: class %s has %s", m1, ogate, a.Class.Name, gateRange("output", a.Class.OGates))
	}
	if !gateExists(igate, b.Class.IGates) {
		return errno.Errorf(errno.EINVAL, "Link %s:%d cannot be moved to %d:%s: class %s has %s",
			m1, ogate, igate, m2, b.Class.Name, gateRange("input", b.Class.IGates))
	}
	o := a.Out(int(ogate))
	switch {
	case o == nil:
		return errno.Errorf(errno.ENOENT, "Link %s:%d cannot be moved: the gate is not connected", m1, ogate)
	case o.To.Module == b && o.To.Index == int(igate):
		return nil
	}
	pos := slices.Index(o.To.From, o)
	// If the old input gate has lost its last feeder, its hooks go with it.
	gone := e.graph.Disconnect(o)[len(o.Hooks):]
	e.dropHooks(gone)
	n := e.graph.Connect(a, o.Index, b, int(igate))
	n.Hooks = o.Hooks
	e.undo.add(func() {
		e.keepHooks(gone)
		e.graph.Disconnect(n)
		e.graph.Reconnect(o, pos)
	})
	e.changed()
	return nil
}
