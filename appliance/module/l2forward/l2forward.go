// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package l2forward is the module class L2Forward: Ethernet destinations in a
// static table (spec: modules/classify.md).
package l2forward

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/table/mac"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "L2Forward",
	Prefix:     "l2_forward",
	Help:       "sends packets to gates by their Ethernet destination, from a static table",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*L2ForwardArg)(nil),
	Counters: []module.CounterDoc{
		countUnknown: {Name: "unknown", Unit: "packets", Help: "sent to the default gate: the address is not in the table"},
		countShort:   {Name: "short", Unit: "packets", Help: "of unknown: the packet ends before the address does"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "adds addresses, all or none", (*L2Forward).add),
		module.Do("delete", module.Concurrent, "removes addresses, all or none", (*L2Forward).delete),
		module.Do("set_default_gate", module.Concurrent, "sets the gate for unknown addresses", (*L2Forward).setDefaultGate),
		module.Ask("lookup", module.Concurrent, "the gates of addresses", (*L2Forward).lookup),
		module.Do("populate", module.Concurrent, "adds consecutive addresses, for tests", (*L2Forward).populate),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countUnknown = iota
	countShort
)

const (
	defaultSize   = 1024
	maxSize       = 1 << 26
	defaultBucket = 4
	maxBucket     = 4
)

// validate checks an argument and returns how many addresses it allows.
func validate(arg *L2ForwardArg) (limit int, err error) {
	size, bucket := arg.GetSize(), arg.GetBucket()
	if size == 0 {
		size = defaultSize
	}
	if bucket == 0 {
		bucket = defaultBucket
	}
	if size < 1 || size > maxSize || size&(size-1) != 0 {
		return 0, module.Invalid("size", size, "must be a power of two, 1..%d", maxSize)
	}
	if bucket < 1 || bucket > maxBucket || bucket&(bucket-1) != 0 {
		return 0, module.Invalid("bucket", bucket, "must be 1, 2 or 4")
	}
	return int(size * bucket), nil
}

// L2Forward is an instance.
type L2Forward struct {
	domain      rcu.Domain
	table       *mac.Table
	defaultGate atomic.Uint32
	workers     [module.MaxWorkers]atomic.Pointer[worker]
}

// worker is what one worker needs while it processes a batch.
type worker struct {
	addrs [packet.BatchSize]uint64
	gates [packet.BatchSize]uint16
}

func create(_ *module.Env, arg *L2ForwardArg) (*L2Forward, error) {
	limit, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &L2Forward{}
	if m.table, err = mac.New(limit, &m.domain); err != nil {
		return nil, err
	}
	m.defaultGate.Store(module.DropGate)
	return m, nil
}

// Process sends every packet to the gate of its destination.
func (m *L2Forward) Process(ctx *module.Context, b *packet.Batch) {
	w := m.worker(ctx.Worker)
	short := uint64(0) // packets without address
	for i, p := range b.Packets() {
		d := p.Front(8)
		if d == nil {
			short |= w.slow(p, i) << (i & 63)
			continue
		}
		w.addrs[i&(packet.BatchSize-1)] = binary.BigEndian.Uint64(d[:]) >> 16
	}
	n := b.Len()
	gates, other := w.gates[:n], uint16(m.defaultGate.Load())
	m.domain.Enter(ctx.Worker)
	v := m.table.View()
	var unknown int
	if short == 0 {
		unknown = v.LookupBatch(w.addrs[:n], gates, other)
	} else {
		unknown = lookupMixed(v, w.addrs[:n], gates, other, short)
	}
	m.domain.Leave(ctx.Worker)
	if unknown > 0 {
		ctx.Count(countUnknown, uint64(unknown))
		ctx.Count(countShort, uint64(bits.OnesCount64(short)))
	}
	ctx.EmitEach(b, gates)
}

// slow reads the address of a packet of less than eight bytes; it returns 1 if
// there is none.
func (w *worker) slow(p packet.Packet, i int) (short uint64) {
	d := p.Bytes()
	if len(d) < 6 {
		return 1
	}
	w.addrs[i] = header.MAC(d[:6]).Uint64()
	return 0
}

// lookupMixed looks up all addresses but those of the short packets, and
// returns how many are unknown, the short ones included.
func lookupMixed(v *mac.View, addrs []uint64, gates []uint16, other uint16, short uint64) (unknown int) {
	for i, addr := range addrs {
		g := -1
		if short>>(i&63)&1 == 0 {
			g = v.Lookup(addr)
		}
		if g < 0 {
			g = int(other)
			unknown++
		}
		gates[i] = uint16(g)
	}
	return unknown
}

// worker returns what SetWorkers made for a worker.
func (m *L2Forward) worker(id int) *worker {
	p := &m.workers[id&(module.MaxWorkers-1)]
	if p.Load() == nil {
		p.Store(new(worker))
	}
	return p.Load()
}

// SetWorkers prepares what the workers will need.
func (m *L2Forward) SetWorkers(wids []int) {
	for _, id := range wids {
		m.worker(id)
	}
}

// Update changes the limit of addresses in place.
func (m *L2Forward) Update(arg proto.Message) error {
	limit, err := validate(arg.(*L2ForwardArg))
	if err != nil {
		return err
	}
	return m.table.SetLimit(limit)
}

// Keeps says that the addresses and the default gate stay with another argument.
func (*L2Forward) Keeps(string) bool { return true }

// Desc returns the number of addresses.
func (m *L2Forward) Desc() string { return fmt.Sprintf("%d addresses", m.table.Len()) }

// Close frees the table.
func (m *L2Forward) Close() {
	m.table.Retire()
	m.domain.Close()
}
