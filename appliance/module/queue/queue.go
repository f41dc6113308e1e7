// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package queue is the module class Queue (spec: modules/stateful.md).
package queue

import (
	"math"
	"strconv"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes Queue.
var Class = &module.Class{
	Name:         "Queue",
	Prefix:       "queue",
	Help:         "stores packets until its own task sends them on",
	IGates:       1,
	OGates:       1,
	Task:         true,
	MaxWorkers:   module.MaxWorkers,
	StopsWorkers: true,
	Holds:        true,
	Arg:          (*QueueArg)(nil),
	Counters: []module.CounterDoc{
		countDropped: {Name: "dropped", Unit: "packets", Help: "found the queue full"},
		countCut:     {Name: "cut", Unit: "packets", Help: "in the queue, but no room for them when it was made smaller"},
	},
	Commands: []module.Command{
		module.Do("set_burst", module.Concurrent, "sets how many packets a run of the task takes; 0 stops it", (*Queue).setBurst),
		module.Do("set_size", module.Concurrent, "sets the number of slots; the oldest packets stay", (*Queue).setSize),
		module.Ask("get_status", module.Concurrent, "fill level and counters", (*Queue).getStatus),
		module.Ask("get_initial_arg", module.Concurrent, "the argument as given", (*Queue).getInitialArg),
		module.Ask("get_runtime_config", module.Concurrent, "the present size and settings", (*Queue).getRuntimeConfig),
		module.Do("set_runtime_config", module.Concurrent, "sets size (0 keeps it) and settings", (*Queue).setRuntimeConfig),
	},
	New: module.New(create),
}

// Indices of the class's counters.
const (
	countDropped = iota
	countCut
)

const (
	minSize     = 4
	maxSize     = 16384
	defaultSize = 1024
)

// checkSize validates a number of slots.
func checkSize(n uint64) error {
	if n < minSize || n > maxSize {
		return module.Invalid("size", n, "must be in [%d, %d]", minSize, maxSize)
	}
	if n&(n-1) != 0 {
		return module.Invalid("size", n, "must be a power of 2")
	}
	return nil
}

// Queue is an instance. Any number of workers may call Process at the same
// time, one may run the task.
type Queue struct {
	in    atomic.Pointer[packet.Ring] // where packets enter
	marks atomic.Pointer[marks]
	burst atomic.Int32 // packets, 0..packet.BatchSize
	// over says that the tasks upstream are to hold back.
	over atomic.Bool
	task *module.Task

	// Owned by the commands.
	arg    *QueueArg // as given
	config *QueueArg // as it is now, size filled in
	pool   *packet.Pool

	_       [64]byte
	dropped atomic.Uint64 // by all producers
	_       [64]byte
	cut     atomic.Uint64 // by the consumer
	_       [64]byte
}

// marks are the fill levels that end and begin the flow. Immutable.
type marks struct {
	high uint64 // hold back above; never reached without backpressure
	low  uint64 // go on below
}

// newMarks returns the levels for a size, 90 % and 15 % with backpressure.
func newMarks(size uint64, backpressure bool) *marks {
	if !backpressure {
		return &marks{high: math.MaxUint64, low: math.MaxUint64}
	}
	return &marks{high: size * 90 / 100, low: size * 15 / 100}
}

func create(env *module.Env, arg *QueueArg) (*Queue, error) {
	q := &Queue{pool: env.Pool()}
	if err := q.configure(arg, defaultSize); err != nil {
		return nil, err
	}
	q.keepArg(arg)
	q.burst.Store(packet.BatchSize)
	q.task = env.AddTask()
	return q, nil
}

// Process stores what fits and frees the rest.
func (q *Queue) Process(ctx *module.Context, b *packet.Batch) {
	ps := b.Packets()
	n, used := q.in.Load().Put(ps)
	for n < 0 {
		// The ring was replaced a moment ago; the new one is there already.
		n, used = q.in.Load().Put(ps)
	}
	if n < len(ps) {
		lost := uint64(len(ps) - n)
		q.dropped.Add(lost)
		ctx.Count(countDropped, lost)
		ctx.Cache.FreeAll(ps[n:])
	}
	b.Clear()
	if used > q.marks.Load().high && !q.over.Load() {
		q.over.Store(true)
	}
	if n > 0 {
		q.task.Wake()
	}
}

// RunTask sends up to a burst of packets to gate 0.
func (q *Queue) RunTask(ctx *module.Context, _ int) module.Result {
	if ctx.Overloaded() {
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	b := ctx.Batch()
	n := q.take(ctx, b.Slots()[:q.burst.Load()])
	b.SetLen(n)
	q.Overloaded()
	if n == 0 {
		return module.Result{Blocked: true}
	}
	bytes := b.Bytes()
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: packet.Bits(n, bytes)}
}

// take fills dst from the oldest ring that has packets.
func (q *Queue) take(ctx *module.Context, dst []packet.Packet) int {
	if len(dst) == 0 {
		return 0
	}
	for {
		r, after := q.oldest()
		n, cut := r.Take(dst)
		if cut > 0 {
			n -= cut
			q.cut.Add(uint64(cut))
			ctx.Count(countCut, uint64(cut))
			ctx.Cache.FreeAll(dst[n : n+cut])
		}
		switch {
		case n > 0:
			return n
		case cut > 0:
			// There may be more, and newer ones behind them.
		case after != nil && r.Drained():
			after.Prev.Store(nil)
		default:
			return 0
		}
	}
}

// oldest returns the ring to be emptied first and the one after it, if any.
func (q *Queue) oldest() (r, after *packet.Ring) {
	r = q.in.Load()
	for p := r.Prev.Load(); p != nil; p = r.Prev.Load() {
		r, after = p, r
	}
	return r, after
}

// Overloaded reports whether the tasks upstream are to hold back: from the
// moment the fill level exceeds the high mark until it is below the low one.
func (q *Queue) Overloaded() bool {
	if !q.over.Load() {
		return false
	}
	if q.in.Load().Used() < q.marks.Load().low {
		q.over.Store(false)
		return false
	}
	return true
}

// Placement wants somebody to fill the queue and one task to empty it (spec:
// api.md section 7).
func (q *Queue) Placement(feeders, own int) (violation, fatal bool) {
	return feeders == 0, own > 1
}

// Desc returns "packets/slots".
func (q *Queue) Desc() string {
	return strconv.FormatUint(q.in.Load().Level(), 10) + "/" + strconv.FormatUint(q.config.GetSize(), 10)
}

// Close frees what is left.
func (q *Queue) Close() {
	cache := q.pool.NewCache()
	defer cache.Close()
	var left [packet.BatchSize]packet.Packet
	for r := q.in.Load(); r != nil; r = r.Prev.Load() {
		for n, _ := r.Take(left[:]); n > 0; n, _ = r.Take(left[:]) {
			cache.FreeAll(left[:n])
		}
	}
}
