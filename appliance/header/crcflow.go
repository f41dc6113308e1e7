// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

// Flow4 is what tells IPv4 flows apart: numbers as they lie in a packet, read
// with the first byte at the bottom.
type Flow4 struct {
	Addrs uint64 // both addresses
	Ports uint32 // both ports
	// Hash is the protocol, or any other start, and becomes the flow's hash.
	Hash uint32
}

// HashFlows4 gives each flow its hash: CRC32C over the ports and then the
// addresses. The processor does that where it can.
func HashFlows4(flows []Flow4) { hashFlows4(flows) }

// hashFlows4Portable is HashFlows4 for any processor.
func hashFlows4Portable(flows []Flow4) {
	for i := range flows {
		f := &flows[i]
		f.Hash = CRC32CUint64(CRC32CUint32(f.Hash, f.Ports), f.Addrs)
	}
}

// CRC32CEach replaces every word by CRC32CUint32(0, word). The processor does
// that where it can.
func CRC32CEach(words []uint32) { crc32cEach(words) }

// crc32cEachPortable is CRC32CEach for any processor.
func crc32cEachPortable(words []uint32) {
	for i, w := range words {
		words[i] = CRC32CUint32(0, w)
	}
}
