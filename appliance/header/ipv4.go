// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "math/bits"

// IPv4MinLen is the length of an IPv4 header without options, in bytes.
const IPv4MinLen = 20

// Protocol numbers (IANA).
const (
	ProtoICMP   uint8 = 1
	ProtoIPv4   uint8 = 4
	ProtoTCP    uint8 = 6
	ProtoUDP    uint8 = 17
	ProtoIPv6   uint8 = 41
	ProtoGRE    uint8 = 47
	ProtoESP    uint8 = 50
	ProtoICMPv6 uint8 = 58
	ProtoSCTP   uint8 = 132
)

// Flags of the fragment field (RFC 791).
const (
	IPv4DontFragment  uint16 = 0x4000
	IPv4MoreFragments uint16 = 0x2000
	ipv4OffsetMask    uint16 = 0x1fff
)

// IPv4 is an IPv4 header and its payload. ParseIPv4 cuts it at the total
// length, so that Ethernet padding is not part of it.
type IPv4 []byte

// IPv4Fields is the content of an IPv4 header without options.
type IPv4Fields struct {
	TOS      uint8
	TotalLen uint16 // header and payload
	ID       uint16
	Fragment uint16 // flags and offset as they stand in the header
	TTL      uint8
	Protocol uint8
	Src, Dst uint32
}

// ParseIPv4 returns the header at off, with what the total length says
// belongs to it. It checks the version, a header length of 20 bytes or more
// inside the frame, and a total length not below that. The payload may be cut
// short by the end of the frame: Truncated tells.
func ParseIPv4(frame []byte, off int) (IPv4, bool) {
	if off < 0 || off > len(frame)-IPv4MinLen {
		return nil, false
	}
	b := frame[off:]
	hl := int(b[0]-0x40) * 4 // 20..60 for version 4 with IHL 5..15 only
	n := min(int(be.Uint16(b[2:4])), len(b))
	if hl < IPv4MinLen || hl > 60 || hl > n {
		return nil, false
	}
	return b[:n], true
}

// HeaderLen returns the length of the header with options, in bytes.
func (h IPv4) HeaderLen() int { return int(h[0]&0x0f) * 4 }

// TOS returns the type of service byte.
func (h IPv4) TOS() uint8 { return h[1] }

// TotalLen returns the length of header and payload as the header says.
func (h IPv4) TotalLen() int { return int(be.Uint16(h[2:4])) }

// Truncated reports whether fewer bytes are here than the header says.
func (h IPv4) Truncated() bool { return len(h) < h.TotalLen() }

// ID returns the identification.
func (h IPv4) ID() uint16 { return be.Uint16(h[4:6]) }

// Fragment returns flags and fragment offset as they stand in the header.
func (h IPv4) Fragment() uint16 { return be.Uint16(h[6:8]) }

// FragmentOffset returns the offset of this fragment's payload, in bytes.
func (h IPv4) FragmentOffset() int { return int(be.Uint16(h[6:8])&ipv4OffsetMask) * 8 }

// DontFragment returns the flag of that name.
func (h IPv4) DontFragment() bool { return h[6]&0x40 != 0 }

// MoreFragments returns the flag of that name.
func (h IPv4) MoreFragments() bool { return h[6]&0x20 != 0 }

// IsFragment reports whether this is a piece of a datagram, first or not.
func (h IPv4) IsFragment() bool {
	return be.Uint16(h[6:8])&(IPv4MoreFragments|ipv4OffsetMask) != 0
}

// HasTransport reports whether the payload begins with the transport header:
// false in all fragments but the first.
func (h IPv4) HasTransport() bool { return be.Uint16(h[6:8])&ipv4OffsetMask == 0 }

// TTL returns the time to live.
func (h IPv4) TTL() uint8 { return h[8] }

// Protocol returns the number of the payload's protocol.
func (h IPv4) Protocol() uint8 { return h[9] }

// Checksum returns the header checksum as it stands in the header.
func (h IPv4) Checksum() uint16 { return be.Uint16(h[10:12]) }

// Src returns the source address.
func (h IPv4) Src() uint32 { return be.Uint32(h[12:16]) }

// Dst returns the destination address.
func (h IPv4) Dst() uint32 { return be.Uint32(h[16:20]) }

// Payload returns what follows the header and its options.
func (h IPv4) Payload() []byte { return h[min(h.HeaderLen(), len(h)):] }

// Ports returns the port numbers of TCP, UDP and SCTP. ok is false for other
// protocols, for fragments other than the first and for packets that end
// before the ports.
func (h IPv4) Ports() (src, dst uint16, ok bool) {
	off := h.HeaderLen()
	if !HasPorts(h[9]) || !h.HasTransport() || len(h) < off+4 {
		return 0, 0, false
	}
	return be.Uint16(h[off : off+2]), be.Uint16(h[off+2 : off+4]), true
}

// HasPorts reports whether a transport protocol's header begins with two
// 16-bit ports: TCP, UDP, SCTP.
func HasPorts(proto uint8) bool {
	return proto == ProtoTCP || proto == ProtoUDP || proto == ProtoSCTP
}

// SetTOS writes the type of service byte.
func (h IPv4) SetTOS(v uint8) { h[1] = v }

// SetTotalLen writes the total length.
func (h IPv4) SetTotalLen(v uint16) { be.PutUint16(h[2:4], v) }

// SetID writes the identification.
func (h IPv4) SetID(v uint16) { be.PutUint16(h[4:6], v) }

// SetFragment writes flags and fragment offset as they stand in the header.
func (h IPv4) SetFragment(v uint16) { be.PutUint16(h[6:8], v) }

// SetTTL writes the time to live.
func (h IPv4) SetTTL(v uint8) { h[8] = v }

// SetProtocol writes the protocol number.
func (h IPv4) SetProtocol(v uint8) { h[9] = v }

// SetChecksum writes the header checksum.
func (h IPv4) SetChecksum(v uint16) { be.PutUint16(h[10:12], v) }

// SetSrc writes the source address; no checksum is touched.
func (h IPv4) SetSrc(v uint32) { be.PutUint32(h[12:16], v) }

// SetDst writes the destination address; no checksum is touched.
func (h IPv4) SetDst(v uint32) { be.PutUint32(h[16:20], v) }

// checksumField covers the checksum in the second eight bytes of the header.
const checksumField = 0xffff_0000

// ComputeChecksum returns the checksum the header should have.
func (h IPv4) ComputeChecksum() uint16 {
	if h[0]&0x0f == IPv4MinLen/4 {
		return bits.ReverseBytes16(^sum20(h, checksumField))
	}
	return ^Fold(Sum(h[:h.HeaderLen()], uint32(^be.Uint16(h[10:12])))) // without the field
}

// ChecksumOK reports whether the header checksum is right.
func (h IPv4) ChecksumOK() bool {
	if h[0]&0x0f == IPv4MinLen/4 {
		return sum20(h, 0) == 0xffff
	}
	return Fold(Sum(h[:h.HeaderLen()], 0)) == 0xffff
}

// UpdatePlainChecksum is UpdateChecksum for a header that is known to have no
// options.
func (h IPv4) UpdatePlainChecksum() { le.PutUint16(h[10:12], ^sum20(h, checksumField)) }

// UpdateChecksum computes the header checksum and writes it.
func (h IPv4) UpdateChecksum() { be.PutUint16(h[10:12], h.ComputeChecksum()) }

// DecrementTTL lowers the time to live by one and adapts the checksum, which
// stays wrong if it was. A packet whose time is over (TTL 0 or 1) is left as
// it is and reported with false.
func (h IPv4) DecrementTTL() bool {
	if h[8] <= 1 {
		return false
	}
	old := be.Uint16(h[8:10])
	be.PutUint16(h[10:12], Update16(be.Uint16(h[10:12]), old, old-0x100))
	h[8]--
	return true
}

// Encode writes a header without options and its checksum; h must have
// IPv4MinLen bytes.
func (h IPv4) Encode(f *IPv4Fields) {
	_ = h[IPv4MinLen-1]
	h[0], h[1] = 0x45, f.TOS
	be.PutUint16(h[2:4], f.TotalLen)
	be.PutUint16(h[4:6], f.ID)
	be.PutUint16(h[6:8], f.Fragment)
	h[8], h[9] = f.TTL, f.Protocol
	be.PutUint16(h[10:12], 0)
	be.PutUint32(h[12:16], f.Src)
	be.PutUint32(h[16:20], f.Dst)
	be.PutUint16(h[10:12], ^Fold(Sum(h[:IPv4MinLen], 0)))
}
