// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import "golang.org/x/sys/cpu"

var tuplesWide = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW

func readTuples(ps []Packet, out *[BatchSize]tuple) bool {
	n := 0
	if tuplesWide {
		n = len(ps) &^ 3
		if n > 0 && !readTuplesAVX512(ps[:n], out) {
			return false
		}
	}
	return readTuplesPortable(ps[n:], out[n:])
}

// readTuplesAVX512 is readTuplesPortable for four packets at a time; ps are a
// multiple of four. It reads where a packet's bytes would be before it knows how
// many there are, see overRead.
//
//go:noescape
func readTuplesAVX512(ps []Packet, out *[BatchSize]tuple) bool
