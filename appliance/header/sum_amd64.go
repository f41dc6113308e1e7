// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "golang.org/x/sys/cpu"

// Chains of carries cost a cycle for 8 bytes; with 16 sums beside each other, of
// numbers that leave room for carries, it is a third.
var wideSums = cpu.X86.HasAVX2

func sumBlocks(data []byte) (sum uint64, rest []byte) {
	if !wideSums {
		return sumBlocksPortable(data)
	}
	for len(data) > sumMost {
		sum += sumAVX2(data[:sumMost])
		data = data[sumMost:]
	}
	n := len(data) &^ (sumBlock - 1)
	if n == 0 {
		return sum, data
	}
	return sum + sumAVX2(data[:n]), data[n:]
}

// sumMost is a length at which no sum of 32 bits is over.
const sumMost = 1 << 19

// sumAVX2 adds the words of data, at least one block and at most sumMost bytes.
// Of the last block only a whole one counts.
//
//go:noescape
func sumAVX2(data []byte) uint64
