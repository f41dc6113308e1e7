// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

func blend(ps []Packet, off int, value, mask *metaLine) {
	if avx2 {
		blendAVX2(ps, off, value, mask)
		return
	}
	blendPortable(ps, off, value, mask)
}

// blendAVX2 is blendPortable with AVX2.
//
//go:noescape
func blendAVX2(ps []Packet, off int, value, mask *metaLine)

func clearMetadata(ps []Packet, n int) {
	if !avx2 {
		clearPortable(ps, n)
		return
	}
	for off := 0; off < n; off += 8 * lineWords {
		blendAVX2(ps, off, &zeros, &ones)
	}
}

var (
	zeros metaLine
	ones  = metaLine{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
)
