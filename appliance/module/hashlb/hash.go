// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hashlb

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// The hashes are CRC-32C without inversion over what both directions of a flow
// share, read as the original reads it: least significant byte first (spec:
// modules/classify.md, HashLB). Of the modes l2, l3 and l4 that is one word
// for each packet; the hashes of all are made together (header.CRC32CEach).

var le, be = binary.LittleEndian, binary.BigEndian

// hashWords hashes the words of a key.
func hashWords(words []uint64) (h uint32) {
	for _, w := range words {
		h = header.CRC32CUint64(h, w)
	}
	return h
}

// wordL2 is the word of the Ethernet addresses; bytes that a short frame lacks
// are zero. The hash is over two bytes: they are the upper ones, since zeros in
// front change nothing.
func wordL2(d []byte) uint32 {
	if len(d) < 12 {
		var whole [12]byte
		copy(whole[:], d)
		d = whole[:]
	}
	x := le.Uint32(d[0:4]) ^ le.Uint32(d[4:8]) ^ le.Uint32(d[8:12])
	return x&0xffff0000 ^ x<<16
}

const (
	ipAt     = header.EthernetLen
	ipv4     = uint32(header.TypeIPv4)<<4 | 4 // EtherType and version
	ipv6     = uint32(header.TypeIPv6)<<4 | 6
	fragment = 0x3fff // more fragments, and the offset
)

// portsAt is where the ports are in an IPv4 packet without options.
const portsAt = ipAt + header.IPv4MinLen

// usual reports whether a packet of portsAt+4 bytes or more is unfragmented
// IPv4 without options, of a protocol that has ports.
func usual(d *packet.Front) bool {
	return be.Uint32(d[12:16])>>8 == uint32(header.TypeIPv4)<<8|0x45 && be.Uint16(d[20:22])&fragment == 0 && header.HasPorts(d[23])
}

// wordUsual is wordIP with l4 for such a packet. It loads two bytes at a time:
// wider loads would wait on their way to the cache for bytes that a module has
// just written in parts.
func wordUsual(d *packet.Front) uint32 {
	low := le.Uint16(d[26:28]) ^ le.Uint16(d[30:32]) ^ le.Uint16(d[portsAt:portsAt+2]) ^ le.Uint16(d[portsAt+2:portsAt+4]) ^ uint16(d[23])
	return uint32(low) | uint32(le.Uint16(d[28:30])^le.Uint16(d[32:34]))<<16
}

// wordIP is the word of the addresses of an IP packet and, for l4, protocol and
// ports. That of anything else is wordL2; ip tells.
func wordIP(d []byte, l4 bool) (w uint32, ip bool) {
	if len(d) < ipAt+header.IPv4MinLen {
		return wordL2(d), false
	}
	switch be.Uint32(d[12:16]) >> 12 {
	case ipv4:
		x := le.Uint32(d[26:30]) ^ le.Uint32(d[30:34])
		if l4 {
			x ^= transport4(d)
		}
		return x, true
	case ipv6:
		if len(d) < ipAt+header.IPv6Len {
			break
		}
		a, b := le.Uint64(d[22:30])^le.Uint64(d[38:46]), le.Uint64(d[30:38])^le.Uint64(d[46:54])
		x := uint32(a^b) ^ uint32((a^b)>>32)
		if l4 {
			x ^= transport6(d)
		}
		return x, true
	}
	return wordL2(d), false
}

// transport4 is the part of the hash that depends on protocol and ports. All
// fragments of a datagram must share it, so they have the protocol only, and
// so have protocols without ports.
func transport4(d []byte) uint32 {
	proto := d[23]
	at := ipAt + int(d[14]&0x0f)*4
	if !header.HasPorts(proto) || be.Uint16(d[20:22])&fragment != 0 || at < ipAt+header.IPv4MinLen || len(d) < at+4 {
		return uint32(proto)
	}
	return uint32(proto) ^ uint32(le.Uint16(d[at:])^le.Uint16(d[at+2:]))
}

// transport6 is transport4 for IPv6. Packets with extension headers are taken
// for fragments of an unknown protocol.
func transport6(d []byte) uint32 {
	proto := d[20]
	const at = ipAt + header.IPv6Len
	switch {
	case header.HasPorts(proto) && len(d) >= at+4:
		return uint32(proto) ^ uint32(le.Uint16(d[at:])^le.Uint16(d[at+2:]))
	case proto == header.ProtoICMPv6 || header.HasPorts(proto):
		return uint32(proto)
	}
	return 0
}
