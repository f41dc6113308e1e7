// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package updatettl is the module class UpdateTTL: it lowers the time to live
// (spec: modules/headers.md).
//
// UpdateTTL lowers the TTL of IPv4 packets, and the hop limit of IPv6 packets,
// by one and sends them to gate 0. The header checksum of IPv4 is adapted; a
// wrong one stays wrong. Packets whose TTL is 0 or 1 are dropped, without an
// ICMP message. One VLAN tag, or 802.1ad over 802.1Q, may precede the header.
// Frames that are neither IPv4 nor IPv6 pass unchanged.
package updatettl

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "UpdateTTL",
	Prefix:     "update_ttl",
	Help:       "lowers the TTL of IPv4 and the hop limit of IPv6, and drops packets whose time is over",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Counters: []module.CounterDoc{
		countExpired: {Name: "expired", Unit: "packets", Help: "dropped: the TTL or hop limit was 0 or 1"},
		countOther:   {Name: "not_ip", Unit: "packets", Help: "passed on unmodified: no whole IPv4 or IPv6 header"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countExpired = iota
	countOther
)

// UpdateTTL is an instance. It has no state.
type UpdateTTL struct{}

func create(*module.Env, *api.EmptyArg) (*UpdateTTL, error) { return &UpdateTTL{}, nil }

// Where the fields are in a frame without VLAN tag.
const (
	ip4TTL      = header.EthernetLen + 8
	ip4Checksum = header.EthernetLen + 10
)

// version4 are the bytes of the EtherType and the first of IPv4, header length
// not looked at.
const version4 = uint32(header.TypeIPv4)<<16 | 0x4000

// Process lowers the time to live and sends packets that have some left to
// gate 0.
func (*UpdateTTL) Process(ctx *module.Context, b *packet.Batch) {
	slots, n, expired, rest := b.Slots(), 0, 0, 0
	for _, p := range b.Packets() {
		d := p.Bytes()
		if len(d) >= header.EthernetLen+header.IPv4MinLen && binary.BigEndian.Uint32(d[12:16])&0xffff_f000 == version4 {
			ttl := d[ip4TTL]
			if ttl <= 1 {
				expired++
				ctx.Drop(p)
				continue
			}
			// RFC 1624 for a word that becomes smaller by 0x100.
			sum := uint32(binary.BigEndian.Uint16(d[ip4Checksum:])) + 0x100
			if sum >= 0xffff {
				sum++
			}
			binary.BigEndian.PutUint16(d[ip4Checksum:], uint16(sum))
			d[ip4TTL] = ttl - 1
		} else if alive, ip := other(d); !ip {
			rest++
		} else if !alive {
			expired++
			ctx.Drop(p)
			continue
		}
		slots[n] = p
		n++
	}
	b.SetLen(n)
	if expired|rest > 0 {
		ctx.Count(countExpired, uint64(expired))
		ctx.Count(countOther, uint64(rest))
	}
	ctx.EmitBatch(b, 0)
}

// other lowers the time to live of IPv4 behind VLAN tags and of IPv6. alive is
// false, and nothing has changed, if there is none left.
func other(frame []byte) (alive, ip bool) {
	etherType, at, ok := header.SkipTags(frame)
	if !ok {
		return false, false
	}
	switch etherType {
	case header.TypeIPv4:
		if at <= len(frame)-header.IPv4MinLen && frame[at]>>4 == 4 {
			return header.IPv4(frame[at:]).DecrementTTL(), true
		}
	case header.TypeIPv6:
		if h, ok := header.ParseIPv6(frame, at); ok {
			hops := h.HopLimit()
			if hops > 1 {
				h.SetHopLimit(hops - 1)
			}
			return hops > 1, true
		}
	}
	return false, false
}
