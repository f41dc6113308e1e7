// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "math/bits"

// Pick appends the packets of src that mask names, bit i for packet i, in their
// order. There must be room for them. src keeps all of its packets.
func (b *Batch) Pick(src *Batch, mask uint64) {
	pick(b, src, mask)
	b.n += bits.OnesCount64(mask)
}

// pickPortable is pick for any processor.
func pickPortable(dst, src *Batch, mask uint64) {
	for n := dst.n; mask != 0; mask &= mask - 1 {
		dst.pkts[n&(BatchSize-1)] = src.pkts[bits.TrailingZeros64(mask)]
		n++
	}
}

// Equal returns which of the keys are the given one: bit i stands for key i.
func Equal(keys *[BatchSize]uint16, key uint16) (mask uint64) { return equal(keys, key) }

// equalPortable is equal for any processor.
func equalPortable(keys *[BatchSize]uint16, key uint16) (mask uint64) {
	for i, k := range keys {
		if k == key {
			mask |= 1 << i
		}
	}
	return mask
}
