// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// GTPULen is the length of a GTP-U header without optional fields, in bytes
// (3GPP TS 29.281).
const GTPULen = 8

// GTPUPort is the UDP port of GTP-U.
const GTPUPort uint16 = 2152

// Types of GTP-U messages.
const (
	GTPUEchoRequest     uint8 = 1
	GTPUEchoResponse    uint8 = 2
	GTPUErrorIndication uint8 = 26
	GTPUEndMarker       uint8 = 254
	GTPUDataPacket      uint8 = 255 // G-PDU: carries a packet of a user
)

// Flags in the first byte of a GTP-U header, below version and protocol type.
const (
	GTPUHasExtension uint8 = 0x04
	GTPUHasSequence  uint8 = 0x02
	GTPUHasNPDU      uint8 = 0x01

	gtpuOptional = GTPUHasExtension | GTPUHasSequence | GTPUHasNPDU
)

// gtpuVersion1 is version 1 and protocol type GTP in the first byte.
const (
	gtpuVersion1    uint8 = 0x30
	gtpuVersionMask uint8 = 0xf0
)

// GTPUPDUSession is the extension header with the container of a PDU session
// (3GPP TS 38.415).
const GTPUPDUSession uint8 = 0x85

// gtpuOptionalLen is the length of sequence number, N-PDU number and type of
// the next extension, which are there if any of the three flags is set.
const gtpuOptionalLen = 4

// GTPU is a GTP-U header, version 1, with what follows it. ParseGTPU cuts it
// at the length of the message.
type GTPU []byte

// GTPUFields is the content of a GTP-U header without extensions.
type GTPUFields struct {
	Flags  uint8 // GTPUHas...
	Type   uint8
	Length uint16 // of what follows the first 8 bytes
	TEID   uint32
}

// IsGTPUv1 reports whether b begins like a GTP-U header of version 1; what
// does may still be incomplete or malformed.
func IsGTPUv1(b []byte) bool {
	return len(b) > 0 && b[0]&gtpuVersionMask == gtpuVersion1
}

// ParseGTPU returns the message at off. It checks version and protocol type,
// and that the optional fields and all extension headers lie within the bytes
// and within the length of the message: an extension of length 0, or more than
// eight of them, is malformed. The payload may be cut short by the end of the
// bytes: Truncated tells.
func ParseGTPU(b []byte, off int) (GTPU, bool) {
	b, ok := from(b, off, GTPULen)
	if !ok || !IsGTPUv1(b) {
		return nil, false
	}
	h := GTPU(b[:min(len(b), GTPULen+int(be.Uint16(b[2:4])))])
	_, ok = h.walk()
	return h, ok
}

// walk returns the length of the header with its extensions.
func (h GTPU) walk() (n int, ok bool) {
	if h[0]&gtpuOptional == 0 {
		return GTPULen, true
	}
	n = GTPULen + gtpuOptionalLen
	if len(h) < n {
		return 0, false
	}
	if h[0]&GTPUHasExtension == 0 {
		return n, true
	}
	// The last byte of each extension is the type of the next.
	for range maxExtensions {
		if h[n-1] == 0 {
			return n, true
		}
		if n >= len(h) || h[n] == 0 {
			return 0, false
		}
		if n += int(h[n]) * 4; n > len(h) {
			return 0, false
		}
	}
	return n, h[n-1] == 0
}

// HeaderLen returns the length of the header with its optional fields and
// extensions, in bytes.
func (h GTPU) HeaderLen() int {
	n, _ := h.walk()
	return n
}

// Flags returns which optional fields there are, as GTPUHas... say.
func (h GTPU) Flags() uint8 { return h[0] & gtpuOptional }

// Type returns the type of the message.
func (h GTPU) Type() uint8 { return h[1] }

// Length returns the length of what follows the first 8 bytes as the header
// says.
func (h GTPU) Length() int { return int(be.Uint16(h[2:4])) }

// Truncated reports whether fewer bytes are here than the header says.
func (h GTPU) Truncated() bool { return len(h) < GTPULen+h.Length() }

// TEID returns the identifier of the tunnel's end.
func (h GTPU) TEID() uint32 { return be.Uint32(h[4:8]) }

// Sequence returns the sequence number; ok is false if there is none.
func (h GTPU) Sequence() (seq uint16, ok bool) {
	if h[0]&GTPUHasSequence == 0 || len(h) < GTPULen+gtpuOptionalLen {
		return 0, false
	}
	return be.Uint16(h[8:10]), true
}

// Payload returns what follows the header.
func (h GTPU) Payload() []byte { return h[h.HeaderLen():] }

// SetType writes the type of the message.
func (h GTPU) SetType(t uint8) { h[1] = t }

// SetLength writes the length of what follows the first 8 bytes.
func (h GTPU) SetLength(n uint16) { be.PutUint16(h[2:4], n) }

// SetSequence writes the sequence number of a message that has one.
func (h GTPU) SetSequence(seq uint16) { be.PutUint16(h[8:10], seq) }

// Encode writes the first 8 bytes; h must have GTPULen bytes.
func (h GTPU) Encode(f *GTPUFields) {
	_ = h[GTPULen-1]
	h[0], h[1] = gtpuVersion1|f.Flags&gtpuOptional, f.Type
	be.PutUint16(h[2:4], f.Length)
	be.PutUint32(h[4:8], f.TEID)
}

// GTPUPDUSessionLen is the length of the optional fields and of the extension
// header that EncodePDUSession writes, in bytes.
const GTPUPDUSessionLen = gtpuOptionalLen + 4

// EncodePDUSession writes, to b of GTPUPDUSessionLen bytes, the optional
// fields without numbers and the container of a PDU session with the type of
// the PDU (4 bits: 0 downlink, 1 uplink) and the identifier of the QoS flow
// (6 bits). The header's flags must say GTPUHasExtension.
func EncodePDUSession(b []byte, pduType, qfi uint8) {
	_ = b[GTPUPDUSessionLen-1]
	be.PutUint32(b[0:4], uint32(GTPUPDUSession))
	b[4], b[5], b[6], b[7] = 1, pduType<<4, qfi&0x3f, 0
}

// GTPUFrame is a frame that carries GTP-U over UDP over IPv4.
type GTPUFrame struct {
	IP  IPv4
	UDP UDP
	GTP GTPU
	// At is where the message begins in the frame, End where it ends.
	At, End int
}

// ParseGTPUFrame takes an untagged Ethernet frame with an unfragmented IPv4
// packet apart that holds a whole GTP-U message. frame holds the headers,
// total is the length of the frame with what is not in there. The lengths of
// IPv4, UDP and GTP-U must fit into each other. Ports and checksums are not
// looked at.
func ParseGTPUFrame(frame []byte, total int) (f GTPUFrame, ok bool) {
	if len(frame) < EthernetLen || Ethernet(frame).Type() != TypeIPv4 {
		return f, false
	}
	if f.IP, ok = ParseIPv4(frame, EthernetLen); !ok || f.IP.Protocol() != ProtoUDP || f.IP.IsFragment() {
		return f, false
	}
	end := EthernetLen + f.IP.TotalLen()
	if f.UDP, ok = ParseUDP(f.IP, f.IP.HeaderLen()); !ok || end > total {
		return f, false
	}
	return f, f.message(frame, end)
}

// message finds the GTP-U message behind the parsed IPv4 and UDP headers of a
// packet that ends at end.
func (f *GTPUFrame) message(frame []byte, end int) (ok bool) {
	udp := EthernetLen + f.IP.HeaderLen()
	f.At = udp + UDPLen
	if udp+f.UDP.Length() > end {
		return false
	}
	if f.GTP, ok = ParseGTPU(frame, f.At); !ok {
		return false
	}
	f.End = f.At + GTPULen + f.GTP.Length()
	return f.End <= udp+f.UDP.Length()
}
