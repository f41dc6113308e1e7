// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"encoding/binary"
	"net"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// buildEth writes the 14 bytes itself: gopacket's Ethernet pads every frame
// to 60 bytes, even one inside a tunnel.
func buildEth(r *reader, next *item) gopacket.SerializableLayer {
	src, dst := r.mac(nil, "src"), r.mac(nil, "dst")
	r.b.srcMAC = src
	hdr := make([]byte, 14)
	copy(hdr, dst)
	copy(hdr[6:], src)
	binary.BigEndian.PutUint16(hdr[12:], r.nextEther(next, false, "type"))
	return header{kind: layers.LayerTypeEthernet, bytes: hdr}
}

const tpid8021Q = 0x8100

func buildVLAN(r *reader, next *item) gopacket.SerializableLayer {
	tag := &layers.Dot1Q{
		VLANIdentifier: uint16(r.need(4095, "VLAN id", "id")),
		Priority:       uint8(r.number(0, 7, "priority", "pcp")),
		DropEligible:   r.boolean("dei"),
	}
	// The tag's own type stands in the header before it: see tpid.
	if r.given("tpid") {
		r.named(etherNames, 0xffff, "tpid")
	}
	r.note("tpid")
	tag.Type = layers.EthernetType(r.nextEther(next, false, "type"))
	return tag
}

// tpid returns the type by which the header in front announces a tag. A wrong
// value is reported when the tag itself is built.
func tpid(vlan any) uint16 {
	if m, problem := scalar.AsMap(vlan); problem == "" {
		probe := &reader{b: &builder{}, vals: m}
		if probe.given("tpid") {
			return uint16(probe.named(etherNames, 0xffff, "tpid"))
		}
	}
	return tpid8021Q
}

func buildMPLS(r *reader, next *item) gopacket.SerializableLayer {
	last := next == nil || next.name != "mpls"
	if r.given("bottom") {
		last = r.boolean("bottom")
	}
	r.note("bottom")
	return &layers.MPLS{
		Label:        uint32(r.need(1<<20-1, "label", "label")),
		TrafficClass: uint8(r.number(0, 7, "traffic class", "tc")),
		TTL:          uint8(r.number(64, 255, "ttl", "ttl")),
		StackBottom:  last,
	}
}

func buildARP(r *reader, _ *item) gopacket.SerializableLayer {
	op := uint16(1)
	if r.given("op") {
		op = uint16(r.named(map[string]uint64{"request": 1, "reply": 2}, 0xffff, "op"))
	}
	r.note("op")
	return &layers.ARP{
		AddrType:          layers.LinkTypeEthernet,
		Protocol:          layers.EthernetTypeIPv4,
		HwAddressSize:     6,
		ProtAddressSize:   4,
		Operation:         op,
		SourceHwAddress:   r.mac(r.b.srcMAC, "sender_mac"),
		SourceProtAddress: r.ipv4("sender_ip"),
		DstHwAddress:      r.mac(make(net.HardwareAddr, 6), "target_mac"),
		DstProtAddress:    r.ipv4("target_ip"),
	}
}
