// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlanencap

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// portBits are set in every source port: 49152..65535, the dynamic ports.
const portBits = 0xc000

// entropy returns the source port for a frame.
func entropy(frame []byte) uint16 { return uint16(hashAny(frame)) | portBits }

// hash gives each packet the hash of its inner flow, of which 14 bits make the
// source port, so that networks that spread flows over links keep the packets
// of one together (RFC 7348 section 4).
func hash(ps []packet.Packet, hashes *[packet.BatchSize]uint32) {
	for other := packet.HashFlows4(ps, hashes); other != 0; other &= other - 1 {
		i := bits.TrailingZeros64(other)
		hashes[i] = hashAny(ps[i].Bytes())
	}
}

var le = binary.LittleEndian

// hashAny returns the hash of any frame's flow, the same as packet.HashFlows4
// where that has one. Fragments are hashed without ports, which only the first
// has.
func hashAny(frame []byte) uint32 {
	if len(frame) < header.EthernetLen {
		return 0
	}
	switch header.Ethernet(frame).Type() {
	case header.TypeIPv4:
		if h, ok := hash4(frame); ok {
			return h
		}
	case header.TypeIPv6:
		if h, ok := hash6(frame); ok {
			return h
		}
	}
	h := header.CRC32CUint64(0xffff_ffff, le.Uint64(frame[0:8]))
	return header.CRC32CUint32(h, le.Uint32(frame[8:12]))
}

// hash4 hashes addresses and ports of IPv4.
func hash4(frame []byte) (uint32, bool) {
	ip, ok := header.ParseIPv4(frame, header.EthernetLen)
	if !ok {
		return 0, false
	}
	h := uint32(ip.Protocol())
	if off := ip.HeaderLen(); hashesPorts(ip.Protocol()) && !ip.IsFragment() && len(ip) >= off+4 {
		h = header.CRC32CUint32(h, le.Uint32(ip[off:off+4]))
	}
	return header.CRC32CUint64(h, le.Uint64(ip[12:20])), true
}

// hash6 hashes addresses and ports of IPv6 in the same way; the flow label
// stands in for ports that cannot be read.
func hash6(frame []byte) (uint32, bool) {
	ip, ok := header.ParseIPv6(frame, header.EthernetLen)
	if !ok {
		return 0, false
	}
	h := uint32(ip.NextHeader())
	if off := header.IPv6Len; hashesPorts(ip.NextHeader()) && len(ip) >= off+4 {
		h = header.CRC32CUint32(h, le.Uint32(ip[off:off+4]))
	} else {
		h = header.CRC32CUint32(h, ip.FlowLabel())
	}
	for at := 8; at < header.IPv6Len; at += 8 {
		h = header.CRC32CUint64(h, le.Uint64(ip[at:at+8]))
	}
	return h, true
}

func hashesPorts(proto uint8) bool { return proto == header.ProtoTCP || proto == header.ProtoUDP }
