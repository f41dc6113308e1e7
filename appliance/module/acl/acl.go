// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package acl is the module class ACL: an ordered list of rules that let IPv4 and
// IPv6 packets pass or drop them (spec: modules/classify.md).
package acl

import (
	"fmt"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "ACL",
	Prefix:     "acl",
	Help:       "lets IPv4 and IPv6 packets pass or drops them by an ordered list of rules",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*ACLArg)(nil),
	Counters: []module.CounterDoc{
		countAllowed: {Name: "allowed", Unit: "packets", Help: "sent to gate 0 by a rule"},
		countDropped: {Name: "dropped", Unit: "packets", Help: "dropped by a rule"},
		countNoRule:  {Name: "no_rule", Unit: "packets", Help: "dropped: no rule matches"},
		countNotIPv4: {Name: "not_ipv4", Unit: "packets", Help: "dropped: not a well-formed IPv4 packet, nor, if a rule is for IPv6, a well-formed IPv6 packet"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "appends rules at the end of the list", (*ACL).add),
		module.Do("clear", module.Concurrent, "removes all rules; everything is then dropped", (*ACL).clear),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countAllowed = iota
	countDropped
	countNoRule
	countNotIPv4
)

// ACL is an instance.
type ACL struct {
	// list is what packets are judged by: built beside the old one, published
	// as a whole, freed when no worker can be reading it (retire.go).
	list    atomic.Pointer[list]
	workers [module.MaxWorkers]atomic.Pointer[worker]

	mu      sync.Mutex // of what follows, used by the control side only
	retired []retired
}

func create(_ *module.Env, arg *ACLArg) (*ACL, error) {
	rules, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &ACL{}
	l, err := newList(rules, nil)
	if err != nil {
		return nil, err
	}
	m.list.Store(l)
	return m, nil
}

// Process judges every packet: those that pass stay in the batch, in order.
func (m *ACL) Process(ctx *module.Context, b *packet.Batch) {
	w := m.workers[ctx.Worker&(module.MaxWorkers-1)].Load()
	if w == nil {
		w = m.join(ctx.Worker)
	}
	w.enter()
	l := m.list.Load()
	w.read(b.Packets())
	v := w.decide(l, b)
	w.leave()
	ctx.Count(countAllowed, uint64(v.allowed))
	if w.drops.Len() > 0 {
		ctx.Count(countDropped, uint64(v.dropped))
		ctx.Count(countNoRule, uint64(v.noRule))
		ctx.Count(countNotIPv4, uint64(w.drops.Len()-v.dropped-v.noRule))
		ctx.DropBatch(&w.drops)
	}
	ctx.EmitBatch(b, 0)
}

// decide finds the rules of the packets read and leaves in b those that pass.
func (w *worker) decide(l *list, b *packet.Batch) verdict {
	own, t := l.views[w.id], l.tables
	switch {
	case t.sets && w.n == b.Len():
		return w.judgeSets(t.all, own.cells, b)
	case t.six == nil:
		w.lookup(t, own)
	default:
		w.lookupBoth(t, own, b.Packets())
	}
	return w.judge(own.cells, b)
}

// SetWorkers prepares what the workers will need.
func (m *ACL) SetWorkers(wids []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range wids {
		m.prepare(id)
	}
}

// Update replaces all rules. A rule that was there before keeps its count.
func (m *ACL) Update(arg proto.Message) error {
	rules, err := validate(arg.(*ACLArg))
	if err != nil {
		return err
	}
	return m.publish(rules)
}

func (m *ACL) add(arg *ACLArg) error {
	rules, err := validate(arg)
	if err != nil {
		return err
	}
	old := m.list.Load().rules
	return m.publish(append(old[:len(old):len(old)], rules...))
}

func (m *ACL) clear(*api.EmptyArg) error { return m.publish(nil) }

// RuleStats returns how many packets each rule has decided.
func (m *ACL) RuleStats() []uint64 {
	l := m.list.Load()
	sums := make([]uint64, len(l.rules))
	for _, v := range l.views {
		if v == nil {
			continue
		}
		for i := range v.cells {
			sums[i] += v.cells[i].packets.Load()
		}
	}
	return sums
}

// Desc returns the number of rules.
func (m *ACL) Desc() string { return fmt.Sprintf("%d rules", len(m.list.Load().rules)) }
