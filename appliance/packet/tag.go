// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"math/bits"
)

// Places in a frame, in bytes: a tag lies behind the two addresses and in front
// of the type.
const (
	tagAt   = 12
	tagSize = 4
	typeEnd = tagAt + 2
)

// PushTags inserts a tag into each of at most BatchSize frames: other into those
// that begin with one of either kind, first into all others. Tags have their
// first byte at the bottom, and the kind is in their first two bytes. What is
// left alone, for want of headroom or because the frame's first segment has no
// type, is returned in bits.
func PushTags(ps []Packet, first, other uint32) (left uint64) {
	left = pushTags(ps, first, other)
	for todo := left; todo != 0; todo &= todo - 1 {
		i := bits.TrailingZeros64(todo)
		if ps[i].pushTag(first, other) {
			left &^= 1 << i
		}
	}
	return left
}

func (p Packet) pushTag(first, other uint32) bool {
	if p.Len() < typeEnd {
		return false
	}
	d := p.Push(tagSize)
	if d == nil {
		return false
	}
	copy(d[:tagAt], d[tagSize:])
	tag := first
	if kind := binary.LittleEndian.Uint16(d[tagSize+tagAt:]); kind == uint16(first) || kind == uint16(other) {
		tag = other
	}
	binary.LittleEndian.PutUint32(d[tagAt:], tag)
	return true
}

// PopTags removes the outermost tag from each of at most BatchSize frames.
// Which are left alone, because their tag is not of kind a or b or has no type
// behind it, is returned in bits. Kinds have their first byte at the bottom.
func PopTags(ps []Packet, a, b uint16) (left uint64) { return popTags(ps, a, b) }

// popTagsPortable is PopTags for any processor.
func popTagsPortable(ps []Packet, a, b uint16) (left uint64) {
	for i, p := range ps {
		d := p.Front(tagSize + typeEnd)
		if d == nil {
			left |= 1 << (i & 63)
			continue
		}
		if kind := binary.LittleEndian.Uint16(d[tagAt:]); kind != a && kind != b {
			left |= 1 << (i & 63)
			continue
		}
		copy(d[tagSize:tagSize+tagAt], d[:tagAt])
		p.Pull(tagSize)
	}
	return left
}

// all returns ps in bits.
func all(ps []Packet) uint64 { return 1<<len(ps) - 1 }
