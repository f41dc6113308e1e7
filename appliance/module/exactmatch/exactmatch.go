// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package exactmatch is the module class ExactMatch: fields of packets looked
// up in a hash table (spec: modules/classify.md).
package exactmatch

import (
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "ExactMatch",
	Prefix:     "em",
	Help:       "sends packets to gates by the exact values of some fields",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*ExactMatchArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<fields.attr_name>", Size: "num_bytes", Mode: module.Read, Help: "part of what is looked up"},
		{Name: "<values.attr_name>", Size: "num_bytes", Mode: module.Write, Help: "gets a result of the rule that matches"},
	},
	Counters: []module.CounterDoc{
		countHit:        {Name: "hits", Unit: "packets", Help: "matched a rule"},
		countMiss:       {Name: "misses", Unit: "packets", Help: "sent to the default gate: no rule matches"},
		countShort:      {Name: "short", Unit: "packets", Help: "of misses: the packet ends before one of the fields does"},
		countIncomplete: {Name: "incomplete", Unit: "packets", Help: "of hits: the packet ends before a place for a result does, which was not written"},
	},
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "the argument as given", (*ExactMatch).getInitialArg),
		module.Ask("get_runtime_config", module.Concurrent, "default gate and all rules", (*ExactMatch).getRuntimeConfig),
		module.Do("set_runtime_config", module.Concurrent, "replaces default gate and all rules at once", (*ExactMatch).setRuntimeConfig),
		module.Do("add", module.Concurrent, "adds a rule, or replaces the one with the same fields", (*ExactMatch).add),
		module.Do("delete", module.Concurrent, "removes a rule", (*ExactMatch).delete),
		module.Do("clear", module.Concurrent, "removes all rules; the default gate stays", (*ExactMatch).clear),
		module.Do("set_default_gate", module.Concurrent, "sets the gate for packets that no rule matches", (*ExactMatch).setDefaultGate),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countHit = iota
	countMiss
	countShort
	countIncomplete
)

// defaultEntries is the limit of rules if the argument gives none.
const defaultEntries = 32768

// ExactMatch is an instance.
//
// A rule in the table is its key, its gate, and a word for each result.
type ExactMatch struct {
	arg    *ExactMatchArg // as given, never changed
	mask   []byte         // of the key; nil: all bits count
	key    *field.Key
	places *field.Places

	domain  rcu.Domain
	state   atomic.Pointer[state]
	workers [module.MaxWorkers]atomic.Pointer[worker]
}

// state is what packets meet, replaced as a whole.
type state struct {
	table       *exact.Table
	defaultGate uint16
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	keys  [packet.BatchSize * field.MaxWords]uint64
	cells [packet.BatchSize]int32
	gates [packet.BatchSize]uint16
}

func create(env *module.Env, arg *ExactMatchArg) (*ExactMatch, error) {
	m := &ExactMatch{arg: proto.CloneOf(arg)}
	if err := m.compile(env, arg); err != nil {
		return nil, err
	}
	table, err := m.newTable(limitOf(arg))
	if err != nil {
		return nil, err
	}
	m.state.Store(&state{table, module.DropGate})
	return m, nil
}

func limitOf(arg *ExactMatchArg) uint64 {
	if n := arg.GetEntries(); n != 0 {
		return n
	}
	return defaultEntries
}

func (m *ExactMatch) newTable(limit uint64) (*exact.Table, error) {
	if limit > exact.MaxEntries {
		return nil, module.Invalid("entries", limit, "must be at most %d", exact.MaxEntries)
	}
	return exact.New(m.key.Words(), 1+m.places.Len(), int(limit), &m.domain)
}

// Process looks all packets up. Those that match get the rule's results and
// leave on its gate.
func (m *ExactMatch) Process(ctx *module.Context, b *packet.Batch) {
	w := m.worker(ctx.Worker)
	ps := b.Packets()
	n := len(ps)
	cells, gates := w.cells[:n], w.gates[:n]
	keys := w.keys[:n*m.key.Words()]
	short := m.key.Extract(ctx, ps, keys)

	m.domain.Enter(ctx.Worker)
	s := m.state.Load()
	v := s.table.View()
	misses := v.LookupFirst(keys, cells, gates, s.defaultGate)
	for rest := short; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if cells[i] >= 0 {
			cells[i], gates[i] = -1, s.defaultGate
			misses++
		}
	}
	if m.places.Len() > 0 {
		m.write(ctx, ps, cells, v)
	}
	m.domain.Leave(ctx.Worker)

	ctx.Count(countHit, uint64(n-misses))
	ctx.Count(countMiss, uint64(misses))
	if short != 0 {
		ctx.Count(countShort, uint64(bits.OnesCount64(short)))
	}
	ctx.EmitEach(b, gates)
}

// write gives the packets that match the results of their rules.
func (m *ExactMatch) write(ctx *module.Context, ps []packet.Packet, cells []int32, v *exact.View) {
	incomplete := 0
	for i, c := range cells {
		if c >= 0 && !m.places.Write(ctx, ps[i], v.Value(c)[1:]) {
			incomplete++
		}
	}
	if incomplete > 0 {
		ctx.Count(countIncomplete, uint64(incomplete))
	}
}

// worker returns what SetWorkers made for a worker.
func (m *ExactMatch) worker(id int) *worker {
	w := m.workers[id&(module.MaxWorkers-1)].Load()
	if w == nil {
		w = &worker{} // not announced: once
		m.workers[id&(module.MaxWorkers-1)].Store(w)
	}
	return w
}

// SetWorkers prepares what the workers will need.
func (m *ExactMatch) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// Update takes another limit of rules in place.
func (m *ExactMatch) Update(arg proto.Message) error {
	a := proto.CloneOf(arg.(*ExactMatchArg))
	same := proto.CloneOf(m.arg)
	same.Entries = a.GetEntries()
	if !proto.Equal(a, same) {
		return module.ErrRebuild
	}
	if limitOf(a) > exact.MaxEntries {
		return module.Invalid("entries", a.GetEntries(), "must be at most %d", exact.MaxEntries)
	}
	if err := m.state.Load().table.SetLimit(int(limitOf(a))); err != nil {
		return err
	}
	m.arg = a
	return nil
}

// Keeps says that the rules and the default gate stay with another argument.
func (*ExactMatch) Keeps(string) bool { return true }

// Desc returns the numbers of fields and rules.
func (m *ExactMatch) Desc() string {
	return fmt.Sprintf("%d fields, %d rules", len(m.key.Fields()), m.state.Load().table.Len())
}

// Close frees the table.
func (m *ExactMatch) Close() {
	m.state.Load().table.Retire()
	m.domain.Close()
}

// compareRules orders rules by gate, then by the bytes of their fields.
func compareRules(a, b *ExactMatchCommandAddArg) int {
	if a.GetGate() != b.GetGate() {
		return int(int64(a.GetGate()) - int64(b.GetGate()))
	}
	for i, f := range a.GetFields() {
		if c := slices.Compare(f.GetValueBin(), b.GetFields()[i].GetValueBin()); c != 0 {
			return c
		}
	}
	return 0
}
