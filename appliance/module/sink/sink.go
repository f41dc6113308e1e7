// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package sink is the module class Sink: the end of a road (spec:
// modules/sources-sinks.md).
package sink

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Sink",
	Prefix:     "sink",
	Help:       "frees every packet, without counting it as a drop",
	IGates:     1,
	MaxWorkers: module.MaxWorkers,
	New:        module.New(create),
}

// Sink is an instance. It has no state.
type Sink struct{}

func create(*module.Env, *api.EmptyArg) (*Sink, error) { return &Sink{}, nil }

// Process frees the batch. Being here is what the packets were for, so they
// are no dead ends.
func (*Sink) Process(ctx *module.Context, b *packet.Batch) { ctx.FreeBatch(b) }
