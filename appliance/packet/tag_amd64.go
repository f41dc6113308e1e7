// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

// The addresses, and what is put behind them, move together, 16 bytes at once.
var hasAVX = cpu.X86.HasAVX

func pushTags(ps []Packet, first, other uint32) (left uint64) {
	if hasAVX {
		return pushTagsAVX(ps, first, other)
	}
	return all(ps)
}

func popTags(ps []Packet, a, b uint16) (left uint64) {
	if hasAVX {
		return popTagsAVX(ps, a, b)
	}
	return popTagsPortable(ps, a, b)
}

// pushTagsAVX does what Packet.pushTag does to packets of at least 16 bytes.
//
//go:noescape
func pushTagsAVX(ps []Packet, first, other uint32) (left uint64)

//go:noescape
func popTagsAVX(ps []Packet, a, b uint16) (left uint64)
