// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// TCPMinLen is the length of a TCP header without options, in bytes (RFC 9293).
const TCPMinLen = 20

// Flags of TCP.
const (
	TCPFin uint8 = 1 << iota
	TCPSyn
	TCPRst
	TCPPsh
	TCPAck
	TCPUrg
	TCPEce
	TCPCwr
)

// TCP is a TCP header and everything behind it. Cut from a parsed IPv4 it is
// exactly the segment.
type TCP []byte

// TCPFields is the content of a TCP header without options.
type TCPFields struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            uint8
	Window           uint16
	Checksum         uint16
	Urgent           uint16
}

// ParseTCP returns the header at off if it is complete with its options and
// its data offset is 5 or more.
func ParseTCP(b []byte, off int) (TCP, bool) {
	if off < 0 || off > len(b)-TCPMinLen {
		return nil, false
	}
	h := b[off:]
	hl := int(h[12]>>4) * 4
	if hl < TCPMinLen || hl > len(h) {
		return nil, false
	}
	return h, true
}

// SrcPort returns the source port.
func (h TCP) SrcPort() uint16 { return be.Uint16(h[0:2]) }

// DstPort returns the destination port.
func (h TCP) DstPort() uint16 { return be.Uint16(h[2:4]) }

// Seq returns the sequence number.
func (h TCP) Seq() uint32 { return be.Uint32(h[4:8]) }

// Ack returns the acknowledgement number.
func (h TCP) Ack() uint32 { return be.Uint32(h[8:12]) }

// HeaderLen returns the length of the header with options, in bytes.
func (h TCP) HeaderLen() int { return int(h[12]>>4) * 4 }

// Flags returns the eight flags.
func (h TCP) Flags() uint8 { return h[13] }

// Window returns the window as it stands in the header.
func (h TCP) Window() uint16 { return be.Uint16(h[14:16]) }

// Checksum returns the checksum as it stands in the header.
func (h TCP) Checksum() uint16 { return be.Uint16(h[16:18]) }

// Urgent returns the urgent pointer.
func (h TCP) Urgent() uint16 { return be.Uint16(h[18:20]) }

// Payload returns what follows the header and its options.
func (h TCP) Payload() []byte { return h[min(h.HeaderLen(), len(h)):] }

// SetSrcPort writes the source port; the checksum is not touched.
func (h TCP) SetSrcPort(v uint16) { be.PutUint16(h[0:2], v) }

// SetDstPort writes the destination port; the checksum is not touched.
func (h TCP) SetDstPort(v uint16) { be.PutUint16(h[2:4], v) }

// SetSeq writes the sequence number.
func (h TCP) SetSeq(v uint32) { be.PutUint32(h[4:8], v) }

// SetAck writes the acknowledgement number.
func (h TCP) SetAck(v uint32) { be.PutUint32(h[8:12], v) }

// SetFlags writes the eight flags.
func (h TCP) SetFlags(v uint8) { h[13] = v }

// SetWindow writes the window.
func (h TCP) SetWindow(v uint16) { be.PutUint16(h[14:16], v) }

// SetChecksum writes the checksum.
func (h TCP) SetChecksum(v uint16) { be.PutUint16(h[16:18], v) }

// ComputeChecksum returns the checksum of the segment between two IPv4
// addresses; h must be exactly the segment.
func (h TCP) ComputeChecksum(src, dst uint32) uint16 {
	return ^Fold(Sum(h, PseudoSum(src, dst, ProtoTCP, uint16(len(h)))) + uint32(^h.Checksum()))
}

// ChecksumOK reports whether the checksum between two IPv4 addresses is
// right; h must be exactly the segment.
func (h TCP) ChecksumOK(src, dst uint32) bool {
	return Fold(Sum(h, PseudoSum(src, dst, ProtoTCP, uint16(len(h))))) == 0xffff
}

// Encode writes a header without options; h must have TCPMinLen bytes.
func (h TCP) Encode(f *TCPFields) {
	_ = h[TCPMinLen-1]
	be.PutUint16(h[0:2], f.SrcPort)
	be.PutUint16(h[2:4], f.DstPort)
	be.PutUint32(h[4:8], f.Seq)
	be.PutUint32(h[8:12], f.Ack)
	h[12], h[13] = TCPMinLen/4<<4, f.Flags
	be.PutUint16(h[14:16], f.Window)
	be.PutUint16(h[16:18], f.Checksum)
	be.PutUint16(h[18:20], f.Urgent)
}
