// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ipfrag is the module class IPFrag: IPv4 fragmentation (RFC 791; spec:
// modules/mobile.md).
package ipfrag

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPFrag",
	Prefix:     "ip_frag",
	Help:       "cuts IPv4 packets that are too long into fragments",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*IPFragArg)(nil),
	Counters: []module.CounterDoc{
		countCut:       {Name: "fragmented", Unit: "packets", Help: "cut into fragments"},
		countFragments: {Name: "fragments", Unit: "packets", Help: "fragments made of them"},
		countDF:        {Name: "dont_fragment", Unit: "packets", Help: "sent to gate 0: too long, and the flag forbids to fragment"},
		countRefused:   {Name: "impossible", Unit: "packets", Help: "sent to gate 0: more than 64 fragments, no room for 8 bytes of payload, or payload beyond what IPv4 can number"},
		countNoBuffer:  {Name: "no_buffer", Unit: "packets", Help: "sent to gate 0: no packet buffers left for the fragments"},
	},
	Commands: []module.Command{
		module.Ask("get_eth_mtu", module.Concurrent, "the longest frame", (*IPFrag).getEthMTU),
	},
	New: module.New(create),
}

// Indexes into Class.Counters. A packet that is sent to gate 0 has the index
// of its counter as reason.
const (
	countCut = iota
	countFragments
	countDF
	countRefused
	countNoBuffer
)

const (
	// fcsLen is the frame check sequence, which the MTU includes and packets
	// do not have.
	fcsLen = 4
	minMTU = 65
	// minFrame is the shortest Ethernet frame without check sequence.
	minFrame = 60
	// maxFragments is the most that one packet is cut into.
	maxFragments = packet.BatchSize
)

// validate returns the longest frame without check sequence.
func validate(arg *IPFragArg) (int32, error) {
	if arg.GetMtu() < minMTU {
		return 0, module.Invalid("mtu", arg.GetMtu(), "must be %d bytes or more", minMTU)
	}
	return arg.GetMtu() - fcsLen, nil
}

// IPFrag is an instance. Safe for use by several workers.
type IPFrag struct {
	limit atomic.Int32 // bytes of the longest frame, without check sequence
}

func create(_ *module.Env, arg *IPFragArg) (*IPFrag, error) {
	m := &IPFrag{}
	return m, m.Update(arg)
}

// Update takes a new creation argument.
func (m *IPFrag) Update(arg proto.Message) error {
	n, err := validate(arg.(*IPFragArg))
	if err != nil {
		return err
	}
	m.limit.Store(n)
	return nil
}

func (m *IPFrag) getEthMTU(*api.EmptyArg) (*IPFragArg, error) {
	return &IPFragArg{Mtu: m.limit.Load() + fcsLen}, nil
}

// Process sends short packets and fragments to gate 1 and what must not or
// cannot be cut to gate 0.
func (m *IPFrag) Process(ctx *module.Context, b *packet.Batch) {
	limit := int(m.limit.Load())
	if fits(b, limit) {
		ctx.EmitBatch(b, 1)
		return
	}
	for _, p := range b.Packets() {
		if p.TotalLen() <= limit {
			ctx.Emit(p, 1)
			continue
		}
		pl, ok := newPlan(p, limit)
		switch {
		case !ok: // not IPv4
			ctx.Emit(p, 1)
		case pl.refused != 0:
			ctx.Count(pl.refused, 1)
			ctx.Emit(p, 0)
		case !pl.run(ctx, p):
			ctx.Count(countNoBuffer, 1)
			ctx.Emit(p, 0)
		default:
			if pl.count > 1 {
				ctx.Count(countCut, 1)
				ctx.Count(countFragments, uint64(pl.count))
			}
			ctx.Free(p)
		}
	}
}

// fits reports whether no packet is too long.
func fits(b *packet.Batch, limit int) bool {
	for _, p := range b.Packets() {
		if p.TotalLen() > limit {
			return false
		}
	}
	return true
}
