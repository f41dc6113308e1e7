// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package qos is the module class Qos: an exact-match table whose rules meter
// their packets (spec: modules/mobile.md).
package qos

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
	"github.com/bessform/terraform-provider-bess/appliance/table/meter"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Class describes Qos.
var Class = &module.Class{
	Name:       "Qos",
	Prefix:     "qos",
	Help:       "meters packets by the exact values of some fields",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*QosArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<fields.attr_name>", Size: "num_bytes", Mode: module.Read, Help: "part of what is looked up"},
		{Name: "<values.attr_name>", Size: "num_bytes", Mode: module.Write, Help: "gets a result of the rule that matches"},
	},
	Counters: []module.CounterDoc{
		countGreen:      {Name: "green", Unit: "packets", Help: "metered, within the committed rate"},
		countYellow:     {Name: "yellow", Unit: "packets", Help: "metered, within the peak rate"},
		countRed:        {Name: "red", Unit: "packets", Help: "metered, above the peak rate"},
		countUnmetered:  {Name: "unmetered", Unit: "packets", Help: "matched a rule that does not meter"},
		countMiss:       {Name: "misses", Unit: "packets", Help: "sent to the default gate: no rule matches"},
		countShort:      {Name: "short", Unit: "packets", Help: "of misses: the packet ends before one of the fields does"},
		countIncomplete: {Name: "incomplete", Unit: "packets", Help: "the packet ends before a place for a result does, which was not written"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "adds a rule, or replaces the one with the same fields, with full buckets", (*Qos).add),
		module.Do("delete", module.Concurrent, "removes a rule", (*Qos).delete),
		module.Do("clear", module.Concurrent, "removes all rules; the default gate stays", (*Qos).clear),
		module.Do("set_default_gate", module.Concurrent, "sets the gate for packets that no rule matches", (*Qos).setDefaultGate),
	},
	New: module.New(create),
}

// Indexes into Class.Counters. The first are those of the colours.
const (
	countGreen      = int(meter.Green)
	countYellow     = int(meter.Yellow)
	countRed        = int(meter.Red)
	countUnmetered  = 3
	countMiss       = 4
	countShort      = 5
	countIncomplete = 6
	counts          = 7
)

const (
	// defaultEntries is the limit of rules if the argument gives none.
	defaultEntries = 32768
	// gateMeter in a rule means that it meters; the colours leave on the gates
	// that follow.
	gateMeter = 0
	// firstGate is the first gate that a rule without meter can name.
	firstGate = 4
)

// Qos is an instance.
//
// A rule in the table is its key, a word with gate and length to deduct, a word
// with the number of its meter, and a word for each result. Meters have memory
// of their own, as the table moves its rules when it grows.
type Qos struct {
	key    *field.Key
	places *field.Places

	table       *exact.Table
	meters      *meter.Arena
	domain      rcu.Domain
	defaultGate atomic.Uint32
	workers     [module.MaxWorkers]atomic.Pointer[worker]
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	keys  [packet.BatchSize * field.MaxWords]uint64
	cells [packet.BatchSize]int32
	gates [packet.BatchSize]uint16
	seen  [counts]uint64
	_     [64]byte // neighbours belong to other workers
}

func create(env *module.Env, arg *QosArg) (*Qos, error) {
	if len(arg.GetFields()) == 0 {
		return nil, errno.Errorf(errno.EINVAL, "fields: at least one field is needed")
	}
	fields, err := field.Parse(env, "fields", arg.GetFields(), module.Read)
	if err != nil {
		return nil, err
	}
	values, err := field.Parse(env, "values", arg.GetValues(), module.Write)
	if err != nil {
		return nil, err
	}
	limit := arg.GetEntries()
	if limit == 0 {
		limit = defaultEntries
	}
	if limit > exact.MaxEntries {
		return nil, module.Invalid("entries", limit, "must be at most %d", exact.MaxEntries)
	}
	m := &Qos{key: field.NewKey(fields, nil), places: field.NewPlaces(values, nil)}
	if m.table, err = exact.New(m.key.Words(), ruleWords+m.places.Len(), int(limit), &m.domain); err != nil {
		return nil, err
	}
	// Twice, and some: a meter that was replaced is free when no worker can be
	// using it.
	if m.meters, err = meter.NewArena(2*int(limit) + spareMeters); err != nil {
		m.table.Retire()
		m.domain.Close()
		return nil, err
	}
	m.defaultGate.Store(module.DropGate)
	return m, nil
}

// spareMeters are those that small tables have for rules that are replaced in
// quick succession.
const spareMeters = 64

// Process looks all packets up. Those that match get the rule's results and
// leave on its gate or on that of their colour.
func (m *Qos) Process(ctx *module.Context, b *packet.Batch) {
	w := m.worker(ctx.Worker)
	ps := b.Packets()
	cells, gates := w.cells[:len(ps)], w.gates[:len(ps)]
	keys := w.keys[:len(ps)*m.key.Words()]
	short := m.key.Extract(ctx, ps, keys)

	m.domain.Enter(ctx.Worker)
	v := m.table.View()
	v.LookupBatch(keys, cells)
	for rest := short; rest != 0; rest &= rest - 1 {
		cells[bits.TrailingZeros64(rest)] = -1
	}
	other := uint16(m.defaultGate.Load())
	for i, c := range cells {
		if c < 0 {
			w.seen[countMiss]++
			gates[i] = other
			continue
		}
		rule := v.Value(c)
		if m.places.Len() > 0 && !m.places.Write(ctx, ps[i], rule[ruleWords:]) {
			w.seen[countIncomplete]++
		}
		gates[i] = w.gate(m, rule, ps[i], ctx.Now)
	}
	m.domain.Leave(ctx.Worker)

	w.seen[countShort] += uint64(bits.OnesCount64(short))
	for i, n := range w.seen {
		if n > 0 {
			ctx.Count(i, n)
			w.seen[i] = 0
		}
	}
	ctx.EmitEach(b, gates)
}

// gate returns where a packet that matches a rule leaves.
func (w *worker) gate(m *Qos, rule []uint64, p packet.Packet, now uint64) uint16 {
	gate, deduct := unpackHead(rule[wordHead])
	if gate != gateMeter {
		w.seen[countUnmetered]++
		return gate
	}
	n := max(int64(p.TotalLen())-deduct, 0)
	colour := m.meters.Mark(uint32(rule[wordMeter]), now, uint64(n))
	w.seen[colour]++
	return gateMeter + 1 + uint16(colour)
}

// worker returns what SetWorkers made for a worker.
func (m *Qos) worker(id int) *worker {
	w := m.workers[id&(module.MaxWorkers-1)].Load()
	if w == nil {
		w = &worker{} // not announced: once
		m.workers[id&(module.MaxWorkers-1)].Store(w)
	}
	return w
}

// SetWorkers prepares what the workers will need.
func (m *Qos) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// Desc returns the numbers of fields and rules.
func (m *Qos) Desc() string {
	return fmt.Sprintf("%d fields, %d rules", len(m.key.Fields()), m.table.Len())
}

// Close frees table and meters.
func (m *Qos) Close() {
	m.table.Retire()
	m.domain.Close()
	m.meters.Close()
}
