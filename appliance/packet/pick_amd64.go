// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

// CanPick reports whether Equal and Pick are fast: ones that look at packets
// one by one gain nothing over a loop that sorts them.
var CanPick = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasPOPCNT

// equal64 returns where list has v, in bits.
//
//go:noescape
func equal64(list *[BatchSize]uint16, v uint16) (mask uint64)

// pick64 copies the packets of src that mask names to dst, where the batch has
// room for them. Up to eight places behind them are overwritten. order is
// &orders.
//
//go:noescape
func pick64(dst *Packet, src *[BatchSize]Packet, mask uint64, order *[256][8]uint8)

// orders are, for each mask of eight packets, which of them come first.
var orders = func() (list [256][8]uint8) {
	for mask := range list {
		n := 0
		for i := range uint8(8) {
			if mask>>i&1 != 0 {
				list[mask][n] = i
				n++
			}
		}
	}
	return list
}()

func equal(keys *[BatchSize]uint16, key uint16) (mask uint64) {
	if !CanPick {
		return equalPortable(keys, key)
	}
	return equal64(keys, key)
}

func pick(dst, src *Batch, mask uint64) {
	if !CanPick {
		pickPortable(dst, src, mask)
		return
	}
	if mask == 0 {
		return // perhaps dst has no place at all
	}
	pick64(&dst.pkts[dst.n&(BatchSize-1)], &src.pkts, mask, &orders)
}
