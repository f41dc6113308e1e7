// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package merge is the module class Merge: many input gates, one output gate
// (spec: modules/classify.md).
package merge

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Merge",
	Prefix:     "merge",
	Help:       "passes packets from all input gates on to gate 0",
	IGates:     module.MaxGates,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	New:        module.New(create),
}

// Merge is an instance. It has no state.
type Merge struct{}

func create(*module.Env, *api.EmptyArg) (*Merge, error) { return &Merge{}, nil }

// Process passes the batch on unchanged.
func (*Merge) Process(ctx *module.Context, b *packet.Batch) { ctx.EmitBatch(b, 0) }
