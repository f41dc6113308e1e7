// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Task is a task of a module: what a leaf of the traffic-class tree runs. It
// outlives its module when another instance takes the module's place.
type Task struct {
	// Module and ID say which task it is; they belong to the control side.
	Module *Module
	ID     int
	handle *module.Task

	// The worker that runs the task owns the rest. It is set on that
	// worker's thread, at a batch boundary.
	entry   entry
	ctx     *module.Context
	onFault func(*Task, *module.Fault)
}

// entry is where a snapshot begins for one task.
type entry struct {
	node   *module.Node
	runner module.Runner
	waiter module.FDWaiter // nil if the module has no descriptors
	id     int
}

func newTask(m *Module, id int, h *module.Task) *Task {
	return &Task{Module: m, ID: id, handle: h}
}

// Rebind makes t the task of the same index of m, which takes the place of
// t's module, and returns the way back. Workers follow with the next Program.
func (t *Task) Rebind(m *Module) (undo func()) {
	old, handle := t.Module, t.handle
	fresh := m.Tasks[t.ID]
	t.Module, t.handle = m, fresh.handle
	t.handle.SetWaker(handle.Waker())
	m.Tasks[t.ID] = t
	return func() { t.Module, t.handle = old, handle }
}

// Enter puts the task under a worker's context; nil ctx takes it away again.
// Must run on the worker's thread at a batch boundary, or while the worker
// is stopped.
func (t *Task) Enter(ctx *module.Context, w *module.Waker, onFault func(*Task, *module.Fault)) {
	t.ctx, t.onFault = ctx, onFault
	t.handle.SetWaker(w)
	if ctx == nil {
		t.entry = entry{}
	}
}

// Label names the task in messages, "module:id". Only for the worker's thread:
// the control side may be giving the task another module meanwhile.
func (t *Task) Label() string { return fmt.Sprintf("%s:%d", t.entry.node.Name, t.entry.id) }

// WaitFD returns the descriptor that ends the task's idleness, -1 if none.
func (t *Task) WaitFD() int {
	if t.entry.waiter == nil {
		return -1
	}
	return t.entry.waiter.WaitFD(t.entry.id)
}

// RunIn runs the task once in a context into which a Program with it was
// installed, without a worker: for tests.
func (t *Task) RunIn(ctx *module.Context, now uint64) (module.Result, *module.Fault) {
	return ctx.RunTask(t.entry.node, t.entry.runner, t.entry.id, now)
}

// Run runs the task once, to completion. now is in cycles.
func (t *Task) Run(now uint64) sched.Result {
	e := &t.entry
	if e.node == nil || e.runner == nil {
		return sched.Result{Blocked: true}
	}
	res, fault := t.ctx.RunTask(e.node, e.runner, e.id, now)
	if fault != nil && t.onFault != nil {
		t.onFault(t, fault)
	}
	r := sched.Result{Packets: res.Packets, Bits: res.Bits, Blocked: res.Blocked}
	if res.Retry != 0 {
		r.Retry = sys.CyclesOfNS(res.Retry, t.ctx.Hz)
	}
	return r
}
