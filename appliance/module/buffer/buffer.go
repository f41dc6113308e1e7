// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package buffer is the module class Buffer: it makes full batches (spec:
// modules/stateful.md).
package buffer

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Buffer",
	Prefix:     "buffer",
	Help:       "collects packets and sends them on in full batches",
	IGates:     1,
	OGates:     1,
	MaxWorkers: 1,
	Holds:      true,
	New:        module.New(create),
}

// Buffer is an instance, for one worker.
type Buffer struct {
	pool *packet.Pool
	kept packet.Batch // never full between two calls of Process
}

func create(env *module.Env, _ *api.EmptyArg) (*Buffer, error) {
	return &Buffer{pool: env.Pool()}, nil
}

// Process sends a full batch to gate 0 as soon as there is one and keeps the
// rest.
func (m *Buffer) Process(ctx *module.Context, b *packet.Batch) {
	ps := b.Packets()
	fit := min(m.kept.Room(), len(ps))
	m.kept.Append(ps[:fit])
	if m.kept.Full() {
		ctx.EmitBatch(&m.kept, 0) // which leaves it empty
		m.kept.Append(ps[fit:])
	}
	b.Clear()
}

// Close frees what is left.
func (m *Buffer) Close() {
	cache := m.pool.NewCache()
	cache.FreeBatch(&m.kept)
	cache.Close()
}
