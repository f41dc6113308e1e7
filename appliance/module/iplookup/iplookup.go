// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package iplookup is the module class IPLookup: routes to IPv4 destinations
// by longest prefix (spec: modules/classify.md).
package iplookup

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/table/lpm"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPLookup",
	Prefix:     "ip_lookup",
	Help:       "sends IPv4 packets to gates by the longest prefix of their destination",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*IPLookupArg)(nil),
	Counters: []module.CounterDoc{
		countNoRoute: {Name: "no_route", Unit: "packets", Help: "IPv4 sent to the default gate: no route fits"},
		countNotIPv4: {Name: "not_ipv4", Unit: "packets", Help: "sent to the default gate: not IPv4, or cut before the destination"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "adds a route, or replaces the one with this prefix", (*IPLookup).add),
		module.Do("delete", module.Concurrent, "removes a route", (*IPLookup).delete),
		module.Do("clear", module.Concurrent, "removes all routes; the default gate drops again", (*IPLookup).clear),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countNoRoute = iota
	countNotIPv4
)

const (
	defaultRules = 1024
	defaultTbl8s = 128
)

// sizes are the limits of a table.
type sizes struct{ rules, tbl8s int }

// validate checks an argument.
func validate(arg *IPLookupArg) (sizes, error) {
	s := sizes{rules: int(arg.GetMaxRules()), tbl8s: int(arg.GetMaxTbl8S())}
	if s.rules == 0 {
		s.rules = defaultRules
	}
	if s.tbl8s == 0 {
		s.tbl8s = defaultTbl8s
	}
	if s.rules > lpm.MaxRoutes {
		return s, module.Invalid("max_rules", s.rules, "must be at most %d", lpm.MaxRoutes)
	}
	if s.tbl8s > lpm.MaxGroups {
		return s, module.Invalid("max_tbl8s", s.tbl8s, "must be at most %d", lpm.MaxGroups)
	}
	return s, nil
}

// IPLookup is an instance.
type IPLookup struct {
	sizes   sizes
	domain  rcu.Domain
	state   atomic.Pointer[state]
	workers [module.MaxWorkers]atomic.Pointer[worker]
}

// state is what packets meet.
type state struct {
	table       *lpm.Table
	defaultGate uint16
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	addrs [packet.BatchSize]uint32
	gates [packet.BatchSize]uint16
}

func create(_ *module.Env, arg *IPLookupArg) (*IPLookup, error) {
	s, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &IPLookup{sizes: s}
	table, err := lpm.New(s.rules, s.tbl8s, &m.domain)
	if err != nil {
		return nil, err
	}
	m.state.Store(&state{table, module.DropGate})
	return m, nil
}

// Where things are in a frame without tag.
const (
	typeAt = 12
	dstAt  = header.EthernetLen + 16
	dstEnd = dstAt + 4
	ipv4   = uint32(header.TypeIPv4)<<4 | 4 // EtherType and version
)

// Process sends every packet to the gate of its route.
func (m *IPLookup) Process(ctx *module.Context, b *packet.Batch) {
	w := m.worker(ctx.Worker)
	be := binary.BigEndian
	other := uint64(0) // packets that are not IPv4
	for i, p := range b.Packets() {
		d := p.Front(dstEnd)
		if d == nil || be.Uint32(d[typeAt:])>>12 != ipv4 {
			other |= 1 << (i & 63)
			w.addrs[i&63] = 0
			continue
		}
		w.addrs[i&63] = be.Uint32(d[dstAt:])
	}
	n := b.Len()
	gates := w.gates[:n]
	m.domain.Enter(ctx.Worker)
	s := m.state.Load()
	var missing int
	if other == 0 {
		missing = s.table.LookupBatch(w.addrs[:n], gates, s.defaultGate)
	} else {
		missing = s.lookupMixed(w.addrs[:n], gates, other)
		ctx.Count(countNotIPv4, uint64(bits.OnesCount64(other)))
	}
	m.domain.Leave(ctx.Worker)
	if missing > 0 {
		ctx.Count(countNoRoute, uint64(missing))
	}
	ctx.EmitEach(b, gates)
}

// lookupMixed looks up all addresses but the other ones, which get the default
// gate, and returns how many have no route.
func (s *state) lookupMixed(addrs []uint32, gates []uint16, other uint64) (missing int) {
	for i, addr := range addrs {
		gates[i] = s.defaultGate
		if other>>(i&63)&1 == 1 {
			continue
		}
		if hop := s.table.Lookup(addr); hop >= 0 {
			gates[i] = uint16(hop)
		} else {
			missing++
		}
	}
	return missing
}

// worker returns what SetWorkers made for a worker.
func (m *IPLookup) worker(id int) *worker {
	p := &m.workers[id&(module.MaxWorkers-1)]
	if p.Load() == nil {
		p.Store(new(worker))
	}
	return p.Load()
}

// SetWorkers prepares what the workers will need.
func (m *IPLookup) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// parseRoute checks a route; prefix and length are named as in the argument.
func parseRoute(text string, length uint64) (addr uint32, n int, err error) {
	if text == "" {
		return 0, 0, errno.Errorf(errno.EINVAL, "prefix: must be given")
	}
	if addr, err = header.ParseIPv4Addr(text); err != nil {
		return 0, 0, errno.Wrap(err, "prefix: Invalid IP prefix")
	}
	if length > 32 {
		return 0, 0, module.Invalid("prefix_len", length, "Invalid prefix length, must be 0..32")
	}
	if p := (header.Prefix4{Addr: addr, Len: uint8(length)}); p.HostBits() {
		return 0, 0, errno.Errorf(errno.EINVAL, "prefix: Invalid IP prefix %s: bits beyond the length are set, the network is %s", p, p.Masked())
	}
	return addr, int(length), nil
}

func (m *IPLookup) add(arg *IPLookupCommandAddArg) error {
	addr, n, err := parseRoute(arg.GetPrefix(), arg.GetPrefixLen())
	if err != nil {
		return err
	}
	if err := module.CheckGate("gate", arg.GetGate()); err != nil {
		return err
	}
	s := m.state.Load()
	if n == 0 {
		m.state.Store(&state{s.table, uint16(arg.GetGate())})
		return nil
	}
	if err := s.table.Set(addr, n, int(arg.GetGate())); err != nil {
		return errno.Wrap(err, "prefix: %s/%d", arg.GetPrefix(), n)
	}
	return nil
}

func (m *IPLookup) delete(arg *IPLookupCommandDeleteArg) error {
	addr, n, err := parseRoute(arg.GetPrefix(), arg.GetPrefixLen())
	if err != nil {
		return err
	}
	s := m.state.Load()
	if n == 0 {
		m.state.Store(&state{s.table, module.DropGate})
		return nil
	}
	if !s.table.Delete(addr, n) {
		return errno.Errorf(errno.ENOENT, "prefix: there is no route %s/%d", arg.GetPrefix(), n)
	}
	return nil
}

func (m *IPLookup) clear(*api.EmptyArg) error {
	table, err := lpm.New(m.sizes.rules, m.sizes.tbl8s, &m.domain)
	if err != nil {
		return err
	}
	m.replace(&state{table, module.DropGate})
	return nil
}

// replace publishes a state with another table.
func (m *IPLookup) replace(s *state) {
	m.state.Swap(s).table.Retire()
	m.domain.Flush()
}

// Update takes other limits in place; the routes stay. ENOSPC if they do not
// fit.
func (m *IPLookup) Update(arg proto.Message) error {
	s, err := validate(arg.(*IPLookupArg))
	if err != nil || s == m.sizes {
		return err
	}
	old := m.state.Load()
	table, err := lpm.New(s.rules, s.tbl8s, &m.domain)
	if err != nil {
		return err
	}
	for addr, r := range old.table.All() {
		if err := table.Set(addr, r.Len, r.Hop); err != nil {
			table.Retire()
			return err
		}
	}
	m.sizes = s
	m.replace(&state{table, old.defaultGate})
	return nil
}

// Keeps says that the routes and the default gate stay with another argument.
func (*IPLookup) Keeps(string) bool { return true }

// Desc returns the number of routes.
func (m *IPLookup) Desc() string { return fmt.Sprintf("%d routes", m.state.Load().table.Len()) }

// Close frees the table.
func (m *IPLookup) Close() {
	m.state.Load().table.Retire()
	m.domain.Close()
}
