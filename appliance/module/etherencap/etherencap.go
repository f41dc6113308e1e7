// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package etherencap is the module class EtherEncap: an Ethernet header from
// metadata (spec: modules/headers.md).
package etherencap

import (
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "EtherEncap",
	Prefix:     "ether_encap",
	Help:       "puts an Ethernet header made of metadata in front of every packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*EtherEncapArg)(nil),
	Attrs:      attrs,
	Counters: []module.CounterDoc{
		countNoRoom: {Name: "no_headroom", Unit: "packets", Help: "passed on unmodified: no room for the header in front"},
	},
	New: module.New(create),
}

// Indexes into attrs.
const (
	attrSrc = iota
	attrDst
	attrType
)

var attrs = []module.AttrDoc{
	attrSrc:  {Name: "ether_src", Size: "6", Mode: module.Read, Help: "source address"},
	attrDst:  {Name: "ether_dst", Size: "6", Mode: module.Read, Help: "destination address"},
	attrType: {Name: "ether_type", Size: "2", Mode: module.Read, Help: "EtherType as on the wire"},
}

// countNoRoom is the index of the counter in Class.Counters.
const countNoRoom = 0

// EtherEncap is an instance. It has no state.
type EtherEncap struct{}

func create(env *module.Env, _ *EtherEncapArg) (*EtherEncap, error) {
	return &EtherEncap{}, env.AddAttrs(attrs)
}

// Process puts the header in front of the packets and sends them to gate 0.
func (*EtherEncap) Process(ctx *module.Context, b *packet.Batch) {
	src, dst := packet.AttrAt(ctx.Attr(attrSrc), 6), packet.AttrAt(ctx.Attr(attrDst), 6)
	typ := packet.AttrAt(ctx.Attr(attrType), 2)
	noRoom := 0
	for _, p := range b.Packets() {
		d := p.Push(header.EthernetLen)
		if d == nil {
			noRoom++
			continue
		}
		md := p.Metadata()
		from := src.Load48(md)
		d.Put64(0, dst.Load48(md)|from<<48)
		d.Put64(6, from|uint64(typ.Load16(md))<<48)
	}
	if noRoom > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
	}
	ctx.EmitBatch(b, 0)
}
