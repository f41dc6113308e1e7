// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ipencap is the module class IPEncap: an IPv4 header from metadata
// (spec: modules/headers.md).
package ipencap

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPEncap",
	Prefix:     "ip_encap",
	Help:       "puts an IPv4 header made of metadata in front of every packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*IPEncapArg)(nil),
	Attrs:      attrs,
	Counters: []module.CounterDoc{
		countNoRoom: {Name: "no_headroom", Unit: "packets", Help: "passed on unmodified: no room for the header in front"},
		countLong:   {Name: "too_long", Unit: "packets", Help: "dropped: with the header more than the 65535 bytes IPv4 can have"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countNoRoom = iota
	countLong
)

// Indexes into attrs.
const (
	attrSrc = iota
	attrDst
	attrProto
	attrNextHop
	attrType
)

var attrs = []module.AttrDoc{
	attrSrc:     {Name: "ip_src", Size: "4", Mode: module.Read, Help: "source address, as on the wire"},
	attrDst:     {Name: "ip_dst", Size: "4", Mode: module.Read, Help: "destination address, as on the wire"},
	attrProto:   {Name: "ip_proto", Size: "1", Mode: module.Read, Help: "protocol of what follows"},
	attrNextHop: {Name: "ip_nexthop", Size: "4", Mode: module.Write, Help: "the destination address"},
	attrType:    {Name: "ether_type", Size: "2", Mode: module.Write, Help: "0x0800, as on the wire"},
}

// The first four bytes of the header without the total length, the next four
// (don't fragment) and the TTL, in the order of memory.
const (
	versionLen   = 0x0045
	dontFragment = uint64(header.IPv4DontFragment>>8) << 48
	ttl          = 64
	typeIPv4     = header.TypeIPv4 >> 8
)

// maxLen is the longest packet that the total length can describe with the
// header in front.
const maxLen = 0xffff - header.IPv4MinLen

// IPEncap is an instance. It has no state.
type IPEncap struct{}

func create(env *module.Env, _ *IPEncapArg) (*IPEncap, error) {
	return &IPEncap{}, env.AddAttrs(attrs)
}

// Process puts the header in front of the packets and sends them to gate 0.
func (*IPEncap) Process(ctx *module.Context, b *packet.Batch) {
	srcAt, dstAt, protoAt := ctx.Attr(attrSrc), ctx.Attr(attrDst), ctx.Attr(attrProto)
	nextAt, typeAt := ctx.Attr(attrNextHop), ctx.Attr(attrType)
	noRoom, long, n := 0, 0, 0
	slots := b.Slots()
	for _, p := range b.Packets() {
		size := p.TotalLen()
		if size > maxLen {
			long++
			ctx.Drop(p)
			continue
		}
		slots[n] = p
		n++
		if !p.Prepend(header.IPv4MinLen) {
			noRoom++
			continue
		}
		md := p.Metadata()
		src, dst := packet.Meta32(md, srcAt), packet.Meta32(md, dstAt)
		encode(p.Bytes(), size+header.IPv4MinLen, packet.Meta8(md, protoAt), src, dst)
		packet.SetMeta32(md, nextAt, dst)
		packet.SetMeta16(md, typeAt, typeIPv4)
	}
	b.SetLen(n)
	if noRoom|long > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
		ctx.Count(countLong, uint64(long))
	}
	ctx.EmitBatch(b, 0)
}

// encode writes the header; the addresses are in the order of memory. The sum
// of RFC 1071 does not depend on the order of bytes, so it is taken from the
// very words that are stored.
func encode(d []byte, total int, proto uint8, src, dst uint32) {
	_ = d[header.IPv4MinLen-1]
	first := versionLen | uint64(bits.ReverseBytes16(uint16(total)))<<16 | dontFragment
	second := uint32(ttl) | uint32(proto)<<8
	sum := first>>32 + first&0xffff_ffff + uint64(second) + uint64(src) + uint64(dst)
	binary.LittleEndian.PutUint64(d[0:8], first)
	binary.LittleEndian.PutUint32(d[8:12], second|uint32(^header.Fold64(sum))<<16)
	binary.LittleEndian.PutUint32(d[12:16], src)
	binary.LittleEndian.PutUint32(d[16:20], dst)
}
