// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// HashFlows4 gives each of at most BatchSize frames the hash of its flow:
// CRC32C over the ports and then the addresses, starting with the protocol. It
// does so where the processor has an instruction for it, and for frames with
// TCP or UDP over IPv4 that have neither tags nor options and are no fragments.
// Which are other ones is returned in bits, and their hashes are left alone.
func HashFlows4(ps []Packet, hashes *[BatchSize]uint32) (other uint64) {
	return hashFlows4(ps, hashes)
}
