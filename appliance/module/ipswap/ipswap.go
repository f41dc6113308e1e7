// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ipswap is the module class IPSwap: it turns packets round (spec:
// modules/headers.md).
//
// IPSwap exchanges the source and destination address of IPv4 and IPv6
// packets, and the two ports of TCP and UDP, and sends everything to gate 0.
// Checksums stay valid and are not touched. Of fragments only the first has
// ports. One VLAN tag, or 802.1ad over 802.1Q, may precede the header. Frames
// that are neither IPv4 nor IPv6 pass unchanged, as do IPv6 packets with a
// routing header that still has a way to go.
package ipswap

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPSwap",
	Prefix:     "ipswap",
	Help:       "exchanges the IP addresses and the ports of TCP and UDP",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countOther: {Name: "not_ip", Unit: "packets", Help: "passed on unmodified: no well-formed IPv4 or IPv6"},
	},
	New: module.New(create),
}

// countOther is the index of the counter in Class.Counters.
const countOther = 0

// IPSwap is an instance. It has no state.
type IPSwap struct{}

func create(*module.Env, *api.EmptyArg) (*IPSwap, error) { return &IPSwap{}, nil }

// Process exchanges addresses and ports and sends everything to gate 0.
func (*IPSwap) Process(ctx *module.Context, b *packet.Batch) {
	rest := 0
	for _, p := range b.Packets() {
		if !swap(p.Bytes()) {
			rest++
		}
	}
	if rest > 0 {
		ctx.Count(countOther, uint64(rest))
	}
	ctx.EmitBatch(b, 0)
}

// swap turns one frame round and reports whether it could.
func swap(frame []byte) bool {
	etherType, at, ok := header.SkipTags(frame)
	if !ok {
		return false
	}
	switch etherType {
	case header.TypeIPv4:
		if ip, ok := header.ParseIPv4(frame, at); ok {
			addrs := binary.LittleEndian.Uint64(ip[12:20])
			binary.LittleEndian.PutUint64(ip[12:20], bits.RotateLeft64(addrs, 32))
			if ip.HasTransport() {
				swapPorts(ip.Protocol(), ip[ip.HeaderLen():])
			}
			return true
		}
	case header.TypeIPv6:
		if ip, ok := header.ParseIPv6(frame, at); ok {
			return swap6(ip)
		}
	}
	return false
}

func swap6(ip header.IPv6) bool {
	up, ok := ip.Upper()
	if up.Routed {
		return false
	}
	src, dst := ip.Src(), ip.Dst()
	ip.SetSrc(dst)
	ip.SetDst(src)
	if ok {
		swapPorts(up.Proto, ip[up.Off:])
	}
	return true
}

// swapPorts exchanges the ports at the start of b, where the protocol has
// them. The checksum of SCTP is not a sum, so its ports stay.
func swapPorts(proto uint8, b []byte) {
	if (proto == header.ProtoTCP || proto == header.ProtoUDP) && len(b) >= 4 {
		ports := binary.LittleEndian.Uint32(b[:4])
		binary.LittleEndian.PutUint32(b[:4], bits.RotateLeft32(ports, 16))
	}
}
