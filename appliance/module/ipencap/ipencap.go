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

// Parts of the header in the order of memory.
const (
	versionLen   = uint64(0x0045)                           // of bytes 0..7: no options
	dontFragment = uint64(header.IPv4DontFragment>>8) << 48 // the same
	ttl          = uint64(64)                               // of bytes 8..11
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
	at := packet.IPv4Places{
		Src: ctx.Attr(attrSrc), Dst: ctx.Attr(attrDst), Proto: ctx.Attr(attrProto),
		NextHop: ctx.Attr(attrNextHop), Type: ctx.Attr(attrType),
	}
	if left := packet.PushIPv4(b.Packets(), at); left != 0 {
		pushEach(ctx, b, at, left)
	}
	ctx.EmitBatch(b, 0)
}

// pushEach does what Process does to those packets of b that are left, in bits,
// and drops the ones that are too long.
func pushEach(ctx *module.Context, b *packet.Batch, at packet.IPv4Places, left uint64) {
	e := newEncap(at)
	noRoom, long := e.push(b.Packets(), left)
	if noRoom > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
	}
	if long != 0 {
		ctx.Count(countLong, uint64(ctx.DropMarked(b, long)))
	}
}

// encap are the attributes that the header is made of and those that are
// written.
type encap struct{ src, dst, proto, next, typ packet.Attr }

func newEncap(at packet.IPv4Places) encap {
	return encap{
		src: packet.AttrAt(at.Src, 4), dst: packet.AttrAt(at.Dst, 4), proto: packet.AttrAt(at.Proto, 1),
		next: packet.AttrAt(at.NextHop, 4), typ: packet.AttrAt(at.Type, 2),
	}
}

// push puts the header in front of the packets that are left, in bits. It returns
// how many had no room for it, and which are too long, in bits.
func (e *encap) push(ps []packet.Packet, left uint64) (noRoom int, long uint64) {
	for ; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		p := ps[i]
		size := p.TotalLen()
		if size > maxLen {
			long |= 1 << (i & 63)
			continue
		}
		d := p.Push(header.IPv4MinLen)
		if d == nil {
			noRoom++
			continue
		}
		md := p.Metadata()
		length, rest := uint64(bits.ReverseBytes16(uint16(size+header.IPv4MinLen))), ttl|uint64(e.proto.Load8(md))<<8
		from, to := e.src.Load32(md), e.dst.Load32(md)
		sum := checksum(length + rest + uint64(from) + uint64(to))
		d.Put64(0, versionLen|dontFragment|length<<16)
		d.Put64(8, rest|sum<<16|uint64(from)<<32)
		binary.LittleEndian.PutUint32(d[16:20], to)
		e.next.Store32(md, to)
		e.typ.Store16(md, typeIPv4)
	}
	return noRoom, long
}

// checksum returns the header's checksum in the order of memory. words are all
// that differ between packets, added up: the sum of RFC 1071 depends neither
// on the order of bytes nor on which of the 16-bit words a number is added to.
func checksum(words uint64) uint64 {
	return uint64(^header.Fold64(words + versionLen + dontFragment>>48))
}
