// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

const (
	// snapLength is the longest record of a capture file.
	snapLength = 65535
	// ngPacketSize is what an enhanced packet block has around a packet.
	ngPacketSize = 32
	// recordRoom is the most bytes that a record of either format takes.
	recordRoom = ngPacketSize + snapLength + 1
	// nanoseconds is the resolution of stamps that a Writer declares, 10^-9.
	nanoseconds = 9
)

// recorder makes the bytes of a capture file: classic, with stamps in
// microseconds, or pcapng, in nanoseconds.
type recorder struct {
	ng   bool
	snap int // most bytes of a packet that are kept
}

// head writes the beginning of a file into b and returns its length.
func (r recorder) head(b []byte) int {
	if r.ng {
		return r.headNg(b)
	}
	clear(b[:pcapHeaderSize])
	binary.LittleEndian.PutUint32(b, pcapMicro)
	binary.LittleEndian.PutUint16(b[4:], 2)
	binary.LittleEndian.PutUint16(b[6:], 4)
	binary.LittleEndian.PutUint32(b[16:], uint32(r.snap))
	binary.LittleEndian.PutUint32(b[20:], linkEthernet)
	return pcapHeaderSize
}

// headNg writes a section header of unknown length and one interface.
func (r recorder) headNg(b []byte) int {
	words := []uint32{
		blockSection, 28, orderMagic, 1, 0xffffffff, 0xffffffff, 28,
		blockInterface, 32, linkEthernet, uint32(r.snap),
		optionResolution | 1<<16, nanoseconds, optionEnd, 32,
	}
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	return 4 * len(words)
}

// size returns the length of the record of a packet.
func (r recorder) size(p packet.Packet) int {
	kept := min(p.TotalLen(), r.snap)
	if !r.ng {
		return pcapRecordSize + kept
	}
	return ngPacketSize + (kept+3)&^3
}

// put writes the record of a packet into b and returns its length.
func (r recorder) put(b []byte, p packet.Packet, now time.Time) int {
	total := p.TotalLen()
	kept := min(total, r.snap)
	if !r.ng {
		binary.LittleEndian.PutUint32(b, uint32(now.Unix()))
		binary.LittleEndian.PutUint32(b[4:], uint32(now.Nanosecond()/1000))
		binary.LittleEndian.PutUint32(b[8:], uint32(kept))
		binary.LittleEndian.PutUint32(b[12:], uint32(total))
		return pcapRecordSize + p.CopyOut(b[pcapRecordSize:pcapRecordSize+kept])
	}
	padded := (kept + 3) &^ 3
	size := ngPacketSize + padded
	stamp := uint64(now.UnixNano())
	binary.LittleEndian.PutUint32(b, blockEnhanced)
	binary.LittleEndian.PutUint32(b[4:], uint32(size))
	binary.LittleEndian.PutUint32(b[8:], 0)
	binary.LittleEndian.PutUint32(b[12:], uint32(stamp>>32))
	binary.LittleEndian.PutUint32(b[16:], uint32(stamp))
	binary.LittleEndian.PutUint32(b[20:], uint32(kept))
	binary.LittleEndian.PutUint32(b[24:], uint32(total))
	n := p.CopyOut(b[28 : 28+kept])
	clear(b[28+n : 28+padded])
	binary.LittleEndian.PutUint32(b[28+padded:], uint32(size))
	return size
}
