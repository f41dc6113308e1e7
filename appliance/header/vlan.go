// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "math/bits"

// VLANLen is the length of one tag in bytes: what is added to a frame.
const VLANLen = 4

// MaxVID is the largest VLAN id a tag can carry.
const MaxVID = 4095

// VLAN is what follows the tag protocol identifier (IEEE 802.1Q): two bytes of
// tag control information and the EtherType of what comes next.
type VLAN []byte

// VLANFields is the content of a tag.
type VLANFields struct {
	Priority uint8 // 0..7
	DEI      bool
	VID      uint16 // 0..4095
	Type     uint16
}

// ParseVLAN returns the tag whose control information starts at off, which is
// 14 for the outermost one.
func ParseVLAN(frame []byte, off int) (VLAN, bool) { return from(frame, off, VLANLen) }

// IsVLAN reports whether t introduces a tag: 802.1Q or 802.1ad.
func IsVLAN(t uint16) bool { return t == TypeVLAN || t == TypeQinQ }

// TCI returns the whole tag control information.
func (h VLAN) TCI() uint16 { return be.Uint16(h[0:2]) }

// Priority returns the priority code point, 0..7.
func (h VLAN) Priority() uint8 { return h[0] >> 5 }

// DEI returns the drop eligible indicator.
func (h VLAN) DEI() bool { return h[0]&0x10 != 0 }

// VID returns the VLAN id, 0..4095.
func (h VLAN) VID() uint16 { return be.Uint16(h[0:2]) & MaxVID }

// Type returns the EtherType after the tag.
func (h VLAN) Type() uint16 { return be.Uint16(h[2:4]) }

// SetTCI writes the whole tag control information.
func (h VLAN) SetTCI(tci uint16) { be.PutUint16(h[0:2], tci) }

// SetType writes the EtherType after the tag.
func (h VLAN) SetType(t uint16) { be.PutUint16(h[2:4], t) }

// Encode writes all fields; h must have VLANLen bytes.
func (h VLAN) Encode(f *VLANFields) {
	_ = h[VLANLen-1]
	be.PutUint16(h[0:2], TCI(f.Priority, f.DEI, f.VID))
	be.PutUint16(h[2:4], f.Type)
}

// TCI packs tag control information; bits that do not fit are cut.
func TCI(priority uint8, dei bool, vid uint16) uint16 {
	tci := uint16(priority&7)<<13 | vid&MaxVID
	if dei {
		tci |= 1 << 12
	}
	return tci
}

// SkipTags returns the EtherType behind the tags of frame and the offset of
// what it describes. Accepted are no tag, one 802.1Q tag, and an 802.1ad tag
// followed by an 802.1Q one (spec: headers.md, IPChecksum). With any other
// stack the type is that of the tag which was not expected; ok is false if the
// frame ends before that.
func SkipTags(frame []byte) (etherType uint16, off int, ok bool) {
	if len(frame) < EthernetLen {
		return 0, 0, false
	}
	outer := be.Uint16(frame[12:14])
	if !IsVLAN(outer) {
		return outer, EthernetLen, true
	}
	off = EthernetLen
	tag, ok := ParseVLAN(frame, off)
	if ok && outer == TypeQinQ {
		if tag.Type() != TypeVLAN {
			return outer, off, true
		}
		off += VLANLen
		tag, ok = ParseVLAN(frame, off)
	}
	if !ok {
		return 0, 0, false
	}
	return tag.Type(), off + VLANLen, true
}

// Tag protocol identifiers as a little-endian load finds them.
const (
	RawVLAN uint16 = TypeVLAN>>8 | TypeVLAN&0xff<<8
	RawQinQ uint16 = TypeQinQ>>8 | TypeQinQ&0xff<<8
)

// Tags returns the two tags with the given control information, as a
// little-endian load finds them: that of 802.1Q, and that of 802.1ad, which is
// put in front of another tag.
func Tags(tci uint16) (first, other uint32) {
	raw := uint32(bits.ReverseBytes16(tci)) << 16
	return raw | uint32(RawVLAN), raw | uint32(RawQinQ)
}

// PopTag moves the addresses over the outermost tag of an Ethernet frame and
// returns the tag control information: the new frame begins at
// frame[VLANLen]. ok is false, and nothing has changed, for frames without a
// tag or too short for one with the EtherType behind it.
func PopTag(frame []byte) (tci uint16, ok bool) {
	if len(frame) < EthernetLen+VLANLen {
		return 0, false
	}
	hi := le.Uint64(frame[8:16])
	if t := uint16(hi >> 32); t != RawVLAN && t != RawQinQ {
		return 0, false
	}
	lo := le.Uint64(frame[0:8])
	le.PutUint32(frame[12:16], uint32(hi))
	le.PutUint64(frame[4:12], lo)
	return bits.ReverseBytes16(uint16(hi >> 48)), true
}
