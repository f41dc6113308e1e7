// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// DropMarked drops those packets of b whose bits are set, the lowest for the
// first packet, and returns how many that were. The others stay in order.
func (c *Context) DropMarked(b *packet.Batch, marks uint64) int {
	n, slots := 0, b.Slots()
	for i, p := range b.Packets() {
		if marks>>(i&63)&1 != 0 {
			c.Drop(p)
			continue
		}
		slots[n] = p
		n++
	}
	b.SetLen(n)
	return bits.OnesCount64(marks)
}
