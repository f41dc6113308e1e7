// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package track is the gate hook Track (spec: api.md section 6.8).
package track

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes Track.
var Class = &hook.Class{
	Name:     "Track",
	Prefix:   "track",
	Help:     "counts batches and packets, and bytes if asked to",
	Priority: 0,
	Arg:      (*api.TrackArg)(nil),
	Commands: []hook.Command{{
		Name: "reset", Help: "counts from zero again", Arg: (*api.EmptyArg)(nil), Run: reset,
	}},
	New: hook.New(create),
}

// Track is an attached hook. Every worker has cells of its own. A cell never
// changes its mind about counting bytes: there is a second set for that, so
// that workers need not be stopped to turn it on.
type Track struct {
	bits  atomic.Bool
	cells [2][module.MaxWorkers]atomic.Pointer[module.TrackCell] // without and with bytes
	base  hook.Counts                                            // at the last reset; control side
}

func create(_ hook.Gate, arg *api.TrackArg) (*Track, error) {
	t := &Track{}
	t.bits.Store(arg.GetBits())
	return t, nil
}

// Cell returns the counters of a worker, the same on every call until Update
// turns the counting of bytes on or off.
func (t *Track) Cell(worker int) *module.TrackCell {
	bits := t.bits.Load()
	set := &t.cells[0]
	if bits {
		set = &t.cells[1]
	}
	c := set[worker].Load()
	for c == nil {
		set[worker].CompareAndSwap(nil, &module.TrackCell{Bits: bits})
		c = set[worker].Load()
	}
	return c
}

// Run counts a batch. It is only called for hooks that the graph does not
// count inline, that is all but the first Track of a gate.
func (t *Track) Run(ctx *module.Context, b *packet.Batch) {
	c := t.Cell(ctx.Worker)
	n := uint64(b.Len())
	c.Batches.Add(1)
	c.Packets.Add(n)
	if c.Bits {
		c.Bytes.Add(b.Bytes() + n*packet.Overhead)
	}
}

// Counts returns the sums over all workers since the last reset.
func (t *Track) Counts() hook.Counts {
	n := t.sum()
	n.Batches -= t.base.Batches
	n.Packets -= t.base.Packets
	n.Bytes -= t.base.Bytes
	return n
}

func (t *Track) sum() hook.Counts {
	var n hook.Counts
	for i := range t.cells {
		for j := range t.cells[i] {
			if c := t.cells[i][j].Load(); c != nil {
				n.Batches += c.Batches.Load()
				n.Packets += c.Packets.Load()
				n.Bytes += c.Bytes.Load()
			}
		}
	}
	return n
}

// Update turns the counting of bytes on or off. What was counted stays.
func (t *Track) Update(arg proto.Message) error {
	t.bits.Store(arg.(*api.TrackArg).GetBits())
	return nil
}

// reset leaves the workers' counters alone, so that none of them can lose a
// count to it.
func reset(h hook.Hook, _ proto.Message) (proto.Message, error) {
	t := h.(*Track)
	t.base = t.sum()
	return nil, nil
}

// Close has nothing to end.
func (t *Track) Close() {}
