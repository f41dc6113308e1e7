// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "golang.org/x/sys/cpu"

// From tables a word costs four lookups, with the instruction made for it one.
var hasCRC32 = cpu.X86.HasSSE42

func crc32cEach(words []uint32) {
	if hasCRC32 {
		crc32cEachSSE42(words)
		return
	}
	crc32cEachPortable(words)
}

// crc32cEachSSE42 is crc32cEachPortable with the CRC32 instruction.
//
//go:noescape
func crc32cEachSSE42(words []uint32)
