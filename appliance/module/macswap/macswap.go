// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package macswap is the module class MACSwap: it exchanges the two Ethernet
// addresses (spec: modules/headers.md).
package macswap

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "MACSwap",
	Prefix:     "macswap",
	Help:       "exchanges the source and destination MAC addresses",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countShort: {Name: "short", Unit: "packets", Help: "passed on unmodified: no room for two addresses"},
	},
	New: module.New(create),
}

// countShort is the index of the counter in Class.Counters.
const countShort = 0

// MACSwap is an instance. It has no state.
type MACSwap struct{}

func create(*module.Env, *api.EmptyArg) (*MACSwap, error) { return &MACSwap{}, nil }

// Process exchanges bytes 0..5 and 6..11 of every packet.
func (*MACSwap) Process(ctx *module.Context, b *packet.Batch) {
	short := 0
	for _, p := range b.Packets() {
		d := p.Bytes()
		if len(d) < 12 {
			short++
			continue
		}
		// As little-endian numbers: lo is d0..d5 s0 s1, hi is s2..s5.
		lo, hi := binary.LittleEndian.Uint64(d), binary.LittleEndian.Uint32(d[8:12])
		binary.LittleEndian.PutUint64(d, lo>>48|uint64(hi)<<16|lo<<48)
		binary.LittleEndian.PutUint32(d[8:12], uint32(lo>>16))
	}
	if short > 0 {
		ctx.Count(countShort, uint64(short))
	}
	ctx.EmitBatch(b, 0)
}
