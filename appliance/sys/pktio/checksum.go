// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Complete finishes a partial checksum: the sum (RFC 1071) of all bytes from
// the given place to the end of the packet goes to the two bytes at, or the
// CRC32c to the four bytes if the packet is one of SCTP. Places outside the packet
// leave it as it is.
func Complete(p packet.Packet, from, at int) {
	if from < 0 || at < from || at+2 > p.TotalLen() {
		return
	}
	if end, ok := isSCTP(p, from, at); ok {
		completeSCTP(p, from, at, end)
		return
	}
	CompleteUpTo(p, from, at, p.TotalLen())
}

// CompleteUpTo is Complete for a sum that ends where the packet need not, and
// that is not of SCTP. The places must be inside the packet.
func CompleteUpTo(p packet.Packet, from, at, end int) {
	var acc uint64
	odd := false // an odd number of bytes has been summed up
	skip, left := from, end-from
	for s := p; s != 0 && left > 0; s = s.Next() {
		b := s.Bytes()
		if skip >= len(b) {
			skip -= len(b)
			continue
		}
		b, skip = b[skip:], 0
		b = b[:min(len(b), left)]
		left -= len(b)
		part := sum(b)
		if odd {
			part = bits.ReverseBytes16(part)
		}
		acc += uint64(part)
		odd = odd != (len(b)%2 == 1)
	}
	result := ^fold(acc)
	if result == 0 {
		result = 0xffff // 0 means "no checksum" in UDP, and both are the same number
	}
	var two [2]byte
	binary.LittleEndian.PutUint16(two[:], result)
	put(p, at, two[0])
	put(p, at+1, two[1])
}

// CompleteFlagged completes the checksum of a packet that is marked as having
// a partial one, before it leaves the engine.
func CompleteFlagged(p packet.Packet) {
	if f := p.Flags(); f&packet.FlagPartialChecksum != 0 {
		from, at := p.ChecksumPlace()
		Complete(p, from, at)
		p.SetFlags(f &^ packet.FlagPartialChecksum)
	}
}

// put stores a byte at an offset of the packet.
func put(p packet.Packet, at int, v byte) {
	for s := p; s != 0; s = s.Next() {
		b := s.Bytes()
		if at < len(b) {
			b[at] = v
			return
		}
		at -= len(b)
	}
}

// sum returns the one's-complement sum of b's 16-bit words, taken as little
// endian: the sum has the same bytes in either order.
func sum(b []byte) uint16 {
	var acc, carry uint64
	for len(b) >= 32 {
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b), carry)
		b = b[8:]
	}
	var tail [8]byte
	copy(tail[:], b)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(tail[:]), carry)
	acc, carry = bits.Add64(acc, 0, carry)
	return fold(acc + carry)
}

// fold adds up the four 16-bit words of acc with the carries.
func fold(acc uint64) uint16 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	return uint16(acc>>16 + acc&0xffff)
}
