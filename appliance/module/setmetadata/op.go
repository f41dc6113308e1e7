// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package setmetadata

import (
	"encoding/binary"
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// op writes one attribute. Immutable.
//
// A copy with a shift is a copy of fewer bytes to another place: shifted right
// by k bytes, a value begins with k zeros and ends with its first size-k
// bytes; shifted left, it begins with its last size-k bytes and ends with
// zeros.
type op struct {
	name     string
	size     int // bytes, 1..module.MaxAttrSize
	constant bool
	value    [module.MaxAttrSize]byte // constant
	from     int                      // first byte of the packet to copy
	n        int                      // bytes to copy
	lead     int                      // zeros before the copied bytes
	masked   bool
	mask     [module.MaxAttrSize]byte
}

// compile checks the argument and translates it. ops[i] belongs to the i-th
// attribute in order of declaration.
func compile(arg *SetMetadataArg) ([]op, error) {
	if len(arg.GetAttrs()) == 0 {
		return nil, errno.Errorf(errno.EINVAL, "attrs: at least one attribute is needed")
	}
	if n := len(arg.GetAttrs()); n > module.MaxAttrs {
		return nil, errno.Errorf(errno.ENOSPC, "attrs: %d attributes: at most %d fit into a module", n, module.MaxAttrs)
	}
	ops := make([]op, 0, len(arg.GetAttrs()))
	for i, a := range arg.GetAttrs() {
		o, err := compileOne(a, fmt.Sprintf("attrs[%d]", i))
		if err != nil {
			return nil, err
		}
		ops = append(ops, o)
	}
	return ops, nil
}

func compileOne(a *SetMetadataArg_Attribute, at string) (op, error) {
	o := op{name: a.GetName()}
	if o.name == "" {
		return o, module.Invalid(at+".name", "", "must not be empty")
	}
	if a.GetSize() < 1 || a.GetSize() > module.MaxAttrSize {
		return o, module.Invalid(at+".size", a.GetSize(), "must be 1..%d bytes", module.MaxAttrSize)
	}
	o.size = int(a.GetSize())
	if a.GetValue() == nil {
		return o, o.fromPacket(a, at)
	}
	o.constant = true
	if len(a.GetMask()) != 0 || a.GetRshiftBits() != 0 {
		return o, errno.Errorf(errno.EINVAL, "%s: mask and rshift_bits only apply to bytes copied from the packet, not to a constant", at)
	}
	switch v := a.GetValue().(type) {
	case *SetMetadataArg_Attribute_ValueInt:
		if o.size < 8 && v.ValueInt>>(8*o.size) != 0 {
			return o, module.Invalid(at+".value_int", v.ValueInt, "does not fit into %d bytes", o.size)
		}
		// Most significant byte first, zeros on the left.
		var wide [module.MaxAttrSize + 8]byte
		binary.BigEndian.PutUint64(wide[module.MaxAttrSize:], v.ValueInt)
		copy(o.value[:o.size], wide[len(wide)-o.size:])
	case *SetMetadataArg_Attribute_ValueBin:
		if len(v.ValueBin) != o.size {
			return o, module.Invalid(at+".value_bin", fmt.Sprintf("%x", v.ValueBin), "must have the attribute's %d bytes, has %d", o.size, len(v.ValueBin))
		}
		copy(o.value[:], v.ValueBin)
	}
	return o, nil
}

// fromPacket completes an op that copies from the packet.
func (o *op) fromPacket(a *SetMetadataArg_Attribute, at string) error {
	offset, shift := int(a.GetOffset()), int(a.GetRshiftBits())
	if offset < 0 || offset+o.size >= packet.BufferSize {
		return module.Invalid(at+".offset", offset, "must not be negative, and offset + size must be below %d", packet.BufferSize)
	}
	if shift%8 != 0 {
		return module.Invalid(at+".rshift_bits", shift, "must be a multiple of 8")
	}
	if max(shift, -shift) >= 8*o.size {
		return module.Invalid(at+".rshift_bits", shift, "must be less than the %d bits of the attribute", 8*o.size)
	}
	if n := len(a.GetMask()); n != 0 && n != o.size {
		return module.Invalid(at+".mask", fmt.Sprintf("%x", a.GetMask()), "must have the attribute's %d bytes, has %d", o.size, n)
	}
	right, left := max(shift, 0)/8, max(-shift, 0)/8
	o.lead = right
	o.from = offset + left
	o.n = o.size - right - left
	o.masked = len(a.GetMask()) != 0
	copy(o.mask[:], a.GetMask())
	return nil
}

// copy copies from the packets and returns how many ended too early.
func (o *op) copy(ps []packet.Packet, off int) (short int) {
	if o.size <= 8 && off+8 <= packet.MetadataSize {
		return o.copyWord(ps, off)
	}
	plain := o.n == o.size && !o.masked
	for _, p := range ps {
		d := p.Bytes()
		switch {
		case len(d) < o.from+o.n:
			short++
			o.copyOne(p, off)
		case !plain:
			o.copyOne(p, off)
		case o.size == 16:
			*(*[16]byte)(p.Metadata()[off:]) = *(*[16]byte)(d[o.from:])
		default:
			copy(p.Metadata()[off:off+o.size], d[o.from:])
		}
	}
	return short
}

// copyWord is copy for up to 8 bytes with 8 bytes of metadata from off on: it
// reads and writes eight bytes at once and keeps those beyond the attribute.
func (o *op) copyWord(ps []packet.Packet, off int) (short int) {
	e := binary.LittleEndian // the first byte is the lowest: a shift up moves bytes to the right
	shift := 8 * o.lead
	attr := ^uint64(0) >> (64 - 8*o.size)
	take := ^uint64(0) >> (64 - 8*o.n) << shift
	if o.masked {
		take &= e.Uint64(o.mask[:])
	}
	from := o.from
	for _, p := range ps {
		d := p.Bytes()
		if len(d) < from+8 {
			if len(d) < from+o.n {
				short++
			}
			o.copyOne(p, off)
			continue
		}
		m := p.Metadata()[off : off+8]
		e.PutUint64(m, e.Uint64(m)&^attr|e.Uint64(d[from:])<<shift&take)
	}
	return short
}

// copyOne does all that an op can; bytes outside the packet are zero.
func (o *op) copyOne(p packet.Packet, off int) {
	d := p.Bytes()
	d = d[min(o.from, len(d)):]
	d = d[:min(o.n, len(d))]
	dst := p.Metadata()[off : off+o.size]
	clear(dst[:o.lead])
	k := o.lead + copy(dst[o.lead:], d)
	clear(dst[k:])
	if o.masked {
		for i := range dst {
			dst[i] &= o.mask[i]
		}
	}
}
