// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// batchTests is the most tests of a filter that are made for many packets at
// once. Longer ones are rare, and decide packet by packet.
const batchTests = 64

// MatchBatch decides the packets of ps that todo has the bits of, and returns
// the bits of those that match. It makes one test after the other, each for
// all packets that come to it, so that what a packet is like costs no wrongly
// predicted branch.
func (p *Program) MatchBatch(ps []packet.Packet, todo uint64) uint64 {
	if len(p.code) > batchTests || len(ps) > 64 {
		return p.matchEach(ps, todo)
	}
	var at [batchTests + 2]uint64 // the packets that have come to a test, or to the end
	at[place(p.start)] = todo
	// What comes next is always in front, see emit.
	for pc := len(p.code) - 1; pc >= 0; pc-- {
		active := at[pc&(batchTests-1)]
		if active == 0 {
			continue
		}
		i := &p.code[pc]
		var yes, no uint64
		if i.op <= eq32 {
			yes, no = p.equal(i, ps, active)
		} else {
			yes, no = p.testEach(i, ps, active)
		}
		at[place(i.yes)] |= yes
		at[place(i.no)] |= no
	}
	return at[place(accept)]
}

// place returns where MatchBatch keeps the packets that have come to a test, to
// accept or to reject.
func place(next uint16) int {
	if next >= accept {
		return batchTests + int(next-accept)
	}
	return int(next & (batchTests - 1))
}

// equal makes one of the tests eq8 to eq32.
func (p *Program) equal(i *instr, ps []packet.Packet, active uint64) (yes, no uint64) {
	unused := 64 - 8<<i.op
	yes, end := compare(ps, uint(i.off), uint64(i.mask)<<unused, uint64(i.value)<<unused)
	yes &= active
	no = active &^ (yes | end)
	if end &= active; end != 0 {
		y, n := p.testEach(i, ps, end)
		yes, no = yes|y, no|n
	}
	return yes, no
}

// compare tells the packets with value in the eight bytes at off, and those
// that end before. It looks at all packets, since that costs less than
// choosing.
func compare(ps []packet.Packet, off uint, mask, value uint64) (yes, end uint64) {
	for k, p := range ps {
		d := p.Bytes()
		if off > uint(len(d)) {
			end |= 1 << (k & 63)
			continue
		}
		if d = d[off:]; len(d) < 8 {
			end |= 1 << (k & 63)
			continue
		}
		bit := uint64(0)
		if binary.BigEndian.Uint64(d)&mask == value {
			bit = 1
		}
		yes |= bit << (k & 63)
	}
	return yes, end
}

// testEach makes any test, packet by packet. Packets that it cannot be made for
// are in neither result.
func (p *Program) testEach(i *instr, ps []packet.Packet, active uint64) (yes, no uint64) {
	for rest := active; rest != 0; rest &= rest - 1 {
		k := bits.TrailingZeros64(rest)
		switch ok, valid := p.test(i, ps[k].Bytes(), ps[k].TotalLen()); {
		case ok && valid:
			yes |= 1 << k
		case valid:
			no |= 1 << k
		}
	}
	return yes, no
}

// matchEach is MatchBatch, packet by packet.
func (p *Program) matchEach(ps []packet.Packet, todo uint64) (match uint64) {
	for rest := todo; rest != 0; rest &= rest - 1 {
		k := bits.TrailingZeros64(rest)
		if p.Match(ps[k].Bytes(), ps[k].TotalLen()) {
			match |= 1 << k
		}
	}
	return match
}
