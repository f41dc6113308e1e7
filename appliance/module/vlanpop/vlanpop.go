// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vlanpop is the module class VLANPop: it removes the outermost VLAN
// tag (spec: modules/headers.md).
package vlanpop

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "VLANPop",
	Prefix:     "vlan_pop",
	Help:       "removes the outermost VLAN tag",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countUntagged: {Name: "untagged", Unit: "packets", Help: "passed on unmodified: no VLAN tag"},
	},
	New: module.New(create),
}

// countUntagged is the index of the counter in Class.Counters.
const countUntagged = 0

// VLANPop is an instance. It has no state.
type VLANPop struct{}

func create(*module.Env, *api.EmptyArg) (*VLANPop, error) { return &VLANPop{}, nil }

// Process removes the tags and sends everything to gate 0.
func (*VLANPop) Process(ctx *module.Context, b *packet.Batch) {
	if left := packet.PopTags(b.Packets(), header.RawVLAN, header.RawQinQ); left != 0 {
		ctx.Count(countUntagged, uint64(bits.OnesCount64(left)))
	}
	ctx.EmitBatch(b, 0)
}
