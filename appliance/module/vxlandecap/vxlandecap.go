// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vxlandecap is the module class VXLANDecap: it removes everything in
// front of the inner frame (RFC 7348; spec: modules/headers.md).
package vxlandecap

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "VXLANDecap",
	Prefix:     "vxlan_decap",
	Help:       "removes the outer Ethernet, IPv4, UDP and VXLAN headers",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*VXLANDecapArg)(nil),
	Attrs:      attrs,
	Counters: []module.CounterDoc{
		countOther: {Name: "not_vxlan", Unit: "packets", Help: "passed on unmodified: not VXLAN over IPv4"},
	},
	New: module.New(create),
}

// countOther is the index of the counter in Class.Counters.
const countOther = 0

// Indexes into attrs.
const (
	attrSrc = iota
	attrDst
	attrID
)

var attrs = []module.AttrDoc{
	attrSrc: {Name: "tun_ip_src", Size: "4", Mode: module.Write, Help: "outer source address, as on the wire"},
	attrDst: {Name: "tun_ip_dst", Size: "4", Mode: module.Write, Help: "outer destination address, as on the wire"},
	attrID:  {Name: "tun_id", Size: "4", Mode: module.Write, Help: "network identifier, as on the wire"},
}

// VXLANDecap is an instance. It has no state.
type VXLANDecap struct{}

func create(env *module.Env, _ *VXLANDecapArg) (*VXLANDecap, error) {
	return &VXLANDecap{}, env.AddAttrs(attrs)
}

// Process removes the headers and sends everything to gate 0.
func (*VXLANDecap) Process(ctx *module.Context, b *packet.Batch) {
	src, dst, id := ctx.Attr(attrSrc), ctx.Attr(attrDst), ctx.Attr(attrID)
	other := 0
	for _, p := range b.Packets() {
		o, ok := parse(p.Bytes(), p.TotalLen())
		if !ok {
			other++
			continue
		}
		p.Adjust(o.strip)
		if rest := o.inner; p.TotalLen() > rest {
			p.Trim(rest) // padding of the outer frame
		}
		md := p.Metadata()
		packet.SetMeta32(md, src, bits.ReverseBytes32(o.ip.Src()))
		packet.SetMeta32(md, dst, bits.ReverseBytes32(o.ip.Dst()))
		packet.SetMeta32(md, id, bits.ReverseBytes32(o.vni))
	}
	if other > 0 {
		ctx.Count(countOther, uint64(other))
	}
	ctx.EmitBatch(b, 0)
}

// minLen is the least length of UDP with VXLAN and a frame.
const minLen = header.UDPLen + header.VXLANLen + header.EthernetLen

// outer is what is known about the headers to remove.
type outer struct {
	ip    header.IPv4
	vni   uint32
	strip int // bytes in front of the inner frame
	inner int // bytes of the inner frame
}

// parse reads the outer headers, of which the frame's first segment must hold
// all; total is the length of the whole frame. The destination port is not
// looked at: it is a matter of configuration (VXLANEncap's dstport). Fragments
// are not VXLAN: they have to be put together first.
func parse(frame []byte, total int) (o outer, ok bool) {
	etherType, at, ok := header.SkipTags(frame)
	if !ok || etherType != header.TypeIPv4 {
		return o, false
	}
	if o.ip, ok = header.ParseIPv4(frame, at); !ok || o.ip.Protocol() != header.ProtoUDP || o.ip.IsFragment() {
		return o, false
	}
	at += o.ip.HeaderLen()
	udp, ok := header.ParseUDP(frame, at)
	if !ok || udp.Length() < minLen || at+udp.Length() > total {
		return o, false
	}
	vxlan, ok := header.ParseVXLAN(frame, at+header.UDPLen)
	if !ok {
		return o, false
	}
	o.vni = vxlan.VNI()
	o.strip = at + header.UDPLen + header.VXLANLen
	o.inner = udp.Length() - header.UDPLen - header.VXLANLen
	return o, true
}
