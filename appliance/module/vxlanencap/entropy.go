// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vxlanencap

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
)

// portBits are set in every source port: 49152..65535, the dynamic ports.
const portBits = 0xc000

// entropy returns the source port: a hash of the inner flow, so that networks
// that spread flows over links keep the packets of one together (RFC 7348
// section 4). Fragments are hashed without ports, which only the first has.
func entropy(frame []byte) uint16 {
	le := binary.LittleEndian
	if len(frame) < header.EthernetLen {
		return portBits
	}
	switch le.Uint16(frame[12:14]) {
	case header.TypeIPv4 >> 8: // as it lies in memory
		if h, ok := hash4(frame); ok {
			return uint16(h) | portBits
		}
	case header.TypeIPv6>>8 | header.TypeIPv6&0xff<<8:
		if h, ok := hash6(frame); ok {
			return uint16(h) | portBits
		}
	}
	h := header.CRC32CUint64(0xffff_ffff, le.Uint64(frame[0:8]))
	return uint16(header.CRC32CUint32(h, le.Uint32(frame[8:12]))) | portBits
}

// hash4 hashes addresses and ports of IPv4.
func hash4(frame []byte) (uint32, bool) {
	if len(frame) >= plainLen && frame[14] == plainIPv4 && binary.BigEndian.Uint16(frame[20:22])&anyPiece == 0 &&
		hashesPorts(frame[23]) && binary.BigEndian.Uint16(frame[16:18]) >= plainLen-header.EthernetLen {
		h := header.CRC32CUint32(uint32(frame[23]), binary.LittleEndian.Uint32(frame[34:38]))
		return header.CRC32CUint64(h, binary.LittleEndian.Uint64(frame[26:34])), true
	}
	ip, ok := header.ParseIPv4(frame, header.EthernetLen)
	if !ok {
		return 0, false
	}
	h := uint32(ip.Protocol())
	if off := ip.HeaderLen(); hashesPorts(ip.Protocol()) && !ip.IsFragment() && len(ip) >= off+4 {
		h = header.CRC32CUint32(h, binary.LittleEndian.Uint32(ip[off:off+4]))
	}
	return header.CRC32CUint64(h, binary.LittleEndian.Uint64(ip[12:20])), true
}

// What hash4 looks at in the usual frame.
const (
	plainLen  = header.EthernetLen + header.IPv4MinLen + 4 // with the ports
	plainIPv4 = 0x45                                       // version and header length
	anyPiece  = 0x3fff                                     // more fragments, or an offset
)

// hash6 hashes addresses and ports of IPv6 in the same way; the flow label
// stands in for ports that cannot be read.
func hash6(frame []byte) (uint32, bool) {
	ip, ok := header.ParseIPv6(frame, header.EthernetLen)
	if !ok {
		return 0, false
	}
	h := uint32(ip.NextHeader())
	if off := header.IPv6Len; hashesPorts(ip.NextHeader()) && len(ip) >= off+4 {
		h = header.CRC32CUint32(h, binary.LittleEndian.Uint32(ip[off:off+4]))
	} else {
		h = header.CRC32CUint32(h, ip.FlowLabel())
	}
	for at := 8; at < header.IPv6Len; at += 8 {
		h = header.CRC32CUint64(h, binary.LittleEndian.Uint64(ip[at:at+8]))
	}
	return h, true
}

func hashesPorts(proto uint8) bool { return proto == header.ProtoTCP || proto == header.ProtoUDP }
