// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// CRC32CEach replaces every word by CRC32CUint32(0, word). The processor does
// that where it can.
func CRC32CEach(words []uint32) { crc32cEach(words) }

// crc32cEachPortable is CRC32CEach for any processor.
func crc32cEachPortable(words []uint32) {
	for i, w := range words {
		words[i] = CRC32CUint32(0, w)
	}
}
