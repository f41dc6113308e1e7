// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hashlb

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
)

// The hashes are CRC-32C without inversion over words that both directions of
// a flow share, read as the original reads them: least significant byte first
// (spec: modules/classify.md, HashLB).

var le, be = binary.LittleEndian, binary.BigEndian

// hashWords hashes the words of a key.
func hashWords(words []uint64) (h uint32) {
	for _, w := range words {
		h = header.CRC32CUint64(h, w)
	}
	return h
}

// hashL2 hashes the Ethernet addresses; bytes that a short frame lacks are
// zero.
func hashL2(d []byte) uint32 {
	if len(d) < 12 {
		var whole [12]byte
		copy(whole[:], d)
		d = whole[:]
	}
	x := le.Uint64(d[0:8]) ^ uint64(le.Uint32(d[8:12]))
	x ^= x >> 32
	return header.CRC32CUint16(0, uint16(x)^uint16(x>>16))
}

const (
	ipAt     = header.EthernetLen
	ipv4     = uint32(header.TypeIPv4)<<4 | 4 // EtherType and version
	ipv6     = uint32(header.TypeIPv6)<<4 | 6
	fragment = 0x3fff // more fragments, and the offset
)

// portsAt is where the ports are in an IPv4 packet without options.
const portsAt = ipAt + header.IPv4MinLen

// usual reports whether d is an unfragmented IPv4 packet without options whose
// protocol has ports.
func usual(d []byte) bool {
	return len(d) >= portsAt+4 && be.Uint32(d[12:16])>>8 == uint32(header.TypeIPv4)<<8|0x45 &&
		be.Uint16(d[20:22])&fragment == 0 && header.HasPorts(d[23])
}

// hashUsual is hashIP with l4 for such a packet.
func hashUsual(d []byte) uint32 {
	ports := le.Uint32(d[portsAt : portsAt+4])
	return header.CRC32CUint32(0, le.Uint32(d[26:30])^le.Uint32(d[30:34])^uint32(d[23])^uint32(uint16(ports)^uint16(ports>>16)))
}

// hashIP hashes the addresses of an IP packet and, for l4, protocol and ports.
// Anything else is hashed like hashL2; ip tells.
func hashIP(d []byte, l4 bool) (h uint32, ip bool) {
	if len(d) < ipAt+header.IPv4MinLen {
		return hashL2(d), false
	}
	switch be.Uint32(d[12:16]) >> 12 {
	case ipv4:
		x := le.Uint32(d[26:30]) ^ le.Uint32(d[30:34])
		if l4 {
			x ^= transport4(d)
		}
		return header.CRC32CUint32(0, x), true
	case ipv6:
		if len(d) < ipAt+header.IPv6Len {
			break
		}
		a, b := le.Uint64(d[22:30])^le.Uint64(d[38:46]), le.Uint64(d[30:38])^le.Uint64(d[46:54])
		x := uint32(a^b) ^ uint32((a^b)>>32)
		if l4 {
			x ^= transport6(d)
		}
		return header.CRC32CUint32(0, x), true
	}
	return hashL2(d), false
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
