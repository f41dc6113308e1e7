// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// ICMPLen is the length of the common ICMP header in bytes, with the four
// bytes whose meaning depends on the type (RFC 792).
const ICMPLen = 8

// Types of ICMP messages.
const (
	ICMPEchoReply        uint8 = 0
	ICMPUnreachable      uint8 = 3
	ICMPEchoRequest      uint8 = 8
	ICMPTimeExceeded     uint8 = 11
	ICMPTimestamp        uint8 = 13
	ICMPTimestampReply   uint8 = 14
	ICMPInformation      uint8 = 15
	ICMPInformationReply uint8 = 16
)

// ICMP is an ICMP message. Cut from a parsed IPv4 it is exactly the message.
type ICMP []byte

// ICMPFields is the content of the header of a query or its reply.
type ICMPFields struct {
	Type, Code uint8
	Checksum   uint16
	ID, Seq    uint16
}

// ParseICMP returns the message at off if its header is complete.
func ParseICMP(b []byte, off int) (ICMP, bool) { return from(b, off, ICMPLen) }

// Type returns the type.
func (h ICMP) Type() uint8 { return h[0] }

// Code returns the code.
func (h ICMP) Code() uint8 { return h[1] }

// Checksum returns the checksum as it stands in the header.
func (h ICMP) Checksum() uint16 { return be.Uint16(h[2:4]) }

// IsQuery reports whether the message is a query or a reply to one, which is
// when ID and Seq mean something.
func (h ICMP) IsQuery() bool {
	t := h[0]
	return t == ICMPEchoReply || t == ICMPEchoRequest || t >= ICMPTimestamp && t <= ICMPInformationReply
}

// ID returns the identifier of a query.
func (h ICMP) ID() uint16 { return be.Uint16(h[4:6]) }

// Seq returns the sequence number of a query.
func (h ICMP) Seq() uint16 { return be.Uint16(h[6:8]) }

// Payload returns what follows the header.
func (h ICMP) Payload() []byte { return h[ICMPLen:] }

// SetType writes the type; the checksum is not touched.
func (h ICMP) SetType(v uint8) { h[0] = v }

// SetCode writes the code; the checksum is not touched.
func (h ICMP) SetCode(v uint8) { h[1] = v }

// SetChecksum writes the checksum.
func (h ICMP) SetChecksum(v uint16) { be.PutUint16(h[2:4], v) }

// SetID writes the identifier; the checksum is not touched.
func (h ICMP) SetID(v uint16) { be.PutUint16(h[4:6], v) }

// SetSeq writes the sequence number; the checksum is not touched.
func (h ICMP) SetSeq(v uint16) { be.PutUint16(h[6:8], v) }

// ComputeChecksum returns the checksum of the message; h must be exactly the
// message.
func (h ICMP) ComputeChecksum() uint16 {
	return ^Fold(Sum(h[4:], uint32(be.Uint16(h[0:2]))))
}

// ChecksumOK reports whether the checksum is right; h must be exactly the
// message.
func (h ICMP) ChecksumOK() bool { return Fold(Sum(h, 0)) == 0xffff }

// Encode writes all fields; h must have ICMPLen bytes.
func (h ICMP) Encode(f *ICMPFields) {
	_ = h[ICMPLen-1]
	h[0], h[1] = f.Type, f.Code
	be.PutUint16(h[2:4], f.Checksum)
	be.PutUint16(h[4:6], f.ID)
	be.PutUint16(h[6:8], f.Seq)
}
