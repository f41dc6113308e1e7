// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gtpuencap is the module class GtpuEncap (spec: modules/mobile.md).
package gtpuencap

import (
	"encoding/binary"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// Class describes GtpuEncap.
var Class = &module.Class{
	Name:       "GtpuEncap",
	Prefix:     "gtpu_encap",
	Help:       "puts packets into a GTP-U tunnel that metadata describes",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*GtpuEncapArg)(nil),
	Attrs:      attrDocs,
	Counters: []module.CounterDoc{
		countNotIP: {Name: "not_ip", Unit: "packets", Help: "sent to gate 0: no IPv4 or IPv6 packet to put into a tunnel"},
		countLong:  {Name: "too_long", Unit: "packets", Help: "sent to gate 0: IPv4 cannot express the length"},
		countRoom:  {Name: "no_headroom", Unit: "packets", Help: "sent to gate 0: no room for the headers in front"},
	},
	New: module.New(create),
}

// attrDocs are the attributes in the order of declaration.
var attrDocs = []module.AttrDoc{
	attrPDUType: {Name: "action", Size: "1", Mode: module.Read, Help: "low 4 bits: type of the PDU, 0 downlink, 1 uplink"},
	attrSrc:     {Name: "tunnel_out_src_ip4addr", Size: "4", Mode: module.Read, Help: "outer source address, least significant byte first"},
	attrDst:     {Name: "tunnel_out_dst_ip4addr", Size: "4", Mode: module.Read, Help: "outer destination address, least significant byte first"},
	attrTEID:    {Name: "tunnel_out_teid", Size: "4", Mode: module.Read, Help: "identifier of the tunnel, least significant byte first"},
	attrPort:    {Name: "tunnel_out_udp_port", Size: "2", Mode: module.Read, Help: "both UDP ports, least significant byte first"},
	attrQFI:     {Name: "qfi", Size: "1", Mode: module.Read, Help: "low 6 bits: identifier of the QoS flow"},
}

// Indexes into attrDocs.
const (
	attrPDUType = iota
	attrSrc
	attrDst
	attrTEID
	attrPort
	attrQFI
	attrs
)

// Indexes into Class.Counters.
const (
	countNotIP = iota
	countLong
	countRoom
	counts
)

// sizes are those of the attributes, in bytes.
var sizes = [attrs]int{1, 4, 4, 4, 2, 1}

// Output gates.
const (
	gateFailed = iota
	gateDone
)

const (
	// plainLen is the length of the headers without PDU session container.
	plainLen = header.IPv4MinLen + header.UDPLen + header.GTPULen
	// udpChecksum is the place of the checksum in the header of UDP.
	udpChecksum = 6
	// id is the identification in the outer header and ttl its time to live.
	id  = 0x0513
	ttl = 64
)

// options are what an argument asks for.
type options struct{ psc, sums bool }

// GtpuEncap is an instance. Safe for use by several workers.
type GtpuEncap struct{ opts atomic.Pointer[options] }

func create(env *module.Env, arg *GtpuEncapArg) (*GtpuEncap, error) {
	for i := range attrDocs {
		if _, err := env.AddAttr(attrDocs[i].Name, sizes[i], module.Read); err != nil {
			return nil, err
		}
	}
	m := &GtpuEncap{}
	return m, m.Update(arg)
}

// Update takes a new argument in place.
func (m *GtpuEncap) Update(arg proto.Message) error {
	a := arg.(*GtpuEncapArg)
	m.opts.Store(&options{psc: a.GetAddPsc(), sums: a.GetFillChecksums()})
	return nil
}

// Process puts the packets into their tunnels and sends them to gate 1; those
// it cannot put into one go to gate 0, unchanged.
func (m *GtpuEncap) Process(ctx *module.Context, b *packet.Batch) {
	var at [attrs]int
	for i := range at {
		at[i] = ctx.Attr(module.AttrID(i))
	}
	opts := *m.opts.Load()
	var failed [counts]uint64
	for _, p := range b.Packets() {
		t := tunnel{options: opts}
		t.read(p.Metadata(), &at)
		if count := t.encap(p); count >= 0 {
			failed[count]++
			ctx.Emit(p, gateFailed)
			continue
		}
		ctx.Emit(p, gateDone)
	}
	for i, n := range failed {
		if n > 0 {
			ctx.Count(i, n)
		}
	}
}

// tunnel is what the metadata of one packet says.
type tunnel struct {
	src, dst, teid uint32
	port           uint16
	pduType, qfi   uint8
	options
}

// read takes the attributes at their places; those without one are zero.
func (t *tunnel) read(md *[packet.MetadataSize]byte, at *[attrs]int) {
	t.src, t.dst, t.teid = get32(md, at[attrSrc]), get32(md, at[attrDst]), get32(md, at[attrTEID])
	if i := at[attrPort]; i >= 0 {
		t.port = binary.LittleEndian.Uint16(md[i:])
	}
	if !t.psc {
		return
	}
	if i := at[attrPDUType]; i >= 0 {
		t.pduType = md[i]
	}
	if i := at[attrQFI]; i >= 0 {
		t.qfi = md[i]
	}
}

func get32(md *[packet.MetadataSize]byte, at int) uint32 {
	if at < 0 {
		return 0
	}
	return binary.LittleEndian.Uint32(md[at:])
}

// encap puts p into the tunnel. It returns the counter of what kept it from
// doing so, with p unchanged, or -1.
func (t *tunnel) encap(p packet.Packet) int {
	tos, size, ok := inner(p.Bytes(), p.TotalLen())
	if !ok {
		return countNotIP
	}
	n := plainLen
	if t.psc {
		n += header.GTPUPDUSessionLen
	}
	if n+size > 0xffff {
		return countLong
	}
	if p.HeadroomLen() < n {
		return countRoom
	}
	p.Trim(header.EthernetLen + size) // padding does not travel; segments keep theirs
	if flags := p.Flags(); flags&packet.FlagPartialChecksum != 0 {
		// Nobody can complete it later on: the outer checksum covers it.
		from, place := p.ChecksumPlace()
		pktio.Complete(p, from, place)
		p.SetFlags(flags &^ packet.FlagPartialChecksum)
	}
	p.Prepend(n)
	b := p.Bytes()
	copy(b, b[n:n+header.EthernetLen])
	header.Ethernet(b).SetType(header.TypeIPv4)
	t.encode(b[header.EthernetLen:header.EthernetLen+n], tos, uint16(n+size))
	if t.sums {
		t.fill(p, header.EthernetLen+n+size)
	}
	return -1
}

// fill fills in the outer checksums of p, in which the IP packet ends at end.
func (t *tunnel) fill(p packet.Packet, end int) {
	const at = header.EthernetLen + header.IPv4MinLen
	b := p.Bytes()
	header.IPv4(b[header.EthernetLen:]).UpdatePlainChecksum()
	udp := header.UDP(b[at:])
	if sum, ok := udp.ComputeChecksum(t.src, t.dst); ok {
		udp.SetChecksum(sum)
		return
	}
	// The datagram goes on in other segments.
	udp.SetChecksum(header.Fold(header.PseudoSum(t.src, t.dst, header.ProtoUDP, uint16(end-at))))
	pktio.CompleteUpTo(p, at, at+udpChecksum, end)
}

// encode writes all headers in front of the inner packet; length is that of
// the outer one. The checksums are zero.
func (t *tunnel) encode(b []byte, tos uint8, length uint16) {
	ip := header.IPv4(b)
	ip.Encode(&header.IPv4Fields{TOS: tos, TotalLen: length, ID: id, TTL: ttl, Protocol: header.ProtoUDP, Src: t.src, Dst: t.dst})
	ip.SetChecksum(0)
	length -= header.IPv4MinLen
	header.UDP(b[header.IPv4MinLen:]).Encode(&header.UDPFields{SrcPort: t.port, DstPort: t.port, Length: length})
	length -= header.UDPLen + header.GTPULen
	g := header.GTPUFields{Type: header.GTPUDataPacket, Length: length, TEID: t.teid}
	if t.psc {
		g.Flags = header.GTPUHasExtension
		header.EncodePDUSession(b[plainLen:], t.pduType, t.qfi)
	}
	header.GTPU(b[header.IPv4MinLen+header.UDPLen:]).Encode(&g)
}

// inner returns the type of service and the length of the IP packet in a frame
// of total bytes, of which b has the first. A packet that is cut short is as
// long as what is there.
func inner(b []byte, total int) (tos uint8, size int, ok bool) {
	if len(b) < header.EthernetLen {
		return 0, 0, false
	}
	there := total - header.EthernetLen
	switch header.Ethernet(b).Type() {
	case header.TypeIPv4:
		ip, ok := header.ParseIPv4(b, header.EthernetLen)
		if !ok {
			return 0, 0, false
		}
		return ip.TOS(), min(ip.TotalLen(), there), true
	case header.TypeIPv6:
		ip, ok := header.ParseIPv6(b, header.EthernetLen)
		if !ok {
			return 0, 0, false
		}
		return ip.TrafficClass(), min(header.IPv6Len+ip.PayloadLen(), there), true
	}
	return 0, 0, false
}
