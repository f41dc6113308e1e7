// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Segmenter cuts frames of TCP that are longer than their interface can carry,
// a few pieces at a time. It is for those who get such frames without being
// told how they are to be cut: the pieces are as long as the interface allows.
// TCP does not care. Datagrams would not be the same ones any more, so they
// cannot be cut.
type Segmenter struct{ cut cutter }

// TooLong reports whether the beginning b of a frame of total bytes, with its
// tags, says that an interface with an MTU cannot carry the frame.
func TooLong(b []byte, total, mtu int) bool {
	header := tagAt + 2
	for header+2 <= len(b) && isTag(b[header-2:]) {
		header += tagSize
	}
	return total > header+mtu
}

// Start begins to cut a frame, which must stay as it is until the last piece.
// It reports false for frames that cannot be cut.
func (s *Segmenter) Start(data []byte, mtu int) bool {
	s.cut.data = nil
	var l layout
	if !l.find(data, len(data)) || l.proto != protoTCP {
		return false
	}
	// A single tag of 802.1Q comes on top of the MTU. Packet sockets do not
	// allow that for others.
	longest := tagAt + 2 + mtu
	if l.l3 == tagAt+2+tagSize && binary.BigEndian.Uint16(data[tagAt:]) == etherVLAN {
		longest += tagSize
	}
	f := sys.Frame{Kind: sys.OffloadTCP4, Cut: max(longest-l.payload, 0), SumFrom: l.l4}
	if l.v6 {
		f.Kind = sys.OffloadTCP6
	}
	return s.cut.start(data, &f)
}

// Busy reports whether there are pieces left.
func (s *Segmenter) Busy() bool { return s.cut.busy() }

// Next returns the next piece. If there is no buffer it is 0, the rest is given
// up, and lost says how many pieces that are.
func (s *Segmenter) Next(c *packet.Cache) (p packet.Packet, lost int) {
	if p = s.cut.next(c); p == 0 {
		lost = s.cut.left()
		s.cut.data = nil
	}
	return p, lost
}
