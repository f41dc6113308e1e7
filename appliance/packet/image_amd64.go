// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

// The compiler copies 16 bytes at a time; a packet then costs six stores, and
// stores are what making packets consists of. With wide registers it costs
// three or two.
var (
	avx2   = cpu.X86.HasAVX2
	avx512 = cpu.X86.HasAVX512F
)

func stamp(ps []Packet, images []Image, i int) (done, next int) {
	switch {
	case avx512:
		return stampAVX512(ps, images, i)
	case avx2:
		return stampAVX2(ps, images, i)
	}
	return stampPortable(ps, images, i)
}

// stampAVX2 is stampPortable with 32-byte moves.
//
//go:noescape
func stampAVX2(ps []Packet, images []Image, i int) (done, next int)

// stampAVX512 is stampPortable with 64-byte moves.
//
//go:noescape
func stampAVX512(ps []Packet, images []Image, i int) (done, next int)

func stampTails(ps []Packet, images []Image, i int) {
	if avx512 {
		stampTailsAVX512(ps, images, i)
		return
	}
	stampTailsPortable(ps, images, i)
}

// stampTailsAVX512 is stampTailsPortable with one move.
//
//go:noescape
func stampTailsAVX512(ps []Packet, images []Image, i int)
