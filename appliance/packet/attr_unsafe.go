// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"unsafe"
)

// Attr is the place of an attribute in the metadata area, looked at once for
// a whole batch so that reads and writes ask nothing more. The zero Attr has no
// place: it reads as zero, and writing it does nothing. Numbers have the
// attribute's first byte at the bottom. The size in a method's name must be the
// attribute's.
type Attr struct {
	off  uintptr
	mask uint64 // the bytes it has
}

// AttrAt returns the attribute of size bytes, 1..8, at off. One that is not
// in the area, such as those with negative offsets, has no place.
func AttrAt(off, size int) Attr {
	if size < 1 || size > 8 || off < 0 || off > MetadataSize-size {
		return Attr{}
	}
	return Attr{uintptr(off), ^uint64(0) >> (64 - 8*size)}
}

// in returns where the attribute lies in an area.
func (a Attr) in(md *[MetadataSize]byte) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(md), a.off) }

// Load8 reads one byte.
func (a Attr) Load8(md *[MetadataSize]byte) uint8 { return *(*uint8)(a.in(md)) & uint8(a.mask) }

// Load16 reads two bytes.
func (a Attr) Load16(md *[MetadataSize]byte) uint16 {
	return binary.LittleEndian.Uint16((*[2]byte)(a.in(md))[:]) & uint16(a.mask)
}

// Load32 reads four bytes.
func (a Attr) Load32(md *[MetadataSize]byte) uint32 {
	return binary.LittleEndian.Uint32((*[4]byte)(a.in(md))[:]) & uint32(a.mask)
}

// Load48 reads six bytes, such as an Ethernet address.
func (a Attr) Load48(md *[MetadataSize]byte) uint64 {
	d := (*[6]byte)(a.in(md))
	return (uint64(binary.LittleEndian.Uint32(d[:4])) | uint64(binary.LittleEndian.Uint16(d[4:]))<<32) & a.mask
}

// Store8 writes one byte.
func (a Attr) Store8(md *[MetadataSize]byte, v uint8) {
	if a.mask != 0 {
		*(*uint8)(a.in(md)) = v
	}
}

// Store16 writes two bytes.
func (a Attr) Store16(md *[MetadataSize]byte, v uint16) {
	if a.mask != 0 {
		binary.LittleEndian.PutUint16((*[2]byte)(a.in(md))[:], v)
	}
}

// Store32 writes four bytes.
func (a Attr) Store32(md *[MetadataSize]byte, v uint32) {
	if a.mask != 0 {
		binary.LittleEndian.PutUint32((*[4]byte)(a.in(md))[:], v)
	}
}

// MetadataWords returns the packet's metadata area as words, the first byte of
// each at the bottom.
func (p Packet) MetadataWords() *[MetadataSize / 8]uint64 {
	return (*[MetadataSize / 8]uint64)(pointer(&p.hdr().meta))
}
