// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vxlanencap is the module class VXLANEncap: UDP and VXLAN headers
// from metadata (RFC 7348; spec: modules/headers.md).
package vxlanencap

import (
	"encoding/binary"
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
	port := uint16(m.port.Load())
	tunSrc, tunDst, tunID := ctx.Attr(attrTunSrc), ctx.Attr(attrTunDst), ctx.Attr(attrTunID)
	src, dst, protocol := ctx.Attr(attrSrc), ctx.Attr(attrDst), ctx.Attr(attrProto)
	noRoom, long, n := 0, 0, 0
	slots := b.Slots()
	var sports [packet.BatchSize]uint16
	for i, p := range b.Packets() {
		sports[i&(packet.BatchSize-1)] = entropy(p.Bytes())
	}
	for i, p := range b.Packets() {
		size := p.TotalLen()
		if size > maxLen {
			long++
			ctx.Drop(p)
			continue
		}
		slots[n] = p
		n++
		if !p.Prepend(header.UDPLen + header.VXLANLen) {
			noRoom++
			continue
		}
		md := p.Metadata()
		encode(p.Bytes(), sports[i&(packet.BatchSize-1)], port, size, packet.Meta32(md, tunID))
		packet.SetMeta32(md, src, packet.Meta32(md, tunSrc))
		packet.SetMeta32(md, dst, packet.Meta32(md, tunDst))
		packet.SetMeta8(md, protocol, header.ProtoUDP)
	}
	b.SetLen(n)
	if noRoom|long > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
		ctx.Count(countLong, uint64(long))
	}
	ctx.EmitBatch(b, 0)
}

// encode writes both headers in front of a frame of size bytes. id is the
// network identifier as its four bytes lie in memory.
func encode(d []byte, sport, dport uint16, size int, id uint32) {
	_ = d[header.UDPLen+header.VXLANLen-1]
	length := uint64(size + header.UDPLen + header.VXLANLen)
	binary.BigEndian.PutUint64(d[0:8], uint64(sport)<<48|uint64(dport)<<32|length<<16)
	header.VXLAN(d[header.UDPLen:]).Encode(bits.ReverseBytes32(id))
}
