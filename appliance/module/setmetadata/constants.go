// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package setmetadata

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// words is the size of the metadata area in words of 8 bytes.
const words = packet.MetadataSize / 8

// constants are the constant attributes of an instance.
type constants struct{ packet.MetadataConst }

// add adds the constant of an op whose attribute is at byte off.
func (c *constants) add(o *op, off int) {
	for i := 0; i < o.size; i += 8 {
		mask := ^uint64(0) >> (64 - 8*min(o.size-i, 8))
		value := binary.LittleEndian.Uint64(o.value[i&24:]) // zero behind the attribute
		w, shift := (off+i)/8%words, uint(off)%8*8
		c.Set(w, value<<shift, mask<<shift)
		if high := mask >> (64 - shift); high != 0 {
			c.Set((w+1)%words, value>>(64-shift), high)
		}
	}
}
