// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package setmetadata

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// words is the size of the metadata area in words of 8 bytes.
const words = packet.MetadataSize / 8

// constants are the constant attributes of an instance as words of the
// metadata area: neighbours are written together.
type constants struct {
	value, mask [words]uint64
}

// add adds the constant of an op whose attribute is at byte off.
func (c *constants) add(o *op, off int) {
	for i := 0; i < o.size; i += 8 {
		mask := ^uint64(0) >> (64 - 8*min(o.size-i, 8))
		value := binary.LittleEndian.Uint64(o.value[i&24:]) // zero behind the attribute
		w, shift := (off+i)/8%words, uint(off)%8*8
		c.put(w, value<<shift, mask<<shift)
		if high := mask >> (64 - shift); high != 0 {
			c.put((w+1)%words, value>>(64-shift), high)
		}
	}
}

func (c *constants) put(w int, value, mask uint64) {
	c.value[w] |= value
	c.mask[w] |= mask
}

// write writes them to the metadata of all packets.
func (c *constants) write(ps []packet.Packet) {
	for w, mask := range c.mask {
		value, keep := c.value[w], ^mask
		switch {
		case mask == 0:
		case keep == 0:
			for _, p := range ps {
				p.MetadataWords()[w] = value
			}
		default:
			for _, p := range ps {
				m := &p.MetadataWords()[w]
				*m = *m&keep | value
			}
		}
	}
}
