// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vxlanencap is the module class VXLANEncap: UDP and VXLAN headers
// from metadata (RFC 7348; spec: modules/headers.md).
package vxlanencap

import (
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "VXLANEncap",
	Prefix:     "vxlan_encap",
	Help:       "puts UDP and VXLAN headers in front of every frame",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*VXLANEncapArg)(nil),
	Attrs:      attrs,
	Counters: []module.CounterDoc{
		countNoRoom: {Name: "no_headroom", Unit: "packets", Help: "passed on unmodified: no room for the headers in front"},
		countLong:   {Name: "too_long", Unit: "packets", Help: "dropped: with the headers more than the 65535 bytes UDP can have"},
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
	attrTunSrc = iota
	attrTunDst
	attrTunID
	attrSrc
	attrDst
	attrProto
)

var attrs = []module.AttrDoc{
	attrTunSrc: {Name: "tun_ip_src", Size: "4", Mode: module.Read, Help: "outer source address, as on the wire"},
	attrTunDst: {Name: "tun_ip_dst", Size: "4", Mode: module.Read, Help: "outer destination address, as on the wire"},
	attrTunID:  {Name: "tun_id", Size: "4", Mode: module.Read, Help: "network identifier, as on the wire; the low 24 bits count"},
	attrSrc:    {Name: "ip_src", Size: "4", Mode: module.Write, Help: "tun_ip_src, for IPEncap"},
	attrDst:    {Name: "ip_dst", Size: "4", Mode: module.Write, Help: "tun_ip_dst, for IPEncap"},
	attrProto:  {Name: "ip_proto", Size: "1", Mode: module.Write, Help: "17, for IPEncap"},
}

const (
	defaultPort = 4789
	// maxLen is the longest frame that the length of UDP can describe.
	maxLen = 0xffff - header.UDPLen - header.VXLANLen
)

// validate returns the destination port.
func validate(arg *VXLANEncapArg) (uint16, error) {
	switch port := arg.GetDstport(); {
	case port == 0:
		return defaultPort, nil
	case port > 0xffff:
		return 0, module.Invalid("dstport", port, "must be 0..65535")
	default:
		return uint16(port), nil
	}
}

// VXLANEncap is an instance. Safe for use by several workers.
type VXLANEncap struct {
	port atomic.Uint32 // 1..65535
}

func create(env *module.Env, arg *VXLANEncapArg) (*VXLANEncap, error) {
	m := &VXLANEncap{}
	if err := m.Update(arg); err != nil {
		return nil, err
	}
	return m, env.AddAttrs(attrs)
}

// Update takes a new creation argument.
func (m *VXLANEncap) Update(arg proto.Message) error {
	port, err := validate(arg.(*VXLANEncapArg))
	if err != nil {
		return err
	}
	m.port.Store(uint32(port))
	return nil
}

// Process puts the headers in front of the frames and sends them to gate 0.
func (m *VXLANEncap) Process(ctx *module.Context, b *packet.Batch) {
	e := newEncap(ctx, uint16(m.port.Load()))
	var hashes [packet.BatchSize]uint32
	hash(b.Packets(), &hashes)
	noRoom, long := e.push(b.Packets(), &hashes)
	if noRoom > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
	}
	if long != 0 {
		ctx.Count(countLong, uint64(ctx.DropMarked(b, long)))
	}
	ctx.EmitBatch(b, 0)
}

// vxlanFlags says that the identifier is valid, in the order of memory.
const vxlanFlags = 0x08

// encap is what the packets of a batch have in common.
type encap struct {
	port               uint64 // where the UDP header has it
	tunSrc, tunDst, id packet.Attr
	src, dst, proto    packet.Attr
}

func newEncap(ctx *module.Context, port uint16) encap {
	return encap{
		port:   uint64(port) << 32,
		tunSrc: packet.AttrAt(ctx.Attr(attrTunSrc), 4), tunDst: packet.AttrAt(ctx.Attr(attrTunDst), 4), id: packet.AttrAt(ctx.Attr(attrTunID), 4),
		src: packet.AttrAt(ctx.Attr(attrSrc), 4), dst: packet.AttrAt(ctx.Attr(attrDst), 4), proto: packet.AttrAt(ctx.Attr(attrProto), 1),
	}
}

// push puts the headers in front of the packets. It returns how many had no room
// for them, and which are too long as bits.
func (e *encap) push(ps []packet.Packet, hashes *[packet.BatchSize]uint32) (noRoom int, long uint64) {
	for i, p := range ps {
		size := p.TotalLen()
		if size > maxLen {
			long |= 1 << (i & 63)
			continue
		}
		d := p.Push(header.UDPLen + header.VXLANLen)
		if d == nil {
			noRoom++
			continue
		}
		md := p.Metadata()
		sport := uint16(hashes[i&(packet.BatchSize-1)]) | portBits
		length := uint16(size + header.UDPLen + header.VXLANLen)
		d.Put64(0, bits.ReverseBytes64(uint64(sport)<<48|e.port|uint64(length)<<16))
		d.Put64(8, vxlanFlags|uint64(e.id.Load32(md)>>8)<<32)
		e.src.Store32(md, e.tunSrc.Load32(md))
		e.dst.Store32(md, e.tunDst.Load32(md))
		e.proto.Store8(md, header.ProtoUDP)
	}
	return noRoom, long
}
