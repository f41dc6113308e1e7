// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package packet holds packet buffers, batches of them and the pool they come
// from. Buffers live outside the Go heap; a packet is a handle passed by
// value. Nothing here allocates, locks or logs once the pool exists.
package packet

// Sizes in bytes (spec: modules/README.md section 2.3).
const (
	// BufferSize is the room for headroom, data and tailroom of one segment.
	BufferSize = 2048
	// Headroom is what a new packet leaves free in front of its data, unless
	// the data needs it.
	Headroom = 128
	// MetadataSize is the metadata area of every packet.
	MetadataSize = 128
	// Overhead is added to every packet when bits are counted: preamble,
	// frame check sequence and inter-frame gap of Ethernet.
	Overhead = 24
	// headerSize is the size of header, one cache line.
	headerSize = 64
	// front is where a new packet's data begins, from its header on.
	front = headerSize + Headroom
	// Stride is the distance of buffers in the arena. It is deliberately not
	// a power of two: with 2048 all headers would share two sets of the
	// first-level cache.
	Stride = headerSize + BufferSize
	// MaxTotal limits a packet of several segments.
	MaxTotal = 65535 + 18
)

// Flags of a packet.
const (
	// FlagPartialChecksum says the transport checksum holds only the pseudo
	// header's sum, as local senders leave it for the hardware to complete.
	FlagPartialChecksum uint32 = 1 << iota
	// FlagBadIPChecksum and FlagBadL4Checksum are set by receivers whose
	// device verified the checksum and found it wrong.
	FlagBadIPChecksum
	FlagBadL4Checksum
	// FlagLarge says the packet is several of a flow in one, as local senders
	// leave them for the hardware to cut; see Pieces. Only receivers told to
	// let such packets in set it.
	FlagLarge

	// flagMask are the bits of header.link that hold flags: headers are
	// aligned to 64 bytes.
	flagMask uint32 = headerSize - 1
)

// reset makes p an empty, single-segment packet with the usual headroom.
func (p Packet) reset() {
	h := p.hdr()
	h.data = uintptr(p) + front
	h.len, h.total = 0, 0
	h.link = 0
}

// Init gives the single-segment packet p a length of n bytes, 0..BufferSize,
// of undefined content. The headroom is 128 bytes, less if n needs the room.
// Flags are kept.
func (p Packet) Init(n int) {
	h := p.hdr()
	room := uintptr(Headroom)
	if n > BufferSize-Headroom {
		n = min(n, BufferSize)
		room = uintptr(BufferSize - n)
	}
	h.data = h.buf + room
	h.len, h.total = uint32(n), uint32(n)
}

// Len returns the bytes of the first segment.
func (p Packet) Len() int { return int(p.hdr().len) }

// TotalLen returns the bytes of the whole packet, without frame check
// sequence.
func (p Packet) TotalLen() int { return int(p.hdr().total) }

// Next returns the next segment, 0 if there is none.
func (p Packet) Next() Packet { return p.hdr().next() }

// Flags returns the packet's flags.
func (p Packet) Flags() uint32 { return uint32(p.hdr().link) & flagMask }

// SetFlags replaces the packet's flags.
func (p Packet) SetFlags(f uint32) {
	h := p.hdr()
	h.link = h.link&^uintptr(flagMask) | uintptr(f&flagMask)
}

// ChecksumPlace returns where a partial checksum starts and where it is to
// be stored, both in bytes from the start of the packet.
func (p Packet) ChecksumPlace() (start, at int) {
	c := p.hdr().csum
	return int(c >> 16), int(c & 0xffff)
}

// SetChecksumPlace stores what ChecksumPlace returns.
func (p Packet) SetChecksumPlace(start, at int) {
	p.hdr().csum = uint32(start)<<16 | uint32(at)&0xffff
}

// Pieces returns what a packet with FlagLarge is to be cut into: pieces with
// size bytes of payload, of a kind that only its receiver and sender know.
func (p Packet) Pieces() (kind uint8, size int) {
	v := p.hdr().pieces
	return uint8(v >> 16), int(v & 0xffff)
}

// SetPieces stores what Pieces returns.
func (p Packet) SetPieces(kind uint8, size int) {
	p.hdr().pieces = uint32(kind)<<16 | uint32(size)&0xffff
}

// HeadroomLen returns the free bytes in front of the data.
func (p Packet) HeadroomLen() int { h := p.hdr(); return int(h.data - h.buf) }

// TailroomLen returns the free bytes behind the data of the first segment.
func (p Packet) TailroomLen() int {
	h := p.hdr()
	return BufferSize - int(h.data-h.buf) - int(h.len)
}

// Prepend makes room for n more bytes in front of the packet and reports
// whether there was headroom for them. If not, nothing changes.
func (p Packet) Prepend(n int) bool {
	h := p.hdr()
	if n < 0 || h.data-h.buf < uintptr(n) {
		return false
	}
	h.data -= uintptr(n)
	h.len += uint32(n)
	h.total += uint32(n)
	return true
}

// Adjust removes n bytes from the front and reports whether the first
// segment had them. If not, nothing changes.
func (p Packet) Adjust(n int) bool {
	h := p.hdr()
	if n < 0 || uint32(n) > h.len {
		return false
	}
	h.data += uintptr(n)
	h.len -= uint32(n)
	h.total -= uint32(n)
	return true
}

// Append makes room for n more bytes, of undefined content, behind the data
// of a single-segment packet and reports whether there was tailroom.
func (p Packet) Append(n int) bool {
	h := p.hdr()
	if n < 0 || h.next() != 0 || p.TailroomLen() < n {
		return false
	}
	h.len += uint32(n)
	h.total += uint32(n)
	return true
}

// Trim cuts a single-segment packet to its first n bytes.
func (p Packet) Trim(n int) bool {
	h := p.hdr()
	if n < 0 || h.next() != 0 || uint32(n) > h.len {
		return false
	}
	h.len, h.total = uint32(n), uint32(n)
	return true
}

// Set makes p a single-segment packet holding a copy of data, at most
// BufferSize bytes (the rest is cut). Metadata is kept.
func (p Packet) Set(data []byte) {
	p.Init(len(data))
	copy(p.Bytes(), data)
}

// Chain appends segment s, which must be single, to the packet p.
func (p Packet) Chain(s Packet) {
	last := p
	for last.Next() != 0 {
		last = last.Next()
	}
	last.hdr().setNext(s)
	p.hdr().total += s.hdr().len
}

// CopyOut copies the whole packet, all segments, into dst and returns the
// number of bytes copied.
func (p Packet) CopyOut(dst []byte) int {
	n := 0
	for s := p; s != 0 && n < len(dst); s = s.Next() {
		n += copy(dst[n:], s.Bytes())
	}
	return n
}

// CopyMetadata copies the first n bytes of src's metadata to p.
func (p Packet) CopyMetadata(src Packet, n int) {
	n = min(n, MetadataSize)
	copy(p.Metadata()[:n], src.Metadata()[:n])
}
