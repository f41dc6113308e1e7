// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "unsafe"

// Packet is a handle: the address of a buffer's header in the arena. It is
// not a Go pointer, so that the garbage collector never looks at batches and
// moving packets costs no write barrier. Zero is "no packet".
//
//	arena, one buffer every Stride bytes:
//	+--------+-----------+----------------------------------+----------+
//	| header | headroom  | data (Len bytes from Bytes()[0]) | tailroom |
//	| 64 B   | 128 B     |                                  |          |
//	+--------+-----------+----------------------------------+----------+
//	          \_________________ BufferSize = 2048 bytes ____________/
//
//	metadata: 128 bytes each in an area of its own, touched only when used
//
// Whoever holds the handle owns the packet: exactly one module, queue, batch
// or cache at a time. Nobody else may read or write it.
type Packet uintptr

// header is the part of a buffer that describes the packet in it. Written by
// the owner of the packet only.
type header struct {
	data  uintptr // address of the first byte of this segment
	len   uint32  // bytes in this segment
	total uint32  // bytes in the whole packet; meaningful in the first segment
	buf   uintptr // address of the buffer's first byte
	meta  uintptr // address of the metadata area
	// link is the next segment (0: none) with the packet's flags in the low
	// bits that an address leaves free. A free packet's link is 0, so that
	// one look on freeing and none on allocation is enough.
	link uintptr
	csum uint32 // checksum start and offset of FlagPartialChecksum
	// pieces are kind and size of those of FlagLarge
	pieces uint32
	_      [16]byte
}

func (h *header) next() Packet { return Packet(h.link &^ uintptr(flagMask)) }

func (h *header) setNext(p Packet) { h.link = uintptr(p) | h.link&uintptr(flagMask) }

func (p Packet) hdr() *header {
	return (*header)(unsafe.Add(unsafe.Pointer(nil), uintptr(p)))
}

// pointer reads an address from the header as a pointer, which only exists on
// the stack. (The conversion from the stored integer, as in hdr, makes the
// compiler fail on wide copies.)
func pointer(field *uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(field)) }

// Bytes returns the data of the first segment. The slice is valid while the
// caller owns the packet and its length is not changed.
func (p Packet) Bytes() []byte {
	h := p.hdr()
	// As a slice of an array, with a mask that changes nothing, it needs none
	// of the checks that unsafe.Slice makes; nor does an address that is
	// computed have to be checked for nil.
	n := h.len & (2*BufferSize - 1)
	return (*[2 * BufferSize]byte)(unsafe.Add(unsafe.Pointer(nil), h.data))[:n:n]
}

// Metadata returns the packet's metadata area.
func (p Packet) Metadata() *[MetadataSize]byte {
	return (*[MetadataSize]byte)(pointer(&p.hdr().meta))
}

// addressOf returns the address of mem's first byte.
func addressOf(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }

// copyHeads makes each of dst a copy of the packet in src, all of one segment
// and without flags: bytes and headroom. src is not longer than dst.
func copyHeads(dst, src []Packet) {
	dst = dst[:len(src)]
	for i, p := range src {
		h, q := p.hdr(), dst[i].hdr()
		room := h.data - h.buf
		q.data = q.buf + room
		*(*uint64)(unsafe.Pointer(&q.len)) = *(*uint64)(unsafe.Pointer(&h.len))
		q.csum = h.csum
		// Most copies are of small packets: a fixed number of bytes goes
		// with a few moves. Those behind the packet are within the buffers.
		if h.len <= 64 && room <= BufferSize-64 {
			*(*[64]byte)(pointer(&q.data)) = *(*[64]byte)(pointer(&h.data))
			continue
		}
		copy(dst[i].Bytes(), p.Bytes())
	}
}
