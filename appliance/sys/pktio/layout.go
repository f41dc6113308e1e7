// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Protocol numbers (IANA) that packets of several pieces are made of.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
	etherQinQ = 0x88a8

	protoTCP  = 6
	protoUDP  = 17
	protoSCTP = 132
)

// layout is where a frame of TCP or UDP over IP has its headers.
type layout struct {
	v6      bool
	proto   byte
	l3, l4  int
	payload int
	end     int // of the IP packet; padding may follow
	sumAt   int // place of the transport checksum
}

// find looks at the headers at the beginning of b, of a frame of total bytes,
// and reports whether they are of a form that can be cut. Frames come from
// anybody.
func (l *layout) find(b []byte, total int) bool {
	at := 12
	for at+4 <= len(b) && isTag(b[at:]) {
		at += 4
	}
	if at+2 > len(b) {
		return false
	}
	l.l3 = at + 2
	ok := false
	switch binary.BigEndian.Uint16(b[at:]) {
	case etherIPv4:
		ok = l.findIPv4(b)
	case etherIPv6:
		ok = l.findIPv6(b)
	}
	return ok && l.end <= total && l.findTransport(b)
}

func isTag(b []byte) bool {
	t := binary.BigEndian.Uint16(b)
	return t == etherVLAN || t == etherQinQ
}

func (l *layout) findIPv4(b []byte) bool {
	if l.l3+20 > len(b) || b[l.l3]>>4 != 4 {
		return false
	}
	ip := b[l.l3:]
	l.v6, l.proto = false, ip[9]
	l.l4 = l.l3 + int(ip[0]&15)*4
	l.end = l.l3 + int(binary.BigEndian.Uint16(ip[2:]))
	fragment := binary.BigEndian.Uint16(ip[6:])&0x3fff != 0
	return !fragment && l.l4 >= l.l3+20
}

func (l *layout) findIPv6(b []byte) bool {
	if l.l3+40 > len(b) || b[l.l3]>>4 != 6 {
		return false
	}
	ip := b[l.l3:]
	l.v6, l.proto = true, ip[6]
	l.l4 = l.l3 + 40
	l.end = l.l4 + int(binary.BigEndian.Uint16(ip[4:]))
	// Hop-by-hop options, routing and destination options (RFC 8200, 4).
	for l.proto == 0 || l.proto == 43 || l.proto == 60 {
		if l.l4+8 > len(b) {
			return false
		}
		l.proto = b[l.l4]
		l.l4 += 8 + 8*int(b[l.l4+1])
	}
	return true
}

func (l *layout) findTransport(b []byte) bool {
	switch l.proto {
	case protoTCP:
		if l.l4+20 > len(b) {
			return false
		}
		n := int(b[l.l4+12]>>4) * 4
		l.payload, l.sumAt = l.l4+n, l.l4+16
		return n >= 20 && l.payload <= len(b) && l.payload <= l.end
	case protoUDP:
		l.payload, l.sumAt = l.l4+8, l.l4+6
		return l.payload <= len(b) && l.payload <= l.end
	}
	return false
}

// fits reports whether the frame is what a kind of offload is about.
func (l *layout) fits(k sys.Offload) bool {
	switch k {
	case sys.OffloadTCP4:
		return l.proto == protoTCP && !l.v6
	case sys.OffloadTCP6:
		return l.proto == protoTCP && l.v6
	case sys.OffloadUDP:
		return l.proto == protoUDP
	}
	return false
}

// addresses returns the sum of the pseudo header of b without its length.
func (l *layout) addresses(b []byte) uint64 {
	from, to := l.l3+12, l.l3+20
	if l.v6 {
		from, to = l.l3+8, l.l3+40
	}
	return uint64(sum(b[from:to])) + uint64(bits.ReverseBytes16(uint16(l.proto)))
}

// putPseudo stores the sum of the pseudo header for a transport packet of n
// bytes where the checksum belongs, for Complete to go on with.
func (l *layout) putPseudo(b []byte, addresses uint64, n int) {
	binary.LittleEndian.PutUint16(b[l.sumAt:], fold(addresses+uint64(bits.ReverseBytes16(uint16(n)))))
}
