// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package packet

func stamp(ps []Packet, images []Image, i int) (done, next int) {
	return stampPortable(ps, images, i)
}

func stampTails(ps []Packet, images []Image, i int) { stampTailsPortable(ps, images, i) }

func fresh(dst, src []Packet, im *Image) { freshPortable(dst, src, im) }
