// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "math/bits"

// Pick fills the empty batch b with the packets of src whose key is the given
// one, in their order, and returns which they are: bit i stands for packet i.
// It looks only at packets whose bit is set in of. src keeps all of them.
func (b *Batch) Pick(src *Batch, keys *[BatchSize]uint16, key uint16, of uint64) (mask uint64) {
	mask = pick(&b.pkts, &src.pkts, keys, key, of)
	b.n = bits.OnesCount64(mask)
	return mask
}

// pickPortable is pick for any processor.
func pickPortable(dst, src *[BatchSize]Packet, keys *[BatchSize]uint16, key uint16, of uint64) (mask uint64) {
	n := 0
	for i, k := range keys {
		if k == key && of>>i&1 != 0 {
			dst[n] = src[i]
			n++
			mask |= 1 << i
		}
	}
	return mask
}
