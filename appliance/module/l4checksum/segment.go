// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package l4checksum

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// kind is what can be done about a packet's checksum.
type kind uint8

const (
	other    kind = iota // not TCP or UDP, or only a piece of it
	whole                // all of it is here
	tooShort             // the length in its header has no room for a header
	cut                  // it ends, by its header, beyond the packet
)

// be is the order of bytes in headers, le that of the sums.
var (
	be = binary.BigEndian
	le = binary.LittleEndian
)

// segment is TCP or UDP within a packet.
type segment struct {
	at, len int // place in the packet, bytes
	field   int // place of the checksum
	pseudo  uint32
	kind    kind
	udp, v6 bool
}

// Places of the checksum.
const (
	tcpField = 16
	udpField = 6
)

// plainAddrs is where the addresses begin in the commonest of all frames, IPv4
// without VLAN tags and options; TCP or UDP follow them at once.
const (
	plainAddrs = header.EthernetLen + 12
	plainL4    = header.EthernetLen + header.IPv4MinLen
)

// plain returns the place of the checksum and the end of TCP or UDP in such a
// frame, if it is no fragment and is whole within the bytes at hand. field is 0
// for all others, which find has to look at.
func plain(d []byte) (field, end int) {
	if !plainIPv4(d) {
		return 0, 0
	}
	if field, end = plainEnds(d); end > len(d) {
		return 0, 0
	}
	return field, end
}

// plainIPv4 reports whether d begins like such a frame.
func plainIPv4(d []byte) bool {
	return len(d) >= plainL4+header.UDPLen && le.Uint32(d[12:16])<<8 == 0x45000800 && le.Uint16(d[20:22])&^dontFragment == 0
}

// What plainIPv4 does not look at in the field of flags and offset, as the
// machine reads it: the bits Reserved and Don't Fragment.
const dontFragment = 0xc0

// plainEnds is plain for a frame that plainIPv4 has found, but that the end may
// lie beyond the bytes at hand. field is 0 if there is neither TCP nor UDP, or
// too little of it.
func plainEnds(d []byte) (field, end int) {
	_ = d[plainL4+header.UDPLen-1]
	switch d[23] {
	case header.ProtoUDP:
		if end = plainL4 + int(be.Uint16(d[38:40])); end >= plainL4+header.UDPLen {
			return plainL4 + udpField, end
		}
	case header.ProtoTCP:
		if end = header.EthernetLen + int(be.Uint16(d[16:18])); end >= plainL4+header.TCPMinLen {
			return plainL4 + tcpField, end
		}
	}
	return 0, 0
}

// pseudo returns the sum of protocol and length in the pseudo header, as the
// machine reads words: a shift by eight bits is a swap of bytes, but for a carry
// that comes around.
func pseudo(proto uint8, end int) uint64 { return uint64(int(proto)+end-plainL4) << 8 }

// plainSum adds the words of what plain has found, the checksum included, and
// of the pseudo header, whose addresses are in front.
func plainSum(d []byte, end int) uint32 {
	return header.Sum(d[plainAddrs:end], uint32(d[23])+uint32(end-plainL4))
}

// find looks for TCP or UDP in the first segment of a packet of total bytes.
func find(frame []byte, total int) segment {
	if len(frame) < header.EthernetLen {
		return segment{}
	}
	etherType, at := be.Uint16(frame[12:14]), header.EthernetLen
	if header.IsVLAN(etherType) {
		var ok bool
		if etherType, at, ok = header.SkipTags(frame); !ok {
			return segment{}
		}
	}
	switch etherType {
	case header.TypeIPv4:
		return find4(frame, at, total)
	case header.TypeIPv6:
		return find6(frame, at, total)
	}
	return segment{}
}

// find4 looks at IPv4. Fragments are not for us: the checksum covers what the
// others carry.
func find4(frame []byte, at, total int) segment {
	if at > len(frame)-header.IPv4MinLen {
		return segment{}
	}
	ip := header.IPv4(frame[at:])
	n := ip.HeaderLen()
	if ip[0]>>4 != 4 || n < header.IPv4MinLen || ip.IsFragment() {
		return segment{}
	}
	s := segment{at: at + n}
	s.measure(frame, ip.Protocol(), ip.TotalLen()-n, total)
	s.pseudo = header.PseudoSum(ip.Src(), ip.Dst(), ip.Protocol(), uint16(s.len))
	return s
}

// find6 looks at IPv6. With a routing header under way the checksum is one
// over addresses that are not in the header; such packets are not for us.
func find6(frame []byte, at, total int) segment {
	ip, ok := header.ParseIPv6(frame, at)
	if !ok {
		return segment{}
	}
	up, ok := ip.Upper()
	if !ok || up.Fragment || up.Routed {
		return segment{}
	}
	s := segment{at: at + up.Off, v6: true}
	s.measure(frame, up.Proto, ip.PayloadLen()+header.IPv6Len-up.Off, total)
	s.pseudo = header.Sum(ip[8:header.IPv6Len], uint32(up.Proto)+uint32(uint16(s.len)))
	return s
}

// measure finds the length of the segment: UDP has a field, TCP is the rest
// of the datagram.
func (s *segment) measure(frame []byte, proto uint8, rest, total int) {
	least := header.TCPMinLen
	switch proto {
	case header.ProtoTCP:
		s.field, s.len = s.at+tcpField, rest
	case header.ProtoUDP:
		s.field, s.udp, least = s.at+udpField, true, header.UDPLen
		if s.at+udpField > len(frame) {
			s.kind = cut
			return
		}
		s.len = int(be.Uint16(frame[s.at+4 : s.at+6]))
	default:
		return
	}
	switch {
	case s.field+2 > len(frame) || s.at+s.len > total:
		s.kind = cut
	case s.len < least:
		s.kind = tooShort
	default:
		s.kind = whole
	}
}

// checksum returns the checksum as it stands in the packet.
func (s *segment) checksum(p packet.Packet) uint16 {
	return be.Uint16(p.Bytes()[s.field : s.field+2])
}

// write writes the checksum, which is then complete.
func (s *segment) write(p packet.Packet, sum uint16) {
	be.PutUint16(p.Bytes()[s.field:s.field+2], sum)
	settle(p)
}

// settle forgets what was known about the checksum that has been replaced.
func settle(p packet.Packet) {
	const known = packet.FlagPartialChecksum | packet.FlagBadL4Checksum
	if f := p.Flags(); f&known != 0 {
		p.SetFlags(f &^ known)
	}
}

// sum adds the words of the segment, the checksum included, and of the pseudo
// header.
func (s *segment) sum(p packet.Packet) uint32 {
	if d := p.Bytes(); s.at+s.len <= len(d) {
		return header.Sum(d[s.at:s.at+s.len], s.pseudo)
	}
	return s.pseudo + uint32(sumChain(p, s.at, s.len))
}

// sumChain is Sum over n bytes from offset at of a packet of several pieces.
func sumChain(p packet.Packet, at, n int) uint16 {
	var acc uint32
	odd := false // an odd number of bytes has been added
	for ; p != 0 && n > 0; p = p.Next() {
		d := p.Bytes()
		if at >= len(d) {
			at -= len(d)
			continue
		}
		d, at = d[at:], 0
		d = d[:min(n, len(d))]
		part := header.Fold(header.Sum(d, 0))
		if odd {
			part = bits.ReverseBytes16(part)
		}
		acc += uint32(part)
		n -= len(d)
		odd = odd != (len(d)&1 == 1)
	}
	return header.Fold(acc)
}
