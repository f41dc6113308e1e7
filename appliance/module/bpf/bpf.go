// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package bpf is the module class BPF: filter expressions that select gates
// (spec: modules/classify.md).
package bpf

import (
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/table/filter"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "BPF",
	Prefix:     "bpf",
	Help:       "sends packets to gates by filters as tcpdump takes them",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*BPFArg)(nil),
	Counters: []module.CounterDoc{
		countMatched: {Name: "matched", Unit: "packets", Help: "sent to the gate of a filter"},
		countOther:   {Name: "unmatched", Unit: "packets", Help: "sent to gate 0: no filter matches"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "adds filters, all or none", (*BPF).add),
		module.Do("delete", module.Concurrent, "removes filters equal in priority, expression and gate", (*BPF).delete),
		module.Do("clear", module.Concurrent, "removes all filters; everything then leaves on gate 0", (*BPF).clear),
		module.Ask("get_initial_arg", module.Concurrent, "the present filters in the order they are tried", (*BPF).getInitialArg),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countMatched = iota
	countOther
)

// maxFilters bounds the time that a packet can take.
const maxFilters = 4096

// entry is a compiled filter. Immutable.
type entry struct {
	priority int32
	gate     uint16
	text     string
	program  *filter.Program
}

// BPF is an instance.
type BPF struct {
	list    atomic.Pointer[[]entry] // in the order they are tried; the slice is immutable
	workers [module.MaxWorkers]atomic.Pointer[worker]
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	gates [packet.BatchSize]uint16
	away  packet.Batch
}

// compile checks and compiles the filters of an argument.
func compile(arg *BPFArg) ([]entry, error) {
	list := make([]entry, len(arg.GetFilters()))
	for i, f := range arg.GetFilters() {
		if err := checkGate(i, f); err != nil {
			return nil, err
		}
		p, err := filter.Compile(f.GetFilter())
		if err != nil {
			return nil, errno.Errorf(errno.EINVAL, "filters[%d].filter: BPF compilation error: %w", i, err)
		}
		list[i] = entry{int32(f.GetPriority()), uint16(f.GetGate()), f.GetFilter(), p}
	}
	return list, nil
}

// checkGate refuses 8192, too: a filter cannot drop.
func checkGate(i int, f *BPFArg_Filter) error {
	if g := f.GetGate(); g < 0 || g >= module.MaxGates {
		return module.Invalid(fmt.Sprintf("filters[%d].gate", i), g, "Invalid gate, must be 0..%d", module.MaxGates-1)
	}
	return nil
}

func create(_ *module.Env, arg *BPFArg) (*BPF, error) {
	m := &BPF{}
	m.list.Store(&[]entry{})
	return m, m.add(arg)
}

// Process sends every packet to the gate of the first filter that matches.
func (m *BPF) Process(ctx *module.Context, b *packet.Batch) {
	list := *m.list.Load()
	if len(list) == 0 {
		ctx.Count(countOther, uint64(b.Len()))
		ctx.EmitBatch(b, 0)
		return
	}
	w := m.worker(ctx.Worker)
	if len(list) == 1 {
		w.one(ctx, b, &list[0])
		return
	}
	ps := b.Packets()
	to := w.gates[:len(ps)]
	clear(to)
	rest := all(b) // no filter matches them so far
	for i := range list {
		e := &list[i]
		match := e.program.MatchBatch(ps, rest)
		for bit := match; bit != 0; bit &= bit - 1 {
			to[bits.TrailingZeros64(bit)] = e.gate
		}
		if rest &^= match; rest == 0 {
			break
		}
	}
	count(ctx, b, rest)
	ctx.EmitEach(b, to)
}

// all returns the bits of all packets.
func all(b *packet.Batch) uint64 { return ^uint64(0) >> (packet.BatchSize - b.Len()) }

// count counts the packets of b, of which other tells those that match nothing.
func count(ctx *module.Context, b *packet.Batch, other uint64) {
	n := bits.OnesCount64(other)
	ctx.Count(countMatched, uint64(b.Len()-n))
	ctx.Count(countOther, uint64(n))
}

// one is Process with a single filter.
func (w *worker) one(ctx *module.Context, b *packet.Batch, e *entry) {
	match := e.program.MatchBatch(b.Packets(), all(b))
	count(ctx, b, all(b)&^match)
	switch match {
	case 0:
		ctx.EmitBatch(b, 0)
		return
	case all(b):
		ctx.EmitBatch(b, int(e.gate))
		return
	}
	if e.gate == 0 {
		ctx.EmitBatch(b, 0)
		return
	}
	// What the first packet belongs to leaves first, and stays in b.
	stay, away := 0, int(e.gate)
	if match&1 != 0 {
		match = ^match
		stay, away = away, stay
	}
	w.part(b, match)
	ctx.EmitBatch(b, stay)
	ctx.EmitBatch(&w.away, away)
}

// part moves the packets of b that set has the bits of to w.away. Whatever a
// packet is like it takes the same steps, so that no branch is mispredicted.
func (w *worker) part(b *packet.Batch, set uint64) {
	out, in := w.away.Slots(), b.Slots()
	yes, no := 0, 0
	for _, p := range b.Packets() {
		out[yes&(packet.BatchSize-1)], in[no&(packet.BatchSize-1)] = p, p
		bit := int(set & 1)
		yes, no = yes+bit, no+1-bit
		set >>= 1
	}
	w.away.SetLen(yes)
	b.SetLen(no)
}

// worker returns what SetWorkers made for a worker.
func (m *BPF) worker(id int) *worker {
	p := &m.workers[id&(module.MaxWorkers-1)]
	if p.Load() == nil {
		p.Store(new(worker))
	}
	return p.Load()
}

// SetWorkers prepares what the workers will need.
func (m *BPF) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// publish orders filters by falling priority, equal ones as they were added.
func (m *BPF) publish(list []entry) error {
	if n := len(list); n > maxFilters {
		return errno.Errorf(errno.ENOSPC, "filters: %d filters: at most %d fit", n, maxFilters)
	}
	slices.SortStableFunc(list, func(a, b entry) int {
		switch {
		case a.priority > b.priority:
			return -1
		case a.priority < b.priority:
			return 1
		}
		return 0
	})
	m.list.Store(&list)
	return nil
}

func (m *BPF) add(arg *BPFArg) error {
	list, err := compile(arg)
	if err != nil {
		return err
	}
	return m.publish(slices.Concat(*m.list.Load(), list))
}

// delete removes for each filter of the argument the first that equals it, if
// there is one.
func (m *BPF) delete(arg *BPFArg) error {
	list := slices.Clone(*m.list.Load())
	for i, f := range arg.GetFilters() {
		if err := checkGate(i, f); err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(e entry) bool {
			return e.priority == int32(f.GetPriority()) && int64(e.gate) == f.GetGate() && e.text == f.GetFilter()
		})
		if at >= 0 {
			list = slices.Delete(list, at, at+1)
		}
	}
	return m.publish(list)
}

func (m *BPF) clear(*api.EmptyArg) error { return m.publish(nil) }

// Update replaces all filters.
func (m *BPF) Update(arg proto.Message) error {
	list, err := compile(arg.(*BPFArg))
	if err != nil {
		return err
	}
	return m.publish(list)
}

func (m *BPF) getInitialArg(*api.EmptyArg) (*BPFArg, error) {
	arg := &BPFArg{}
	for _, e := range *m.list.Load() {
		arg.Filters = append(arg.Filters, &BPFArg_Filter{Priority: int64(e.priority), Filter: e.text, Gate: int64(e.gate)})
	}
	return arg, nil
}

// Desc returns the number of filters.
func (m *BPF) Desc() string { return fmt.Sprintf("%d filters", len(*m.list.Load())) }
