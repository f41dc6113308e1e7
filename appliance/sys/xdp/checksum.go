// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// A sender on this host leaves the checksum of TCP and UDP to the hardware: it
// stores the sum of the pseudo header, to which the hardware adds the rest. An
// XDP program does not learn that. But the sum stands where the checksum
// belongs, and there the finished checksum has that value in one packet of
// 65,536 only, for which completing it again gives the same. So a packet with
// just the pseudo header's sum is completed. (One that was damaged on a cable
// into having it would be passed as correct; checksums are never better than
// that.) SCTP is left with a checksum of 0.

// Ethernet types, IP protocols and UDP ports looked into.
const (
	typeIPv4, typeIPv6         = 0x0800, 0x86dd
	typeVLAN, typeQinQ         = 0x8100, 0x88a8
	typeBridged                = 0x6558
	protoHop, protoIPIP        = 0, 4
	protoTCP, protoUDP         = 6, 17
	protoIPv6, protoRoute      = 41, 43
	protoGRE, protoDest        = 47, 60
	protoSCTP                  = 132
	portVXLAN, portOldVXLAN    = 4789, 8472
	portGeneve                 = 6081
	maxDepth                   = 8 // headers in headers
	tcpSum, udpSum, sctpSum    = 16, 6, 8
	tcpHeader, udpHeader       = 20, 8
	sctpHeader, ipv4Header     = 12, 20
	ipv6Header, ethernetHeader = 40, 14
)

// finish completes the checksum of a packet that a sender on this host left
// unfinished. Headers are looked for in the first segment.
func finish(p packet.Packet) {
	if from, at := unfinished(p.Bytes(), p.TotalLen()); at != 0 {
		pktio.Complete(p, from, at)
	}
}

// unfinished looks for an unfinished checksum in the headers b of a packet of
// total bytes: the sum of everything behind from belongs at at, which is 0 if
// there is none. Where tunnels have several, it is the innermost.
func unfinished(b []byte, total int) (from, at int) {
	if len(b) < ethernetHeader {
		return 0, 0
	}
	l := looker{b: b, total: total}
	l.ethernet(0, 0)
	return l.from, l.at
}

// looker looks through headers. Every step checks that what it reads is there.
type looker struct {
	b        []byte
	total    int
	from, at int
}

func (l *looker) has(off, n int) bool   { return off+n <= len(l.b) }
func (l *looker) be16(off int) int      { return int(binary.BigEndian.Uint16(l.b[off:])) }
func (l *looker) found(from, where int) { l.from, l.at = from, from+where }

func (l *looker) ethernet(off, depth int) {
	if depth > maxDepth || !l.has(off, ethernetHeader) {
		return
	}
	off += 12
	kind := l.be16(off)
	for off += 2; (kind == typeVLAN || kind == typeQinQ) && l.has(off, 4); off += 4 {
		kind = l.be16(off + 2)
	}
	l.network(kind, off, depth)
}

func (l *looker) network(kind, off, depth int) {
	switch {
	case depth > maxDepth:
	case kind == typeIPv4:
		l.ipv4(off, depth)
	case kind == typeIPv6:
		l.ipv6(off, depth)
	case kind == typeBridged:
		l.ethernet(off, depth+1)
	}
}

func (l *looker) ipv4(off, depth int) {
	if !l.has(off, ipv4Header) || l.b[off]>>4 != 4 {
		return
	}
	size := int(l.b[off]&15) * 4
	end := off + l.be16(off+2)
	if size < ipv4Header || end < off+size || end > l.total || l.be16(off+6)&0x3fff != 0 {
		return // also fragments: they have no checksum of their own
	}
	l.transport(int(l.b[off+9]), off+size, end, l.b[off+12:off+20], depth)
}

func (l *looker) ipv6(off, depth int) {
	if !l.has(off, ipv6Header) || l.b[off]>>4 != 6 {
		return
	}
	end := off + ipv6Header + l.be16(off+4)
	if end > l.total {
		return
	}
	addrs := l.b[off+8 : off+40]
	next := int(l.b[off+6])
	off += ipv6Header
	for next == protoHop || next == protoRoute || next == protoDest {
		if !l.has(off, 8) {
			return
		}
		next, off = int(l.b[off]), off+8+int(l.b[off+1])*8
	}
	if off <= end {
		l.transport(next, off, end, addrs, depth)
	}
}

// transport looks at what IP carries, from off to end. Nobody else's bytes may
// follow: a sum would run over them.
func (l *looker) transport(proto, off, end int, addrs []byte, depth int) {
	if end != l.total {
		return
	}
	switch proto {
	case protoTCP:
		if l.has(off, tcpHeader) && l.isPseudoSum(off+tcpSum, proto, end-off, addrs) {
			l.found(off, tcpSum)
		}
	case protoUDP:
		if !l.has(off, udpHeader) {
			return
		}
		if l.isPseudoSum(off+udpSum, proto, end-off, addrs) {
			l.found(off, udpSum)
			return
		}
		l.udpTunnel(off, depth)
	case protoSCTP:
		if l.has(off, sctpHeader) && binary.BigEndian.Uint32(l.b[off+sctpSum:]) == 0 {
			l.found(off, sctpSum)
		}
	case protoIPIP:
		l.network(typeIPv4, off, depth+1)
	case protoIPv6:
		l.network(typeIPv6, off, depth+1)
	case protoGRE:
		l.gre(off, depth)
	}
}

// udpTunnel looks into VXLAN (RFC 7348) and Geneve (RFC 8926).
func (l *looker) udpTunnel(off, depth int) {
	in := off + udpHeader
	if !l.has(in, 8) {
		return
	}
	switch l.be16(off + 2) {
	case portVXLAN, portOldVXLAN:
		l.ethernet(in+8, depth+1)
	case portGeneve:
		l.network(l.be16(in+2), in+8+int(l.b[in]&0x3f)*4, depth+1)
	}
}

// gre looks into GRE (RFC 2784, 2890).
func (l *looker) gre(off, depth int) {
	if !l.has(off, 4) || l.b[off+1]&7 != 0 {
		return
	}
	size := 4 + 4*bits.OnesCount8(l.b[off]&0xb0) // checksum, key, sequence number
	l.network(l.be16(off+2), off+size, depth+1)
}

// isPseudoSum reports whether the two bytes at a place are the sum of the
// pseudo header of n bytes of a protocol.
func (l *looker) isPseudoSum(at, proto, n int, addrs []byte) bool {
	sum := uint64(proto) + uint64(n)
	for i := 0; i+4 <= len(addrs); i += 4 {
		sum += uint64(binary.BigEndian.Uint32(addrs[i:]))
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return l.be16(at) == int(sum)
}
