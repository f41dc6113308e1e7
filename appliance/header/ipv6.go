// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// IPv6Len is the length of the fixed IPv6 header in bytes (RFC 8200).
const IPv6Len = 40

// Next header values that announce an extension header.
const (
	extHopByHop    uint8 = 0
	extRouting     uint8 = 43
	extFragment    uint8 = 44
	extAuth        uint8 = 51
	extDestination uint8 = 60
)

// maxExtensions bounds the walk over extension headers. Eight is more than
// any legal packet has.
const maxExtensions = 8

// IPv6 is an IPv6 header and its payload. ParseIPv6 cuts it at the payload
// length, so that Ethernet padding is not part of it.
type IPv6 []byte

// IPv6Fields is the content of the fixed IPv6 header.
type IPv6Fields struct {
	TrafficClass uint8
	FlowLabel    uint32 // 20 bits
	PayloadLen   uint16
	NextHeader   uint8
	HopLimit     uint8
	Src, Dst     [16]byte
}

// ParseIPv6 returns the header at off with its payload, which may be cut
// short by the end of the frame: Truncated tells. It checks the version and
// that the fixed header is complete.
func ParseIPv6(frame []byte, off int) (IPv6, bool) {
	if off < 0 || off > len(frame)-IPv6Len || frame[off]>>4 != 6 {
		return nil, false
	}
	b := frame[off:]
	return b[:min(len(b), IPv6Len+int(be.Uint16(b[4:6])))], true
}

// TrafficClass returns the traffic class.
func (h IPv6) TrafficClass() uint8 { return uint8(be.Uint16(h[0:2]) >> 4) }

// FlowLabel returns the 20 bits of the flow label.
func (h IPv6) FlowLabel() uint32 { return be.Uint32(h[0:4]) & 0xfffff }

// PayloadLen returns the length of the payload as the header says.
func (h IPv6) PayloadLen() int { return int(be.Uint16(h[4:6])) }

// Truncated reports whether fewer bytes are here than the header says.
func (h IPv6) Truncated() bool { return len(h) < IPv6Len+h.PayloadLen() }

// NextHeader returns the number of the first extension or of the transport.
func (h IPv6) NextHeader() uint8 { return h[6] }

// HopLimit returns the hop limit.
func (h IPv6) HopLimit() uint8 { return h[7] }

// Src returns the source address.
func (h IPv6) Src() [16]byte { return [16]byte(h[8:24]) }

// Dst returns the destination address.
func (h IPv6) Dst() [16]byte { return [16]byte(h[24:40]) }

// Payload returns what follows the fixed header, extensions included.
func (h IPv6) Payload() []byte { return h[IPv6Len:] }

// SetPayloadLen writes the payload length.
func (h IPv6) SetPayloadLen(v uint16) { be.PutUint16(h[4:6], v) }

// SetNextHeader writes the next header.
func (h IPv6) SetNextHeader(v uint8) { h[6] = v }

// SetHopLimit writes the hop limit.
func (h IPv6) SetHopLimit(v uint8) { h[7] = v }

// SetSrc writes the source address; no checksum is touched.
func (h IPv6) SetSrc(a [16]byte) { copy(h[8:24], a[:]) }

// SetDst writes the destination address; no checksum is touched.
func (h IPv6) SetDst(a [16]byte) { copy(h[24:40], a[:]) }

// Upper is where the chain of extension headers leads to.
type Upper struct {
	Proto uint8 // transport protocol
	Off   int   // place of its header
	// Fragment is set for the first of several fragments.
	Fragment bool
	// Routed is set if a routing header has segments left: the destination
	// is not the last one, which checksums cover.
	Routed bool
}

// Upper walks the extension headers. ok is false where there is no transport
// header to read: the chain is broken, longer than eight, or this is a fragment
// other than the first.
func (h IPv6) Upper() (up Upper, ok bool) {
	up.Proto, up.Off = h[6], IPv6Len
	for range maxExtensions + 1 { // the last time for the transport
		switch up.Proto {
		case extHopByHop, extRouting, extDestination, extFragment, extAuth:
		default:
			return up, true
		}
		ext, complete := from(h, up.Off, 8)
		if !complete {
			return up, false
		}
		n := (int(ext[1]) + 1) * 8
		switch up.Proto {
		case extFragment:
			if be.Uint16(ext[2:4])&0xfff8 != 0 {
				return up, false
			}
			up.Fragment = up.Fragment || ext[3]&1 != 0
			n = 8
		case extRouting:
			up.Routed = up.Routed || ext[3] != 0
		case extAuth:
			n = (int(ext[1]) + 2) * 4
		}
		if n > len(ext) {
			return up, false
		}
		up.Proto, up.Off = ext[0], up.Off+n
	}
	return up, false
}

// Transport returns the transport protocol and the offset of its header in h;
// ok is false where Upper's is.
func (h IPv6) Transport() (proto uint8, off int, ok bool) {
	up, ok := h.Upper()
	if !ok {
		return 0, 0, false
	}
	return up.Proto, up.Off, true
}

// Encode writes the fixed header; h must have IPv6Len bytes.
func (h IPv6) Encode(f *IPv6Fields) {
	_ = h[IPv6Len-1]
	be.PutUint32(h[0:4], 6<<28|uint32(f.TrafficClass)<<20|f.FlowLabel&0xfffff)
	be.PutUint16(h[4:6], f.PayloadLen)
	h[6], h[7] = f.NextHeader, f.HopLimit
	copy(h[8:24], f.Src[:])
	copy(h[24:40], f.Dst[:])
}
