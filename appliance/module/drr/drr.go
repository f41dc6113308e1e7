// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package drr is the module class DRR: a queue for each flow, served by
// deficit round robin (spec: modules/stateful.md; Shreedhar and Varghese,
// SIGCOMM 1995).
package drr

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:         "DRR",
	Prefix:       "DRR",
	Help:         "queues flows apart and lets them share the way out fairly",
	IGates:       1,
	OGates:       1,
	Task:         true,
	MaxWorkers:   module.MaxWorkers,
	StopsWorkers: true,
	Holds:        true,
	Arg:          (*DRRArg)(nil),
	Counters: []module.CounterDoc{
		countQueueFull: {Name: "queue_full", Unit: "packets", Help: "dropped: their flow has as many packets waiting as it may"},
		countFlows:     {Name: "too_many_flows", Unit: "packets", Help: "dropped: they would have begun a flow too many"},
	},
	Commands: []module.Command{
		module.Do("set_quantum_size", module.Concurrent, "sets how many bytes more a flow may send in each round", (*DRR).setQuantum),
		module.Do("set_max_flow_queue_size", module.Concurrent, "sets how many packets of a flow may wait; packets that wait already stay", (*DRR).setMaxQueue),
		module.Ask("get_status", module.Concurrent, "flows and packets waiting, and totals", (*DRR).getStatus),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countQueueFull = iota
	countFlows
)

const (
	defaultFlows   = 4095
	defaultQuantum = 1500
	defaultQueue   = 8192
)

// settings are what an argument asks for.
type settings struct{ flows, quantum, queue uint32 }

// validate checks an argument and fills in what is left out.
func validate(arg *DRRArg) (s settings, err error) {
	s = settings{defaultFlows, defaultQuantum, defaultQueue}
	if n := arg.GetNumFlows(); n > maxFlows {
		return s, module.Invalid("num_flows", n, "must be at most %d", maxFlows)
	} else if n > 0 {
		// The next power of two less one is what there is room for.
		for s.flows = 1; s.flows < n; {
			s.flows = 2*s.flows + 1
		}
	}
	if q := arg.GetQuantum(); q > 1<<32-1 {
		return s, module.Invalid("quantum", q, "quantum size must be at least 1 byte, and at most %d", uint32(1<<32-1))
	} else if q > 0 {
		s.quantum = uint32(q)
	}
	if n := arg.GetMaxFlowQueueSize(); n > 0 {
		s.queue = n
	}
	return s, nil
}

// DRR is an instance. Any number of workers may call Process, one runs the
// task; they take turns at the scheduler, a batch at a time.
type DRR struct {
	task                  *module.Task
	pool                  *packet.Pool
	flows, quantum, queue atomic.Uint32

	lock  sys.SpinLock
	sched *scheduler
}

func create(env *module.Env, arg *DRRArg) (*DRR, error) {
	s, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &DRR{pool: env.Pool()}
	if m.sched, err = newScheduler(m.pool.Capacity()); err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "queues: %w", err)
	}
	m.set(s)
	m.task = env.AddTask()
	return m, nil
}

func (m *DRR) set(s settings) {
	m.flows.Store(s.flows)
	m.quantum.Store(s.quantum)
	m.queue.Store(s.queue)
}

// Process queues packets by flow and frees those that find no room.
func (m *DRR) Process(ctx *module.Context, b *packet.Batch) {
	var flows [packet.BatchSize]flowKey
	for i, p := range b.Packets() {
		flows[i] = keyOf(p)
	}
	lim := limits{flows: m.flows.Load(), queue: m.queue.Load()}
	slots := b.Slots()
	lost, full := 0, uint64(0)
	n := b.Len()
	m.lock.Lock()
	for i, p := range b.Packets() {
		v := m.sched.put(p, &flows[i], lim)
		if v == queued {
			continue
		}
		if v == queueFull {
			full++
		}
		slots[lost] = p
		lost++
	}
	m.lock.Unlock()
	if lost < n {
		m.task.Wake()
	}
	if lost > 0 {
		ctx.Count(countQueueFull, full)
		ctx.Count(countFlows, uint64(lost)-full)
	}
	b.SetLen(lost)
	ctx.FreeBatch(b)
}

// RunTask sends a batch of what is due to gate 0. It is blocked if nothing
// waits. A run may send nothing although packets wait: deficits have grown.
func (m *DRR) RunTask(ctx *module.Context, _ int) module.Result {
	if ctx.Overloaded() {
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	b := ctx.Batch()
	m.lock.Lock()
	waiting := m.sched.take(b, uint64(m.quantum.Load()))
	m.lock.Unlock()
	n := b.Len()
	if n == 0 {
		return module.Result{Blocked: !waiting}
	}
	bytes := b.Bytes()
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: packet.Bits(n, bytes)}
}

// Placement wants somebody to bring packets and one worker to run the task.
func (m *DRR) Placement(feeders, own int) (violation, fatal bool) { return feeders == 0, own > 1 }

// Update takes a new argument in place; packets that wait stay.
func (m *DRR) Update(arg proto.Message) error {
	s, err := validate(arg.(*DRRArg))
	if err != nil {
		return err
	}
	m.set(s)
	return nil
}

func (m *DRR) setQuantum(arg *DRRQuantumArg) error {
	if arg.GetQuantum() == 0 {
		return module.Invalid("quantum", 0, "quantum size must be at least 1")
	}
	m.quantum.Store(arg.GetQuantum())
	return nil
}

func (m *DRR) setMaxQueue(arg *DRRMaxFlowQueueSizeArg) error {
	if arg.GetMaxQueueSize() == 0 {
		return module.Invalid("max_queue_size", 0, "max queue size must be at least 1")
	}
	m.queue.Store(arg.GetMaxQueueSize())
	return nil
}

func (m *DRR) getStatus(*api.EmptyArg) (*Status, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	s := m.sched
	return &Status{Flows: s.active, Packets: s.enqueued - s.dequeued,
		Enqueued: s.enqueued, Dequeued: s.dequeued, Dropped: s.dropped}, nil
}

// Close frees what waits.
func (m *DRR) Close() {
	cache := m.pool.NewCache()
	defer cache.Close()
	var b packet.Batch
	for m.sched.take(&b, 1<<32) || b.Len() > 0 {
		cache.FreeBatch(&b)
	}
	m.sched.close()
}
