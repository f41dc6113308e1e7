// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package update

import "encoding/binary"

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

// store is a place and the bytes to write there, in the lower bits.
type store struct {
	off   int
	size  int // 1, 2, 4 or 8
	value uint64
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
		for _, c := range image[at : at+s.size] {
			s.value = s.value<<8 | uint64(c)
		}
		p.stores = append(p.stores, s)
		at += s.size
	}
}

// write does the stores; d has at least p.end bytes.
func (p *plan) write(d []byte) {
	be := binary.BigEndian
	for i := range p.stores {
		switch s := &p.stores[i]; s.size {
		case 1:
			d[s.off] = byte(s.value)
		case 2:
			be.PutUint16(d[s.off:], uint16(s.value))
		case 4:
			be.PutUint32(d[s.off:], uint32(s.value))
		default:
			be.PutUint64(d[s.off:], s.value)
		}
	}
}
