// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// putAVX2 is putPortable, four packets a turn.
//
//go:noescape
func putAVX2(dst *Packet, ps []Packet) (links uintptr)

func put(dst, ps []Packet) (links uintptr) {
	if avx2 && len(ps) > 0 && len(dst) >= len(ps) {
		return putAVX2(&dst[0], ps)
	}
	return putPortable(dst, ps)
}
