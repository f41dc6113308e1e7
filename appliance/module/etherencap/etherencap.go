// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package etherencap is the module class EtherEncap: an Ethernet header from
// metadata (spec: modules/headers.md).
package etherencap

import (
	"encoding/binary"

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
	src, dst, typ := ctx.Attr(attrSrc), ctx.Attr(attrDst), ctx.Attr(attrType)
	noRoom := 0
	for _, p := range b.Packets() {
		if !p.Prepend(header.EthernetLen) {
			noRoom++
			continue
		}
		md, d := p.Metadata(), p.Bytes()[:header.EthernetLen]
		s := mac(md, src)
		binary.LittleEndian.PutUint64(d[0:8], mac(md, dst)|s<<48)
		binary.LittleEndian.PutUint32(d[8:12], uint32(s>>16))
		binary.LittleEndian.PutUint16(d[12:14], packet.Meta16(md, typ))
	}
	if noRoom > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
	}
	ctx.EmitBatch(b, 0)
}

// mac returns the six bytes of an attribute, the first at the bottom.
func mac(md *[packet.MetadataSize]byte, off int) uint64 {
	if off < 0 {
		return 0
	}
	return uint64(packet.Meta32(md, off)) | uint64(packet.Meta16(md, off+4))<<32
}
