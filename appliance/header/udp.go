// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// UDPLen is the length of a UDP header in bytes (RFC 768).
const UDPLen = 8

// UDP is a UDP header and everything behind it.
type UDP []byte

// UDPFields is the content of a UDP header.
type UDPFields struct {
	SrcPort, DstPort uint16
	Length           uint16 // header and payload
	Checksum         uint16
}

// ParseUDP returns the header at off if it is complete. The length field is
// not judged: Datagram does that.
func ParseUDP(b []byte, off int) (UDP, bool) { return from(b, off, UDPLen) }

// SrcPort returns the source port.
func (h UDP) SrcPort() uint16 { return be.Uint16(h[0:2]) }

// DstPort returns the destination port.
func (h UDP) DstPort() uint16 { return be.Uint16(h[2:4]) }

// Length returns the length of header and payload as the header says.
func (h UDP) Length() int { return int(be.Uint16(h[4:6])) }

// Checksum returns the checksum as it stands in the header, 0 if the sender
// computed none.
func (h UDP) Checksum() uint16 { return be.Uint16(h[6:8]) }

// Datagram returns header and payload as the length field says; ok is false
// if that is below 8 or beyond the end of the bytes.
func (h UDP) Datagram() (d UDP, ok bool) {
	n := int(be.Uint16(h[4:6]))
	if n < UDPLen || n > len(h) {
		return nil, false
	}
	return h[:n], true
}

// SetSrcPort writes the source port; the checksum is not touched.
func (h UDP) SetSrcPort(v uint16) { be.PutUint16(h[0:2], v) }

// SetDstPort writes the destination port; the checksum is not touched.
func (h UDP) SetDstPort(v uint16) { be.PutUint16(h[2:4], v) }

// SetLength writes the length field.
func (h UDP) SetLength(v uint16) { be.PutUint16(h[4:6], v) }

// SetChecksum writes the checksum.
func (h UDP) SetChecksum(v uint16) { be.PutUint16(h[6:8], v) }

// ComputeChecksum returns the checksum of the datagram between two IPv4
// addresses, never 0. ok is false if Datagram's is.
func (h UDP) ComputeChecksum(src, dst uint32) (sum uint16, ok bool) {
	d, ok := h.Datagram()
	if !ok {
		return 0, false
	}
	s := Sum(d, PseudoSum(src, dst, ProtoUDP, uint16(len(d)))) + uint32(^d.Checksum())
	return NonZero(^Fold(s)), true
}

// ChecksumOK reports whether the checksum between two IPv4 addresses is right
// or absent (0). A length field that Datagram refuses makes it wrong.
func (h UDP) ChecksumOK(src, dst uint32) bool {
	d, ok := h.Datagram()
	if !ok {
		return false
	}
	return d.Checksum() == 0 || Fold(Sum(d, PseudoSum(src, dst, ProtoUDP, uint16(len(d))))) == 0xffff
}

// Encode writes all fields; h must have UDPLen bytes.
func (h UDP) Encode(f *UDPFields) {
	_ = h[UDPLen-1]
	be.PutUint16(h[0:2], f.SrcPort)
	be.PutUint16(h[2:4], f.DstPort)
	be.PutUint16(h[4:6], f.Length)
	be.PutUint16(h[6:8], f.Checksum)
}
