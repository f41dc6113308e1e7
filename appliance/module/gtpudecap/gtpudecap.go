// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gtpudecap is the module class GtpuDecap (spec: modules/mobile.md).
//
// GtpuDecap takes packets out of their GTP-U tunnel: it removes the outer IPv4,
// UDP and GTP-U headers with all extensions. The Ethernet header stays; its type
// becomes that of the inner packet, IPv4 or IPv6. All packets leave on gate 0.
//
// Only data messages (G-PDU) of GTP-U version 1 to UDP port 2152 are taken out.
// Everything else passes unchanged and is counted.
package gtpudecap

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes GtpuDecap.
var Class = &module.Class{
	Name:       "GtpuDecap",
	Prefix:     "gtpu_decap",
	Help:       "takes packets out of their GTP-U tunnel",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countOther: {Name: "not_gtpu", Unit: "packets", Help: "passed on unmodified: no well-formed GTP-U with an IP packet inside"},
	},
	New: module.New(create),
}

// countOther is the index of the class's counter.
const countOther = 0

// GtpuDecap is an instance. It has no state.
type GtpuDecap struct{}

func create(*module.Env, *api.EmptyArg) (*GtpuDecap, error) { return &GtpuDecap{}, nil }

// Process takes the packets out and sends everything to gate 0.
func (*GtpuDecap) Process(ctx *module.Context, b *packet.Batch) {
	other := 0
	for _, p := range b.Packets() {
		if !decap(p) {
			other++
		}
	}
	if other > 0 {
		ctx.Count(countOther, uint64(other))
	}
	ctx.EmitBatch(b, 0)
}

// decap takes one packet out; if it is not what it should be, it reports false
// and changes nothing.
func decap(p packet.Packet) bool {
	b := p.Bytes()
	f, ok := header.ParseGTPUFrame(b, p.TotalLen())
	if !ok || f.UDP.DstPort() != header.GTPUPort || f.GTP.Type() != header.GTPUDataPacket {
		return false
	}
	inner := f.At + f.GTP.HeaderLen()
	etherType, ok := innerType(f.GTP.Payload(), f.End-inner)
	if !ok {
		return false
	}
	n := inner - header.EthernetLen
	eth := header.Ethernet(b[n:])
	copy(eth[:header.EthernetLen], b)
	eth.SetType(etherType)
	if flags := p.Flags(); flags&packet.FlagPartialChecksum != 0 {
		// It is the outer one that was to be completed.
		p.SetFlags(flags &^ packet.FlagPartialChecksum)
	}
	return p.Adjust(n)
}

// innerType returns the EtherType of a payload of size bytes, of which data
// has the first, if it holds an IP packet.
func innerType(data []byte, size int) (uint16, bool) {
	if ip, ok := header.ParseIPv4(data, 0); ok {
		return header.TypeIPv4, ip.TotalLen() <= size
	}
	ip, ok := header.ParseIPv6(data, 0)
	return header.TypeIPv6, ok && header.IPv6Len+ip.PayloadLen() <= size
}
