// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Blocks of a file. Numbers are in the writer's byte order; everything is
// padded to multiples of four bytes.
const (
	sectionHeader     = 0x0a0d0d0a
	sectionHeaderSize = 28
	byteOrderMagic    = 0x1a2b3c4d
	versionMajor      = 1
	versionMinor      = 0

	interfaceDescription     = 1
	interfaceDescriptionSize = 20
	linkEthernet             = 1
	snapLen                  = 1518

	enhancedPacket     = 6
	enhancedPacketSize = 32 // without data and options
	optionHeaderSize   = 4
	optionComment      = 1
	optionEnd          = 0
)

// maxComment limits the text about metadata, so that a block with the longest
// packet still fits into one write.
const maxComment = sys.FIFOChunk - enhancedPacketSize - (snapLen+3)&^3 - 2*optionHeaderSize

// fileHeader is what a file begins with: a section of unknown length and the
// description of the one interface.
func fileHeader() []byte {
	h := make([]byte, sectionHeaderSize+interfaceDescriptionSize)
	e := binary.NativeEndian
	e.PutUint32(h[0:], sectionHeader)
	e.PutUint32(h[4:], sectionHeaderSize)
	e.PutUint32(h[8:], byteOrderMagic)
	e.PutUint16(h[12:], versionMajor)
	e.PutUint16(h[14:], versionMinor)
	e.PutUint64(h[16:], ^uint64(0)) // length -1: unknown
	e.PutUint32(h[24:], sectionHeaderSize)
	i := h[sectionHeaderSize:]
	e.PutUint32(i[0:], interfaceDescription)
	e.PutUint32(i[4:], interfaceDescriptionSize)
	e.PutUint16(i[8:], linkEthernet)
	e.PutUint32(i[12:], snapLen)
	e.PutUint32(i[16:], interfaceDescriptionSize)
	return h
}

// pad rounds a length up to a multiple of four.
func pad(n int) int { return (n + 3) &^ 3 }

// comment is the text about a packet's metadata: "name = HEX" for every
// attribute, separated by blanks. Its length does not depend on the packet.
type comment struct {
	parts []part
	size  int // bytes, 0: no comment
}

// part is the text about one attribute.
type part struct {
	label string // " name = ", without the first blank in the first part
	id    module.AttrID
	size  int // bytes of the attribute
}

// newComment prepares the text for a module's attributes. Those that would
// make it too long are left out.
func newComment(attrs []module.Attr) comment {
	var c comment
	for i, a := range attrs {
		p := part{label: a.Name + " = ", id: module.AttrID(i), size: a.Size}
		if len(c.parts) > 0 {
			p.label = " " + p.label
		}
		if size := c.size + len(p.label) + 2*p.size; size <= maxComment {
			c.parts, c.size = append(c.parts, p), size
		}
	}
	return c
}

// optionsSize returns the bytes of the options of every block.
func (c *comment) optionsSize() int {
	if c.size == 0 {
		return 0
	}
	return optionHeaderSize + pad(c.size) + optionHeaderSize
}

// captured returns how many bytes of a packet are kept: of the first segment,
// at most snapLen.
func captured(p packet.Packet) int { return min(p.Len(), snapLen) }

// blockSize returns the bytes of a packet's block.
func (c *comment) blockSize(p packet.Packet) int {
	return enhancedPacketSize + pad(captured(p)) + c.optionsSize()
}

// block writes a packet's block to dst, which has room for it, and returns its
// size. us is the time since 1970 in microseconds.
func (c *comment) block(dst []byte, ctx *module.Context, p packet.Packet, us uint64) int {
	size, n := c.blockSize(p), captured(p)
	d := dst[:size]
	e := binary.NativeEndian
	e.PutUint32(d[0:], enhancedPacket)
	e.PutUint32(d[4:], uint32(size))
	e.PutUint32(d[8:], 0) // interface
	e.PutUint32(d[12:], uint32(us>>32))
	e.PutUint32(d[16:], uint32(us))
	e.PutUint32(d[20:], uint32(n))
	e.PutUint32(d[24:], uint32(p.TotalLen()))
	copy(d[28:], p.Bytes()[:n])
	end := 28 + pad(n)
	clear(d[28+n : end])
	if c.size > 0 {
		c.options(d[end:size-4], ctx, p)
	}
	e.PutUint32(d[size-4:], uint32(size))
	return size
}

// options writes the comment and the end of the options to d, which has
// exactly the room.
func (c *comment) options(d []byte, ctx *module.Context, p packet.Packet) {
	e := binary.NativeEndian
	e.PutUint16(d[0:], optionComment)
	e.PutUint16(d[2:], uint16(c.size))
	at := optionHeaderSize
	meta := p.Metadata()
	for i := range c.parts {
		a := &c.parts[i]
		at += copy(d[at:], a.label)
		text := d[at : at+2*a.size]
		if off := ctx.Attr(a.id); off >= 0 && off+a.size <= len(meta) {
			upperHex(text, meta[off:off+a.size])
		} else {
			for j := range text {
				text[j] = 'X'
			}
		}
		at += len(text)
	}
	clear(d[at : len(d)-optionHeaderSize])
	e.PutUint16(d[len(d)-4:], optionEnd)
	e.PutUint16(d[len(d)-2:], 0)
}

// upperHex writes b to dst, which is twice as long.
func upperHex(dst, b []byte) {
	const digits = "0123456789ABCDEF"
	for i, v := range b {
		dst[2*i], dst[2*i+1] = digits[v>>4], digits[v&15]
	}
}
