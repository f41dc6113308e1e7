// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gtpuparser is the module class GtpuParser (spec: modules/mobile.md).
//
// GtpuParser writes what rules of a mobile user plane ask about to metadata:
// addresses, protocol and ports of the user's packet and, if it arrives in a
// GTP-U tunnel, the tunnel. IPv4 and ARP leave on gate 1, everything else, and
// what is malformed or cut short, on gate 0. Packets are not changed.
//
// The inner packet is looked at in data messages (G-PDU) of GTP-U version 1 to
// UDP port 2152 over IPv4 only; other GTP-U messages are packets like any
// others. What a packet does not have reads as all ones: the tunnel of a packet
// without one, the ports of protocols other than TCP and UDP, the addresses of
// ARP, and those of IPv6 within a tunnel, which have no room.
package gtpuparser

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes GtpuParser.
var Class = &module.Class{
	Name:       "GtpuParser",
	Prefix:     "gtpu_parser",
	Help:       "writes addresses, ports and tunnel of packets to metadata",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Attrs:      attrDocs,
	Counters: []module.CounterDoc{
		countTunnelled: {Name: "tunnelled", Unit: "packets", Help: "parsed within a tunnel"},
		countNotIPv4:   {Name: "not_ipv4", Unit: "packets", Help: "sent to gate 0: neither IPv4 nor ARP"},
		countMalformed: {Name: "malformed", Unit: "packets", Help: "sent to gate 0: headers that contradict each other or end too early"},
	},
	New: module.New(create),
}

// attrDocs are the attributes in the order of declaration.
var attrDocs = []module.AttrDoc{
	attrSrc:    {Name: "src_ip", Size: "4", Mode: module.Write, Help: "source address of the user's packet, as on the wire"},
	attrDst:    {Name: "dst_ip", Size: "4", Mode: module.Write, Help: "destination address"},
	attrSport:  {Name: "src_port", Size: "2", Mode: module.Write, Help: "source port of TCP or UDP, most significant byte first"},
	attrDport:  {Name: "dst_port", Size: "2", Mode: module.Write, Help: "destination port"},
	attrTEID:   {Name: "teid", Size: "4", Mode: module.Write, Help: "identifier of the tunnel, most significant byte first"},
	attrTunnel: {Name: "tunnel_ipv4_dst", Size: "4", Mode: module.Write, Help: "destination address of the outer packet"},
	attrProto:  {Name: "ip_proto", Size: "1", Mode: module.Write, Help: "protocol of the user's packet"},
}

// Indexes into attrDocs.
const (
	attrSrc = iota
	attrDst
	attrSport
	attrDport
	attrTEID
	attrTunnel
	attrProto
	attrs
)

// Indexes into Class.Counters.
const (
	countTunnelled = iota
	countNotIPv4
	countMalformed
	counts
)

// sizes are those of the attributes, in bytes.
var sizes = [attrs]int{4, 4, 2, 2, 4, 4, 1}

// Output gates.
const (
	gateOther = iota
	gateParsed
)

// GtpuParser is an instance. It has no state.
type GtpuParser struct{}

func create(env *module.Env, _ *api.EmptyArg) (*GtpuParser, error) {
	for i := range attrDocs {
		if _, err := env.AddAttr(attrDocs[i].Name, sizes[i], module.Write); err != nil {
			return nil, err
		}
	}
	return &GtpuParser{}, nil
}

// Process parses every packet and sends it to gate 1, or to gate 0 if there is
// nothing to parse.
func (*GtpuParser) Process(ctx *module.Context, b *packet.Batch) {
	var at [attrs]int
	for i := range at {
		at[i] = ctx.Attr(module.AttrID(i))
	}
	var seen [counts]uint64
	for _, p := range b.Packets() {
		v := none
		count, ok := v.parse(p.Bytes(), p.TotalLen())
		if count >= 0 {
			seen[count]++
		}
		if !ok {
			ctx.Emit(p, gateOther)
			continue
		}
		v.write(p.Metadata(), &at)
		ctx.Emit(p, gateParsed)
	}
	for i, n := range seen {
		if n > 0 {
			ctx.Count(i, n)
		}
	}
}

// write stores the values at their places; negative ones are nobody's.
func (v *values) write(md *[packet.MetadataSize]byte, at *[attrs]int) {
	put32(md, at[attrSrc], v.src)
	put32(md, at[attrDst], v.dst)
	put16(md, at[attrSport], v.sport)
	put16(md, at[attrDport], v.dport)
	put32(md, at[attrTEID], v.teid)
	put32(md, at[attrTunnel], v.tunnel)
	if i := at[attrProto]; i >= 0 {
		md[i] = v.proto
	}
}

func put32(md *[packet.MetadataSize]byte, at int, v uint32) {
	if at >= 0 {
		binary.BigEndian.PutUint32(md[at:], v)
	}
}

func put16(md *[packet.MetadataSize]byte, at int, v uint16) {
	if at >= 0 {
		binary.BigEndian.PutUint16(md[at:], v)
	}
}

// values are what a packet says, as numbers.
type values struct {
	src, dst, teid, tunnel uint32
	sport, dport           uint16
	proto                  uint8
}

// none is what there is to say about a packet that has none of all this.
var none = values{
	src: 0xffffffff, dst: 0xffffffff, teid: 0xffffffff, tunnel: 0xffffffff,
	sport: 0xffff, dport: 0xffff, proto: 0xff,
}

// parse reads the frame of total bytes, of which b has the first. count is the
// counter the packet belongs to, -1 for none.
func (v *values) parse(b []byte, total int) (count int, ok bool) {
	if len(b) < header.EthernetLen {
		return countMalformed, false
	}
	switch header.Ethernet(b).Type() {
	case header.TypeIPv4:
	case header.TypeARP:
		return -1, true
	default:
		return countNotIPv4, false
	}
	ip, ok := header.ParseIPv4(b, header.EthernetLen)
	if !ok || header.EthernetLen+ip.TotalLen() > total || !v.ipv4(ip) {
		return countMalformed, false
	}
	// A fragment does not hold a whole message, and what is not version 1 is
	// none that could be read.
	if ip.Protocol() != header.ProtoUDP || v.dport != header.GTPUPort || ip.IsFragment() ||
		!header.IsGTPUv1(ip[min(ip.HeaderLen()+header.UDPLen, len(ip)):]) {
		return -1, true
	}
	f, ok := header.ParseGTPUFrame(b, total)
	if !ok {
		return countMalformed, false
	}
	if f.GTP.Type() != header.GTPUDataPacket {
		return -1, true
	}
	return v.inner(&f)
}

// inner reads the packet in a data message.
func (v *values) inner(f *header.GTPUFrame) (count int, ok bool) {
	data := f.GTP.Payload()
	size := f.End - f.At - f.GTP.HeaderLen()
	if len(data) == 0 {
		return countMalformed, false
	}
	in := none
	switch data[0] >> 4 {
	case 4:
		ip, parsed := header.ParseIPv4(data, 0)
		ok = parsed && ip.TotalLen() <= size && in.ipv4(ip)
	case 6:
		ip, parsed := header.ParseIPv6(data, 0)
		ok = parsed && header.IPv6Len+ip.PayloadLen() <= size && in.ipv6(ip)
	default:
		return -1, true // not IP: only the outer packet is known
	}
	if !ok {
		return countMalformed, false
	}
	in.teid, in.tunnel = f.GTP.TEID(), f.IP.Dst()
	*v = in
	return countTunnelled, true
}

// ipv4 takes addresses, protocol and ports from an IPv4 packet. It reports
// false if the ports should be there and are not.
func (v *values) ipv4(ip header.IPv4) bool {
	v.src, v.dst, v.proto = ip.Src(), ip.Dst(), ip.Protocol()
	if !ip.HasTransport() {
		return true
	}
	return v.ports(ip, ip.HeaderLen())
}

// ipv6 takes protocol and ports from an IPv6 packet. A fragment other than the
// first, or a chain of extensions that ends nowhere, has neither.
func (v *values) ipv6(ip header.IPv6) bool {
	proto, off, ok := ip.Transport()
	if !ok {
		v.proto = ip.NextHeader()
		return true
	}
	v.proto = proto
	return v.ports(ip, off)
}

// ports takes the ports of TCP and UDP from the transport header at off.
func (v *values) ports(b []byte, off int) bool {
	if v.proto != header.ProtoTCP && v.proto != header.ProtoUDP {
		return true
	}
	if len(b) < off+4 {
		return false
	}
	v.sport = binary.BigEndian.Uint16(b[off:])
	v.dport = binary.BigEndian.Uint16(b[off+2:])
	return true
}
