// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// sctpSum is where the header of SCTP has its checksum, of sctpSumSize bytes.
// No other protocol that leaves its checksum to hardware has it there.
const (
	sctpSum     = 8
	sctpSumSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// isSCTP reports whether the partial checksum of a packet is that of SCTP, which
// the kernel does not say, and where the packet of SCTP ends. If the headers are
// not found, for example in a tunnel, the place of the checksum tells.
func isSCTP(p packet.Packet, from, at int) (end int, ok bool) {
	if at != from+sctpSum || at+sctpSumSize > p.TotalLen() {
		return 0, false
	}
	var l layout
	l.find(p.Bytes(), p.TotalLen())
	switch {
	case l.l4 != from || l.end > p.TotalLen() || l.end < at+sctpSumSize:
		return p.TotalLen(), true
	default:
		return l.end, l.proto == protoSCTP
	}
}

// completeSCTP stores the CRC32c of the bytes from..end, with 0 in the place of
// the checksum, at that place, least significant byte first (RFC 9260, 6.8 and
// appendix A).
func completeSCTP(p packet.Packet, from, at, end int) {
	for i := range sctpSumSize {
		put(p, at+i, 0)
	}
	var crc uint32
	done := 0 // bytes of the segments before
	for s := p; s != 0 && done < end; s = s.Next() {
		b := s.Bytes()
		lo, hi := max(from-done, 0), min(end-done, len(b))
		done += len(b)
		if lo < hi {
			crc = crc32.Update(crc, castagnoli, b[lo:hi])
		}
	}
	var sum [sctpSumSize]byte
	binary.LittleEndian.PutUint32(sum[:], crc)
	for i, v := range sum {
		put(p, at+i, v)
	}
}
