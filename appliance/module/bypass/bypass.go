// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package bypass is the module class Bypass: gate X to gate X, optionally
// burning time on the way (spec: modules/stateful.md).
package bypass

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Bypass",
	Prefix:     "bypass",
	Help:       "passes packets from gate X to gate X, optionally burning processor cycles",
	IGates:     module.MaxGates,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*BypassArg)(nil),
	New:        module.New(create),
}

// cost is what a batch is to cost, in cycles. Immutable.
type cost struct{ perBatch, perPacket, perByte uint64 }

// costOf returns the cost an argument asks for, nil for none.
func costOf(arg *BypassArg) *cost {
	c := cost{
		perBatch:  uint64(arg.GetCyclesPerBatch()),
		perPacket: uint64(arg.GetCyclesPerPacket()),
		perByte:   uint64(arg.GetCyclesPerByte()),
	}
	if c == (cost{}) {
		return nil
	}
	return &c
}

// Bypass is an instance.
type Bypass struct {
	cost atomic.Pointer[cost] // nil: none
}

func create(_ *module.Env, arg *BypassArg) (*Bypass, error) {
	m := &Bypass{}
	m.cost.Store(costOf(arg))
	return m, nil
}

// Process passes the batch on unchanged, after the configured time.
func (m *Bypass) Process(ctx *module.Context, b *packet.Batch) {
	if c := m.cost.Load(); c != nil {
		c.burn(b, ctx.Hz)
	}
	ctx.EmitBatch(b, ctx.IGate)
}

// burn waits for what b costs: so much for the batch, for each packet and for
// each byte of all of them. One second a batch is the most, so that a worker
// given absurd numbers still listens to its engine.
func (c *cost) burn(b *packet.Batch, hz uint64) {
	start := sys.Cycles()
	cycles := c.perBatch + c.perPacket*uint64(b.Len())
	if c.perByte != 0 {
		cycles += c.perByte * b.Bytes()
	}
	cycles = min(cycles, hz)
	for sys.Cycles()-start < cycles {
		// Busy: this is the point of it.
	}
}

// Update takes a new creation argument.
func (m *Bypass) Update(arg proto.Message) error {
	m.cost.Store(costOf(arg.(*BypassArg)))
	return nil
}
