// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "unsafe"

// Front is the beginning of a packet's data as an array, so that what is at
// constant places in it needs no checks. Only as many bytes as the packet has
// are the packet's; those behind must be left alone.
type Front [2 * BufferSize]byte

// Push is Prepend that returns the new front: n bytes of undefined content,
// then what was the packet. It returns nil, and nothing has changed, if there
// is no headroom for them.
func (p Packet) Push(n int) *Front {
	h := p.hdr()
	if h.data-h.buf < uintptr(n) { // a negative n is a large one
		return nil
	}
	data := h.data - uintptr(n)
	h.data = data
	*h.lens() += uint64(n) | uint64(n)<<32
	return (*Front)(unsafe.Add(unsafe.Pointer(nil), data))
}

// Pull removes n bytes from the front. The first segment must have them: ask
// Front or Len first.
func (p Packet) Pull(n int) {
	h := p.hdr()
	h.data += uintptr(n)
	*h.lens() -= uint64(n) | uint64(n)<<32
}

// Front returns the front of a packet whose first segment has at least n
// bytes, else nil.
func (p Packet) Front(n int) *Front {
	h := p.hdr()
	if uint64(h.len) < uint64(n) {
		return nil
	}
	return (*Front)(unsafe.Add(unsafe.Pointer(nil), h.data))
}

// lens returns header.len and header.total as one word: both change together.
func (h *header) lens() *uint64 { return (*uint64)(unsafe.Pointer(&h.len)) }

// Put64 writes v at byte i, at most BufferSize-8, its low byte first. (The
// compiler divides the stores of encoding/binary when it knows some of the
// bytes, as those of headers often are.)
func (d *Front) Put64(i int, v uint64) { *(*uint64)(unsafe.Pointer(&d[i])) = v }
