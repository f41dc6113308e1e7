// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package buffer is the module class Buffer: it makes full batches (spec:
// modules/stateful.md).
package buffer

import (
	"time"

	"google.golang.org/protobuf/proto"

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
	TaskField:  "flush_timeout_ns",
	MaxWorkers: 1,
	Holds:      true,
	Arg:        (*BufferArg)(nil),
	Counters: []module.CounterDoc{
		countFlushed: {Name: "flushed", Unit: "packets", Help: "sent on before their batch was full, because of the timeout"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const countFlushed = 0

// maxTimeout is the longest that packets may be asked to wait.
const maxTimeout = time.Minute

// validate returns the timeout in nanoseconds, 0 for none.
func validate(arg *BufferArg) (uint64, error) {
	if ns := arg.GetFlushTimeoutNs(); ns > uint64(maxTimeout) {
		return 0, module.Invalid("flush_timeout_ns", ns, "must be at most %d", uint64(maxTimeout))
	}
	return arg.GetFlushTimeoutNs(), nil
}

func create(env *module.Env, arg *BufferArg) (module.Module, error) {
	timeout, err := validate(arg)
	if err != nil {
		return nil, err
	}
	if timeout > 0 {
		return newTimed(env, timeout), nil
	}
	return &Buffer{pool: env.Pool()}, nil
}

// Buffer is an instance without timeout, for one worker.
type Buffer struct {
	pool *packet.Pool
	kept packet.Batch // never full between two calls of Process
}

// Update takes the same again; a timeout needs an instance with a task.
func (*Buffer) Update(arg proto.Message) error {
	if timeout, err := validate(arg.(*BufferArg)); err != nil || timeout == 0 {
		return err
	}
	return module.ErrRebuild
}

// Process sends a full batch to gate 0 as soon as there is one and keeps the
// rest.
func (m *Buffer) Process(ctx *module.Context, b *packet.Batch) {
	if m.fill(b) {
		ctx.EmitBatch(b, 0)
	}
}

// fill makes b a full batch that begins with the packets kept, and keeps what
// is too much. If there are too few it keeps them, too, and leaves b empty.
func (m *Buffer) fill(b *packet.Batch) bool {
	ps := b.Packets()
	fit := m.kept.Room()
	if len(ps) < fit {
		m.kept.Append(ps)
		b.Clear()
		return false
	}
	var rest [packet.BatchSize]packet.Packet
	n := copy(rest[:], ps[fit:])
	slots := b.Slots()
	copy(slots[m.kept.Len():], ps[:fit])
	copy(slots, m.kept.Packets())
	b.SetLen(packet.BatchSize)
	m.kept.Clear()
	m.kept.Append(rest[:n])
	return true
}

// Close frees what is left.
func (m *Buffer) Close() {
	cache := m.pool.NewCache()
	cache.FreeBatch(&m.kept)
	cache.Close()
}
