// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

// The compiler copies 16 bytes at a time; a packet then costs six stores, and
// stores are what making packets consists of. With 32 bytes it costs four.
var wide = cpu.X86.HasAVX2

func stamp(ps []Packet, images []Image, i int) (done, next int) {
	if wide {
		return stampWide(ps, images, i)
	}
	return stampPortable(ps, images, i)
}

// stampWide is stampPortable with 32-byte moves.
//
//go:noescape
func stampWide(ps []Packet, images []Image, i int) (done, next int)
