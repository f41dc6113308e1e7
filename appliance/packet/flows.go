// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// What a usual frame of IPv4 has, as numbers read with the first byte at the
// bottom: neither tags nor options, no fragment.
const (
	flowStart     = 0x45_0008 // bytes 12..14: EtherType, version and header length
	flowStartMask = 0xff_ffff
	flowPiece     = 0xff3f // bytes 20, 21: bits that only fragments have
	flowMinLen    = 24     // the least total length: up to the ports
	flowLen       = 14 + flowMinLen
	flowTCP       = 6
	flowUDP       = 17
)

// HashFlows4 gives each of at most BatchSize frames the hash of its flow:
// CRC32C over the ports and then the addresses, starting with the protocol. It
// does so where the processor has an instruction for it, and for usual frames
// with TCP or UDP over IPv4. Which are other ones is returned in bits, and
// their hashes are left alone.
func HashFlows4(ps []Packet, hashes *[BatchSize]uint32) (other uint64) {
	return hashFlows4(ps, hashes)
}
