// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
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
		switch {
		case i.op > eq32:
			yes, no = p.testEach(i, ps, active)
		case int(i.yes) < len(p.code) && p.code[i.yes].op <= eq32:
			// Most packets come to the next such test at once: it is made
			// together with this one.
			j := &p.code[i.yes]
			var both, one uint64
			both, one, yes, no = p.equalTwo(i, j, ps, active)
			at[place(j.yes)] |= both
			at[place(j.no)] |= one
		default:
			yes, no = p.equal(i, ps, active)
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
	yes, end := compare(ps, uint(i.off), i.bits, i.want)
	yes &= active
	no = active &^ (yes | end)
	if end &= active; end != 0 {
		y, n := p.testEach(i, ps, end)
		yes, no = yes|y, no|n
	}
	return yes, no
}

// equalTwo makes two such tests, the second of which comes if the first is met:
// both tells the packets that meet both, one those that only meet the first.
// Packets that are too short for this have made only the first test and are in
// yes or no, with the others that do not meet it.
func (p *Program) equalTwo(i, j *instr, ps []packet.Packet, active uint64) (both, one, yes, no uint64) {
	a, b, end := compareTwo(ps, uint(i.off), i.bits, i.want, uint(j.off), j.bits, j.want)
	a &= active &^ end
	no = active &^ (a | end)
	if end &= active; end != 0 {
		y, n := p.testEach(i, ps, end)
		yes, no = y, no|n
	}
	return a & b, a &^ b, yes, no
}

// compare tells the packets with want in the eight bytes at off, and those that
// end before. It looks at all packets, since that costs less than choosing.
func compare(ps []packet.Packet, off uint, mask, want uint64) (yes, end uint64) {
	for k := len(ps) - 1; k >= 0; k-- {
		yes <<= 1
		d := ps[k].Bytes()
		if uint(len(d)) < off+8 {
			end |= 1 << (k & 63)
			continue
		}
		bit := uint64(0)
		if word(d, off)&mask == want {
			bit = 1
		}
		yes |= bit
	}
	return yes, end
}

// compareTwo is compare at two places at once.
func compareTwo(ps []packet.Packet, aOff uint, aMask, aWant uint64, bOff uint, bMask, bWant uint64) (a, b, end uint64) {
	least := max(aOff, bOff) + 8
	for k := len(ps) - 1; k >= 0; k-- {
		a, b = a<<1, b<<1
		d := ps[k].Bytes()
		if uint(len(d)) < least {
			end |= 1 << (k & 63)
			continue
		}
		aBit, bBit := uint64(0), uint64(0)
		if word(d, aOff)&aMask == aWant {
			aBit = 1
		}
		if word(d, bOff)&bMask == bWant {
			bBit = 1
		}
		a, b = a|aBit, b|bBit
	}
	return a, b, end
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
