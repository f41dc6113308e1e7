// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "encoding/binary"

// What follows reads and writes attributes in a metadata area. Numbers have
// the area's first byte at the bottom, so that what is copied between areas
// and packets keeps its bytes in order. Offsets outside the area, such as the
// negative ones of attributes without a place, give zero and write nothing.

// Meta8 returns the byte at off.
func Meta8(md *[MetadataSize]byte, off int) uint8 {
	if uint(off) >= MetadataSize {
		return 0
	}
	return md[off]
}

// Meta16 returns the two bytes at off.
func Meta16(md *[MetadataSize]byte, off int) uint16 {
	if uint(off) > MetadataSize-2 {
		return 0
	}
	return binary.LittleEndian.Uint16(md[off:])
}

// Meta32 returns the four bytes at off.
func Meta32(md *[MetadataSize]byte, off int) uint32 {
	if uint(off) > MetadataSize-4 {
		return 0
	}
	return binary.LittleEndian.Uint32(md[off:])
}

// SetMeta8 writes the byte at off.
func SetMeta8(md *[MetadataSize]byte, off int, v uint8) {
	if uint(off) < MetadataSize {
		md[off] = v
	}
}

// SetMeta16 writes the two bytes at off.
func SetMeta16(md *[MetadataSize]byte, off int, v uint16) {
	if uint(off) <= MetadataSize-2 {
		binary.LittleEndian.PutUint16(md[off:], v)
	}
}

// SetMeta32 writes the four bytes at off.
func SetMeta32(md *[MetadataSize]byte, off int, v uint32) {
	if uint(off) <= MetadataSize-4 {
		binary.LittleEndian.PutUint32(md[off:], v)
	}
}
