// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package wildcardmatch is the module class WildcardMatch: rules that compare
// some bits of fields, by priority (spec: modules/classify.md).
package wildcardmatch

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/field"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
	"github.com/bessform/terraform-provider-bess/appliance/table/wildcard"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "WildcardMatch",
	Prefix:     "wm",
	Help:       "sends packets to gates by rules with masks and priorities",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*WildcardMatchArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<fields.attr_name>", Size: "num_bytes", Mode: module.Read, Help: "part of what is compared"},
		{Name: "<values.attr_name>", Size: "num_bytes", Mode: module.Write, Help: "gets a result of the rule that matches"},
	},
	Counters: []module.CounterDoc{
		countHit:        {Name: "hits", Unit: "packets", Help: "matched a rule"},
		countMiss:       {Name: "misses", Unit: "packets", Help: "sent to the default gate: no rule matches"},
		countShort:      {Name: "short", Unit: "packets", Help: "of misses: the packet ends before one of the fields does"},
		countIncomplete: {Name: "incomplete", Unit: "packets", Help: "of hits: the packet ends before a place for a result does, which was not written"},
	},
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "the argument as given", (*WildcardMatch).getInitialArg),
		module.Ask("get_runtime_config", module.Concurrent, "default gate and all rules", (*WildcardMatch).getRuntimeConfig),
		module.Do("set_runtime_config", module.Concurrent, "replaces default gate and all rules at once", (*WildcardMatch).setRuntimeConfig),
		module.Do("add", module.Concurrent, "adds a rule, or replaces the one with the same values and masks", (*WildcardMatch).add),
		module.Do("delete", module.Concurrent, "removes a rule", (*WildcardMatch).delete),
		module.Do("clear", module.Concurrent, "removes all rules; the default gate stays", (*WildcardMatch).clear),
		module.Do("set_default_gate", module.Concurrent, "sets the gate for packets that no rule matches", (*WildcardMatch).setDefaultGate),
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

// defaultEntries is the limit of rules per mask if the argument gives none.
const defaultEntries = 32768

// WildcardMatch is an instance.
//
// A rule in the table has its gate and a word for each result as value.
type WildcardMatch struct {
	arg    *WildcardMatchArg // as given, never changed
	key    *field.Key
	places *field.Places

	domain  rcu.Domain
	state   atomic.Pointer[state]
	workers [module.MaxWorkers]atomic.Pointer[worker]
}

// state is what packets meet, replaced as a whole.
type state struct {
	table       *wildcard.Table
	defaultGate uint16
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	keys  [packet.BatchSize * field.MaxWords]uint64
	found [packet.BatchSize]wildcard.Match
	gates [packet.BatchSize]uint16
	memo  *wildcard.Memo
}

func create(env *module.Env, arg *WildcardMatchArg) (*WildcardMatch, error) {
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
	m := &WildcardMatch{arg: proto.CloneOf(arg), key: field.NewKey(fields, nil), places: field.NewPlaces(values, nil)}
	table, err := m.newTable(limitOf(arg))
	if err != nil {
		return nil, err
	}
	m.state.Store(&state{table, module.DropGate})
	return m, nil
}

func limitOf(arg *WildcardMatchArg) uint64 {
	if n := arg.GetEntries(); n != 0 {
		return n
	}
	return defaultEntries
}

func checkLimit(limit uint64) error {
	if limit > exact.MaxEntries {
		return module.Invalid("entries", limit, "must be at most %d", exact.MaxEntries)
	}
	return nil
}

func (m *WildcardMatch) newTable(limit uint64) (*wildcard.Table, error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	return wildcard.New(m.key.Words(), 1+m.places.Len(), int(limit), &m.domain)
}

// Process looks all packets up. Those that match get the results of the best
// rule and leave on its gate.
func (m *WildcardMatch) Process(ctx *module.Context, b *packet.Batch) {
	w := m.worker(ctx.Worker)
	ps := b.Packets()
	n := len(ps)
	found, gates := w.found[:n], w.gates[:n]
	keys := w.keys[:n*m.key.Words()]
	short := m.key.Extract(ctx, ps, keys)

	m.domain.Enter(ctx.Worker)
	s := m.state.Load()
	v := s.table.View()
	misses := v.LookupBatch(w.memo, keys, found, gates, s.defaultGate)
	for rest := short; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if found[i].Found() {
			found[i], gates[i] = wildcard.Match{}, s.defaultGate
			misses++
		}
	}
	incomplete := 0
	if m.places.Len() > 0 {
		incomplete = m.write(ctx, ps, found, v)
	}
	m.domain.Leave(ctx.Worker)

	ctx.Count(countHit, uint64(n-misses))
	ctx.Count(countMiss, uint64(misses))
	if short != 0 || incomplete != 0 {
		ctx.Count(countShort, uint64(bits.OnesCount64(short)))
		ctx.Count(countIncomplete, uint64(incomplete))
	}
	ctx.EmitEach(b, gates)
}

// write gives the packets that match the results of their rules, and returns
// how many could not get all of them.
func (m *WildcardMatch) write(ctx *module.Context, ps []packet.Packet, found []wildcard.Match, v *wildcard.View) (incomplete int) {
	for i, match := range found {
		if match.Found() && !m.places.Write(ctx, ps[i], v.Value(match)[1:]) {
			incomplete++
		}
	}
	return incomplete
}

// worker returns what SetWorkers made for a worker.
func (m *WildcardMatch) worker(id int) *worker {
	p := &m.workers[id&(module.MaxWorkers-1)]
	if p.Load() == nil {
		p.Store(&worker{memo: wildcard.NewMemo()})
	}
	return p.Load()
}

// SetWorkers prepares what the workers will need.
func (m *WildcardMatch) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// Update takes another limit of rules in place.
func (m *WildcardMatch) Update(arg proto.Message) error {
	a := proto.CloneOf(arg.(*WildcardMatchArg))
	same := proto.CloneOf(m.arg)
	same.Entries = a.GetEntries()
	if !proto.Equal(a, same) {
		return module.ErrRebuild
	}
	if err := checkLimit(limitOf(a)); err != nil {
		return err
	}
	if err := m.state.Load().table.SetLimit(int(limitOf(a))); err != nil {
		return err
	}
	m.arg = a
	return nil
}

// Keeps says that the rules and the default gate stay with another argument.
func (*WildcardMatch) Keeps(string) bool { return true }

// Desc returns the numbers of fields and rules.
func (m *WildcardMatch) Desc() string {
	return fmt.Sprintf("%d fields, %d rules", len(m.key.Fields()), m.state.Load().table.Len())
}

// Close frees the table.
func (m *WildcardMatch) Close() {
	m.state.Load().table.Retire()
	m.domain.Close()
}
