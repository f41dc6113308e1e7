// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package field

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Places writes the results of a rule to fields of a packet. A result is one
// word per field, with the field's first byte lowest. Immutable.
type Places struct {
	fields []Field
	masks  []uint64 // bits that are written, by field
}

// NewPlaces returns the places of checked fields. masks, if not nil, has the
// bytes of a mask per field: only its bits are written.
func NewPlaces(fields []Field, masks [][]byte) *Places {
	p := &Places{fields: fields, masks: make([]uint64, len(fields))}
	for i, f := range fields {
		p.masks[i] = ^uint64(0) >> (64 - 8*f.Size)
		if masks != nil {
			p.masks[i] &= Words(masks[i], 1)[0]
		}
	}
	return p
}

// Len returns the number of places.
func (p *Places) Len() int { return len(p.fields) }

// Fields returns the fields.
func (p *Places) Fields() []Field { return p.fields }

// Write writes a result. Attributes that nobody reads are skipped, and so are
// places that are not wholly inside the frame: then complete is false.
func (p *Places) Write(ctx *module.Context, pkt packet.Packet, result []uint64) (complete bool) {
	complete = true
	for i := range p.fields {
		f := &p.fields[i]
		v, mask := result[i], p.masks[i]
		if f.IsAttr() {
			if off := ctx.Attr(f.ID); off >= 0 {
				put(pkt.Metadata()[:], off, f.Size, v, mask)
			}
			continue
		}
		d := pkt.Bytes()
		if len(d) < f.Offset+f.Size {
			complete = false
			continue
		}
		put(d, f.Offset, f.Size, v, mask)
	}
	return complete
}

// put replaces the bits in mask of the size bytes of d at off, which exist.
func put(d []byte, off, size int, v, mask uint64) {
	if off+8 <= len(d) {
		w := d[off : off+8]
		binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)&^mask|v&mask)
		return
	}
	for i := range d[off : off+size] {
		m := byte(mask >> (8 * i))
		d[off+i] = d[off+i]&^m | byte(v>>(8*i))&m
	}
}
