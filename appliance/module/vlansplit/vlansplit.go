// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vlansplit is the module class VLANSplit: a gate for each VLAN (spec:
// modules/classify.md).
package vlansplit

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "VLANSplit",
	Prefix:     "vlan_split",
	Help:       "removes the outermost VLAN tag and sends the packet to the gate of its VLAN id",
	IGates:     1,
	OGates:     header.MaxVID + 1,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countUntagged: {Name: "untagged", Unit: "packets", Help: "sent to gate 0 unmodified: no VLAN tag"},
	},
	New: module.New(create),
}

// countUntagged is the index of the counter in Class.Counters.
const countUntagged = 0

// VLANSplit is an instance. It has no state.
type VLANSplit struct{}

func create(*module.Env, *api.EmptyArg) (*VLANSplit, error) { return &VLANSplit{}, nil }

// Process removes the tags and sends every packet to its gate.
func (*VLANSplit) Process(ctx *module.Context, b *packet.Batch) {
	untagged := 0
	for _, p := range b.Packets() {
		gate := 0
		if tci, ok := header.PopTag(p.Bytes()); ok {
			p.Adjust(header.VLANLen)
			gate = int(tci & header.MaxVID)
		} else {
			untagged++
		}
		ctx.Emit(p, gate)
	}
	if untagged > 0 {
		ctx.Count(countUntagged, uint64(untagged))
	}
}
