// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package workersplit is the module class WorkerSplit: the output gate depends
// on the worker (spec: modules/classify.md).
package workersplit

import (
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "WorkerSplit",
	Prefix:     "ws",
	Help:       "sends packets to a gate that depends on the worker",
	IGates:     1,
	OGates:     module.MaxWorkers,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*WorkerSplitArg)(nil),
	Counters: []module.CounterDoc{
		countUnmapped: {Name: "unmapped", Unit: "packets", Help: "dropped: the worker has no gate"},
	},
	Commands: []module.Command{
		module.Do("reset", module.Quiesced, "replaces the whole map", (*WorkerSplit).reset),
	},
	New: module.New(create),
}

// countUnmapped is the index of the class's counter.
const countUnmapped = 0

// unmapped is the gate of workers that have none.
const unmapped = -1

// gates are the gates of all workers. Immutable.
type gates [module.MaxWorkers]int8

// parse checks an argument.
func parse(arg *WorkerSplitArg) (*gates, error) {
	g := &gates{}
	for w := range g {
		if g[w] = unmapped; len(arg.GetWorkerGates()) == 0 {
			g[w] = int8(w)
		}
	}
	for w, gate := range arg.GetWorkerGates() {
		if w >= module.MaxWorkers {
			return nil, module.Invalid("worker_gates", w, "worker must be 0..%d", module.MaxWorkers-1)
		}
		if gate >= module.MaxWorkers {
			return nil, module.Invalid("worker_gates", gate, "gate of worker %d must be 0..%d", w, module.MaxWorkers-1)
		}
		g[w] = int8(gate)
	}
	return g, nil
}

// WorkerSplit is an instance.
type WorkerSplit struct{ gates atomic.Pointer[gates] }

func create(_ *module.Env, arg *WorkerSplitArg) (*WorkerSplit, error) {
	g, err := parse(arg)
	if err != nil {
		return nil, err
	}
	m := &WorkerSplit{}
	m.gates.Store(g)
	return m, nil
}

// Process sends the batch to the worker's gate.
func (m *WorkerSplit) Process(ctx *module.Context, b *packet.Batch) {
	g := m.GateForWorker(ctx.Worker)
	if g == unmapped {
		ctx.Count(countUnmapped, uint64(b.Len()))
		ctx.DropBatch(b)
		return
	}
	ctx.EmitBatch(b, g)
}

// GateForWorker returns the gate of a worker, -1 for none: modules behind
// other gates are not reached by it.
func (m *WorkerSplit) GateForWorker(wid int) int {
	return int(m.gates.Load()[wid&(module.MaxWorkers-1)])
}

// reset replaces the map. Workers wait meanwhile and go on with a graph in
// which their gates are connected. For the same reason there is no Update: a
// new argument makes a new instance, in the same snapshot of the graph.
func (m *WorkerSplit) reset(arg *WorkerSplitArg) error {
	g, err := parse(arg)
	if err == nil {
		m.gates.Store(g)
	}
	return err
}
