// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package header

import "math/bits"

// Sum adds the 16-bit words of data (RFC 1071) to initial, which is 0 or the
// result of earlier calls. Only the last piece of a sum may have an odd
// length. Up to 65,000 results fit into one sum before Fold.
func Sum(data []byte, initial uint32) uint32 {
	// The end-around carry makes the sum independent of the byte order up to
	// a final swap, so eight bytes are added at once as the machine reads them.
	var acc, carry uint64
	if len(data) >= sumBlock {
		acc, data = sumBlocks(data)
	}
	for len(data) >= 32 {
		acc, carry = bits.Add64(acc, le.Uint64(data[0:8]), carry)
		acc, carry = bits.Add64(acc, le.Uint64(data[8:16]), carry)
		acc, carry = bits.Add64(acc, le.Uint64(data[16:24]), carry)
		acc, carry = bits.Add64(acc, le.Uint64(data[24:32]), carry)
		data = data[32:]
	}
	for len(data) >= 8 {
		acc, carry = bits.Add64(acc, le.Uint64(data[0:8]), carry)
		data = data[8:]
	}
	acc, carry = bits.Add64(acc, tail(data), carry)
	acc, carry = bits.Add64(acc, 0, carry)
	acc += carry
	return initial + uint32(bits.ReverseBytes16(Fold64(acc)))
}

// sumBlock is how many bytes sumBlocks adds in one round.
const sumBlock = 128

// sumBlocksPortable adds the whole blocks of data, in two chains of carries that
// do not wait for each other, and returns the sum with what is left. sumBlocks
// does the same, with what the processor has.
func sumBlocksPortable(data []byte) (sum uint64, rest []byte) {
	var one, two uint64
	for len(data) >= sumBlock {
		d := data[:sumBlock]
		one = add64(one, d[:sumBlock/2])
		two = add64(two, d[sumBlock/2:])
		data = data[sumBlock:]
	}
	sum, carry := bits.Add64(one, two, 0)
	return sum + carry, data
}

// add64 adds the 64 bytes of d to acc with end-around carry.
func add64(acc uint64, d []byte) uint64 {
	_ = d[63]
	acc, carry := bits.Add64(acc, le.Uint64(d[0:8]), 0)
	acc, carry = bits.Add64(acc, le.Uint64(d[8:16]), carry)
	acc, carry = bits.Add64(acc, le.Uint64(d[16:24]), carry)
	acc, carry = bits.Add64(acc, le.Uint64(d[24:32]), carry)
	acc, carry = bits.Add64(acc, le.Uint64(d[32:40]), carry)
	acc, carry = bits.Add64(acc, le.Uint64(d[40:48]), carry)
	acc, carry = bits.Add64(acc, le.Uint64(d[48:56]), carry)
	acc, carry = bits.Add64(acc, le.Uint64(d[56:64]), carry)
	return acc + carry // cannot overflow: with a carry the sum is not the largest
}

// sum20 is the folded sum of the first 20 bytes of b, as they lie in memory,
// without those of the second eight that omit covers.
func sum20(b []byte, omit uint64) uint16 {
	_ = b[19]
	acc, carry := bits.Add64(le.Uint64(b[8:16])&^omit, le.Uint64(b[0:8]), 0)
	acc, carry = bits.Add64(acc, uint64(le.Uint32(b[16:20])), carry)
	return Fold64(acc + carry)
}

// tail returns fewer than eight bytes as a little-endian number.
func tail(data []byte) uint64 {
	var v uint64
	if len(data) >= 4 {
		v = uint64(le.Uint32(data))
		data = data[4:]
		switch len(data) {
		case 3:
			v |= uint64(data[2])<<48 | uint64(le.Uint16(data))<<32
		case 2:
			v |= uint64(le.Uint16(data)) << 32
		case 1:
			v |= uint64(data[0]) << 32
		}
		return v
	}
	for i, b := range data {
		v |= uint64(b) << (8 * i)
	}
	return v
}

// Fold64 is Fold for a sum of 64 bits. Adding a number to itself with its halves
// exchanged adds both in the upper half, with the carry from the lower.
func Fold64(v uint64) uint16 { return Fold(uint32((v + bits.RotateLeft64(v, 32)) >> 32)) }

// Fold brings a sum to 16 bits with end-around carry. The checksum of RFC 1071
// is its complement; over data that includes a right checksum it is 0xffff.
func Fold(sum uint32) uint16 { return uint16((sum + bits.RotateLeft32(sum, 16)) >> 16) }

// PseudoSum returns the sum of the pseudo header of TCP and UDP over IPv4;
// length is that of the transport header and its payload.
func PseudoSum(src, dst uint32, proto uint8, length uint16) uint32 {
	return src>>16 + src&0xffff + dst>>16 + dst&0xffff + uint32(proto) + uint32(length)
}

// NonZero writes a checksum as UDP does, where 0 means that there is none.
func NonZero(sum uint16) uint16 {
	if sum == 0 {
		return 0xffff
	}
	return sum
}

// Update16 returns a checksum after a 16-bit word of the data has changed
// (RFC 1624, equation 3). A wrong checksum stays equally wrong.
func Update16(check, old, now uint16) uint16 {
	return ^Fold(uint32(^check) + uint32(^old) + uint32(now))
}

// Update32 is Update16 for an aligned 32-bit word, for instance an address.
func Update32(check uint16, old, now uint32) uint16 {
	sum := uint32(^check) + ^old>>16 + ^old&0xffff + now>>16 + now&0xffff
	return ^Fold(sum)
}

// UpdateUDP16 is Update16 for the checksum of UDP: an absent one (0) stays
// absent and a result of 0 is written as 0xffff.
func UpdateUDP16(check, old, now uint16) uint16 {
	if check == 0 {
		return 0
	}
	return NonZero(Update16(check, old, now))
}

// UpdateUDP32 is Update32 with the rules of UpdateUDP16.
func UpdateUDP32(check uint16, old, now uint32) uint16 {
	if check == 0 {
		return 0
	}
	return NonZero(Update32(check, old, now))
}

// Delta16 returns by how much a sum grows when a 16-bit word of the data
// changes. Like sums, deltas are added up before Adjust.
func Delta16(old, now uint16) uint32 { return uint32(^old) + uint32(now) }

// Delta32 is Delta16 for an aligned 32-bit word, for instance an address.
func Delta32(old, now uint32) uint32 {
	return ^old>>16 + ^old&0xffff + now>>16 + now&0xffff
}

// Deduct is Adjust for the Fold of what changes amount to, which many packets
// may share (RFC 1624, equation 4). Like sums it does not mind if all of its
// words have their bytes exchanged.
func Deduct(check, delta uint16) uint16 {
	v := uint32(check) - uint32(delta)
	return uint16(v - v>>31) // the borrow goes round
}

// Adjust returns a checksum after changes that amount to delta (RFC 1624,
// equation 3). A wrong checksum stays equally wrong.
func Adjust(check uint16, delta uint32) uint16 { return ^Fold(uint32(^check) + delta) }
