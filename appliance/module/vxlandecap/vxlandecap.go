// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package vxlandecap is the module class VXLANDecap: it removes everything in
// front of the inner frame (RFC 7348; spec: modules/headers.md).
package vxlandecap

import (
	"encoding/binary"
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
	at := packet.VXLANPlaces{Src: ctx.Attr(attrSrc), Dst: ctx.Attr(attrDst), ID: ctx.Attr(attrID)}
	if left := packet.PullVXLAN(b.Packets(), at); left != 0 {
		to := newAttributes(at)
		ctx.Count(countOther, uint64(to.pull(b.Packets(), left)))
	}
	ctx.EmitBatch(b, 0)
}

// attributes are the places of what a tunnel's headers said.
type attributes struct{ src, dst, id packet.Attr }

func newAttributes(at packet.VXLANPlaces) attributes {
	return attributes{packet.AttrAt(at.Src, 4), packet.AttrAt(at.Dst, 4), packet.AttrAt(at.ID, 4)}
}

// pull removes the headers from those packets that are left, in bits, and
// returns how many are not VXLAN.
func (a *attributes) pull(ps []packet.Packet, left uint64) (other int) {
	for ; left != 0; left &= left - 1 {
		p := ps[bits.TrailingZeros64(left)]
		total := p.TotalLen()
		d := p.Front(plainLen)
		if d == nil || !plain((*[plainLen]byte)(d[:]), total) {
			if !a.unusual(p) {
				other++
			}
			continue
		}
		a.set(p.Metadata(), le.Uint64(d[26:34]), le.Uint32(d[46:50]))
		inner := int(be.Uint16(d[38:40])) - header.UDPLen - header.VXLANLen
		p.Pull(plainLen)
		if total-plainLen > inner {
			p.Trim(inner) // padding of the outer frame
		}
	}
	return other
}

// set writes the attributes: both addresses and the second half of the VXLAN
// header as they lie in the packet.
func (a *attributes) set(md *[packet.MetadataSize]byte, addrs uint64, vni uint32) {
	a.src.Store32(md, uint32(addrs))
	a.dst.Store32(md, uint32(addrs>>32))
	a.id.Store32(md, vni<<8) // 0 and the three bytes of the VNI
}

// unusual does what pull does for any packet and reports whether it was
// VXLAN.
func (a *attributes) unusual(p packet.Packet) bool {
	d, total := p.Bytes(), p.TotalLen()
	ip, udp := find(d)
	inner, ok := payload(d, udp, total)
	if !ok {
		return false
	}
	a.set(p.Metadata(), le.Uint64(d[ip+12:]), le.Uint32(d[udp+header.UDPLen+4:]))
	strip := udp + header.UDPLen + header.VXLANLen
	p.Pull(strip)
	if total-strip > inner {
		p.Trim(inner)
	}
	return true
}

var le, be = binary.LittleEndian, binary.BigEndian

// The usual headers: no tags, no options, no fragment.
const (
	plainUDP = header.EthernetLen + header.IPv4MinLen
	plainLen = plainUDP + header.UDPLen + header.VXLANLen
)

// The same as numbers read with the first byte at the bottom.
const (
	startMask  = 0xff_ffff // of bytes 12..19: EtherType, version and header length
	plainStart = uint64(header.TypeIPv4>>8) | 0x45<<16
	pieceMask  = 0xff00_ff3f // of bytes 20..23: more fragments, or an offset; protocol
	plainPiece = uint32(header.ProtoUDP) << 24
)

// plain reports whether a frame of total bytes is VXLAN with the usual headers.
func plain(d *[plainLen]byte, total int) bool {
	n := int(be.Uint16(d[38:40]))
	return le.Uint64(d[12:20])&startMask == plainStart && le.Uint32(d[20:24])&pieceMask == plainPiece &&
		be.Uint16(d[16:18]) >= header.IPv4MinLen && n >= minLen && plainUDP+n <= total && header.VXLAN(d[42:50]).Valid()
}

// find returns where IPv4 and UDP begin in any frame; udp is -1 if they do not.
// Fragments are not VXLAN: they have to be put together first.
func find(d []byte) (ip, udp int) {
	etherType, at, ok := header.SkipTags(d)
	if !ok || etherType != header.TypeIPv4 {
		return 0, -1
	}
	h, ok := header.ParseIPv4(d, at)
	if !ok || h.Protocol() != header.ProtoUDP || h.IsFragment() {
		return 0, -1
	}
	return at, at + h.HeaderLen()
}

// minLen is the least length of UDP with VXLAN and a frame.
const minLen = header.UDPLen + header.VXLANLen + header.EthernetLen

// payload returns the length of the frame in VXLAN in UDP at udp of a frame
// that has total bytes, with all headers in d. The destination port is not
// looked at: it is a matter of configuration (VXLANEncap's dstport).
func payload(d []byte, udp, total int) (n int, ok bool) {
	if udp < 0 || udp > len(d)-header.UDPLen-header.VXLANLen {
		return 0, false
	}
	h := d[udp : udp+header.UDPLen+header.VXLANLen]
	n = int(be.Uint16(h[4:6]))
	if n < minLen || udp+n > total || !header.VXLAN(h[header.UDPLen:]).Valid() {
		return 0, false
	}
	return n - header.UDPLen - header.VXLANLen, true
}
