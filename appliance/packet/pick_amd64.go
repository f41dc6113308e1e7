// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

// CanPick reports whether Pick is fast: one that looks at packets one by one
// gains nothing over a loop that sorts them.
var CanPick = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VBMI2 && cpu.X86.HasPOPCNT

// equal64 returns where list has v, in bits.
//
//go:noescape
func equal64(list *[BatchSize]uint16, v uint16) (mask uint64)

// pick64 copies the packets of src that mask names to the beginning of dst.
// Those behind them are overwritten.
//
//go:noescape
func pick64(dst, src *[BatchSize]Packet, mask uint64)

func pick(dst, src *[BatchSize]Packet, keys *[BatchSize]uint16, key uint16, of uint64) (mask uint64) {
	if !CanPick {
		return pickPortable(dst, src, keys, key, of)
	}
	mask = equal64(keys, key) & of
	pick64(dst, src, mask)
	return mask
}
