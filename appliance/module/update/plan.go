// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package update

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// plan is a list of fields and what it amounts to for a packet that is long
// enough for all of them: stores of 8, 4, 2 and 1 bytes, none of which
// overlaps another. Overlapping fields are resolved and neighbours joined
// beforehand, and nothing is read from the packet, so that no store waits for
// the one before. Immutable once published.
type plan struct {
	fields []field
	end    int // the packet length that all fields need
	stores []store
}

// store is a place and the bytes to write there, the first in the lowest bits.
type store struct {
	off  int
	size int // 1, 2, 4 or 8
	raw  uint64
}

// newPlan plans the stores for a list of fields.
func newPlan(fields []field) *plan {
	p := &plan{fields: fields}
	var image [maxEnd]byte
	var written [maxEnd + 1]bool // the last one never is
	for i := range fields {
		f := &fields[i]
		f.write(image[:])
		for j := f.off; j < f.end; j++ {
			written[j] = true
		}
		p.end = max(p.end, f.end)
	}
	for at := 0; at < p.end; at++ {
		if !written[at] {
			continue
		}
		first := at
		for written[at] {
			at++
		}
		p.cover(image[:at], first)
	}
	return p
}

// cover adds the stores that write image[at:].
func (p *plan) cover(image []byte, at int) {
	for at < len(image) {
		s := store{off: at, size: 8}
		for s.size > len(image)-at {
			s.size /= 2
		}
		for i, c := range image[at : at+s.size] {
			s.raw |= uint64(c) << (8 * i)
		}
		p.stores = append(p.stores, s)
		at += s.size
	}
}

// write does the stores. The bits of its result tell the packets that are too
// short, which stay as they are.
func (p *plan) write(ps []packet.Packet) (short uint64) {
	for i := range p.stores {
		short |= p.stores[i].write(ps, p.end)
	}
	return short
}

// write does one store for all packets that have end bytes. A loop for each
// size asks nothing twice; the mask changes no offset.
func (s *store) write(ps []packet.Packet, end int) (short uint64) {
	off, value := s.off&(maxEnd-1), s.raw
	switch s.size {
	case 1:
		for k, p := range ps {
			if d := p.Front(end); d != nil {
				d[off] = byte(value)
			} else {
				short |= 1 << (k & 63)
			}
		}
	case 2:
		for k, p := range ps {
			if d := p.Front(end); d != nil {
				binary.LittleEndian.PutUint16(d[off:], uint16(value))
			} else {
				short |= 1 << (k & 63)
			}
		}
	case 4:
		for k, p := range ps {
			if d := p.Front(end); d != nil {
				binary.LittleEndian.PutUint32(d[off:], uint32(value))
			} else {
				short |= 1 << (k & 63)
			}
		}
	default:
		for k, p := range ps {
			if d := p.Front(end); d != nil {
				binary.LittleEndian.PutUint64(d[off:], value)
			} else {
				short |= 1 << (k & 63)
			}
		}
	}
	return short
}
