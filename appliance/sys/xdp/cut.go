// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// In generic mode the program sees packets after the kernel has put those of a
// flow together, or as a sender on this host left them to be cut by hardware,
// and nobody says how. They show by being longer than the interface can carry.
// In native mode there are none: the kernel then has senders cut themselves.

// startCut begins to cut the next packet, which takes so many frames. It
// reports false if there is nothing to be cut. A packet that cannot be cut is
// counted, and has no pieces.
func (s *socket) startCut(frames uint32, mtu int) bool {
	d := s.rx.at(s.rx.cons)
	total := s.total(frames)
	if !pktio.TooLong(s.mem[d.Addr:][:d.Len], total, mtu) {
		return false
	}
	if total > len(s.flat) {
		s.uncut.Add(1)
		return true
	}
	n := 0
	for i := range frames {
		d := s.rx.at(s.rx.cons + i)
		n += copy(s.flat[n:], s.mem[d.Addr:][:d.Len])
	}
	if !s.cut.Start(s.flat[:n], mtu) {
		s.uncut.Add(1)
	}
	return true
}

// addPieces adds up to limit pieces of the packet being cut to b and returns
// their number.
func (s *socket) addPieces(c *packet.Cache, b *packet.Batch, limit int) int {
	n := 0
	for ; n < limit && s.cut.Busy(); n++ {
		p, lost := s.cut.Next(c)
		if p == 0 {
			s.lost.Add(uint64(lost))
			break
		}
		b.Add(p)
	}
	return n
}
