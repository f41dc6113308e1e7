// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package nat is the module class NAT: many inside hosts share the ports of
// outside IPv4 addresses (spec: modules/stateful.md; RFC 4787, 5382, 5508).
package nat

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "NAT",
	Prefix:     "nat",
	Help:       "lets inside hosts share the ports of outside IPv4 addresses",
	IGates:     2,
	OGates:     2,
	MaxWorkers: 2,
	Arg:        (*NATArg)(nil),
	Counters: []module.CounterDoc{
		countOutbound:    {Name: "outbound", Unit: "packets", Help: "translated on their way outside"},
		countInbound:     {Name: "inbound", Unit: "packets", Help: "translated on their way inside"},
		countHairpinned:  {Name: "hairpinned", Unit: "packets", Help: "sent by an inside host to the outside endpoint of another"},
		countCreated:     {Name: "created", Unit: "mappings", Help: "made for new inside endpoints"},
		countNoMapping:   {Name: "no_mapping", Unit: "packets", Help: "dropped: from the outside, or errors about nothing known"},
		countNoPort:      {Name: "no_port", Unit: "packets", Help: "dropped: no outside port is free for a new mapping"},
		countFull:        {Name: "table_full", Unit: "packets", Help: "dropped: there are as many mappings as fit into memory"},
		countFragment:    {Name: "fragments", Unit: "packets", Help: "dropped: a piece of a datagram; put an IPDefrag in front"},
		countUnsupported: {Name: "unsupported", Unit: "packets", Help: "dropped: not TCP, UDP or an ICMP message that can be translated, or malformed"},
	},
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "the argument, addresses ascending and ranges filled in", (*NAT).getInitialArg),
		module.Ask("get_runtime_config", module.Concurrent, "what set_runtime_config has set; empty while the argument applies", (*NAT).getRuntimeConfig),
		module.Do("set_runtime_config", module.Concurrent, "replaces addresses and ranges; mappings that still fit go on. Without addresses nothing changes", (*NAT).setRuntimeConfig),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countOutbound = iota
	countInbound
	countHairpinned
	countCreated
	countNoMapping
	countNoPort
	countFull
	countFragment
	countUnsupported
)

// Gates. They are crossed: what enters from the inside leaves to the outside.
const (
	gateInside  = 0
	gateOutside = 1
)

// NAT is an instance. Two workers may run it, in any roles.
type NAT struct {
	conf  atomic.Pointer[config]
	table *table
	// swept is the second in which a worker last looked for old mappings.
	swept atomic.Uint32
	// clock returns the seconds that Process counts in.
	clock func() uint32

	// Owned by the commands.
	initial *NATArg // addresses ascending, ranges filled in
	runtime *NATArg // empty unless set_runtime_config has set another
}

func create(_ *module.Env, arg *NATArg) (*NAT, error) {
	list, err := validate(arg)
	if err != nil {
		return nil, err
	}
	t, err := newTable(list)
	if err != nil {
		return nil, err
	}
	m := &NAT{table: t, clock: func() uint32 { return seconds(sys.Cycles(), sys.CyclesPerSecond()) }}
	if err := m.configure(list); err != nil {
		m.Close()
		return nil, err
	}
	m.initial, m.runtime = m.conf.Load().arg, &NATArg{}
	return m, nil
}

// seconds is the unit of all times here; they may wrap around.
func seconds(cycles, hz uint64) uint32 { return uint32(cycles / hz) }

// Process translates what can be translated and drops the rest.
func (m *NAT) Process(ctx *module.Context, b *packet.Batch) {
	w := pass{NAT: m, conf: m.conf.Load(), ctx: ctx, now: seconds(ctx.Now, ctx.Hz)}
	if w.now != m.swept.Load() {
		m.sweep(w.now)
	}
	if ctx.IGate == gateInside {
		w.outbound(b)
		return
	}
	w.inbound(b)
}

// sweep removes a part of the old mappings, once a second: all are looked at
// within sweepSeconds.
func (m *NAT) sweep(now uint32) {
	if last := m.swept.Load(); now == last || !m.swept.CompareAndSwap(last, now) {
		return // the other worker does it
	}
	m.table.sweepPart(now)
}

// Update replaces addresses and ranges. Mappings that still fit go on.
func (m *NAT) Update(arg proto.Message) error {
	list, err := validate(arg.(*NATArg))
	if err != nil {
		return err
	}
	if err := m.configure(list); err != nil {
		return err
	}
	m.initial, m.runtime = m.conf.Load().arg, &NATArg{}
	return nil
}

func (m *NAT) getInitialArg(*api.EmptyArg) (*NATArg, error) { return m.initial, nil }

func (m *NAT) getRuntimeConfig(*api.EmptyArg) (*NATArg, error) { return m.runtime, nil }

// setRuntimeConfig leaves all as it is without addresses: clients of BESS,
// where the command does nothing, send it an empty argument.
func (m *NAT) setRuntimeConfig(arg *NATArg) error {
	if len(arg.GetExtAddrs()) == 0 {
		return nil
	}
	list, err := validate(arg)
	if err != nil {
		return err
	}
	if err := m.configure(list); err != nil {
		return err
	}
	m.runtime = m.conf.Load().arg
	return nil
}

// Desc returns the number of mappings, after giving up the old ones.
func (m *NAT) Desc() string {
	now := m.clock()
	m.table.removeIf(func(mp *mapping, in key) bool { return mp.expired(in.transport(), now) })
	return fmt.Sprintf("%d entries", m.table.live.Load())
}

// Close frees all memory outside the Go heap.
func (m *NAT) Close() { m.table.close() }
