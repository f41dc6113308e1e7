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

// fresh copies free packets from src to dst and gives each the image, but for
// what is behind imageHead bytes.
func fresh(dst, src []Packet, im *Image) {
	if src = src[:len(dst)]; avx512 && len(dst) != 0 {
		freshAVX512(dst, &src[0], im)
		return
	}
	freshPortable(dst, src, im)
}

// freshAVX512 is freshPortable; nothing is loaded but what is in src.
//
//go:noescape
func freshAVX512(dst []Packet, src *Packet, im *Image)

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
