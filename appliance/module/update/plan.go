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
	fields         []field
	end            int // the packet length that all fields need
	w8, w4, w2, w1 []store
}

// store is a place and the bytes to write there, in the lower bits.
type store struct {
	off   int
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
		list, size := &p.w1, 1
		switch n := len(image) - at; {
		case n >= 8:
			list, size = &p.w8, 8
		case n >= 4:
			list, size = &p.w4, 4
		case n >= 2:
			list, size = &p.w2, 2
		}
		s := store{off: at}
		for _, c := range image[at : at+size] {
			s.value = s.value<<8 | uint64(c)
		}
		*list = append(*list, s)
		at += size
	}
}

// write does the stores; d has at least p.end bytes.
func (p *plan) write(d []byte) {
	for i := range p.w8 {
		s := &p.w8[i]
		binary.BigEndian.PutUint64(d[s.off:], s.value)
	}
	for i := range p.w4 {
		s := &p.w4[i]
		binary.BigEndian.PutUint32(d[s.off:], uint32(s.value))
	}
	for i := range p.w2 {
		s := &p.w2[i]
		binary.BigEndian.PutUint16(d[s.off:], uint16(s.value))
	}
	for i := range p.w1 {
		s := &p.w1[i]
		d[s.off] = byte(s.value)
	}
}
