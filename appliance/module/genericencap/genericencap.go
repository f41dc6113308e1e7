// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package genericencap is the module class GenericEncap (spec:
// modules/headers.md).
package genericencap

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes GenericEncap.
var Class = &module.Class{
	Name:       "GenericEncap",
	Prefix:     "generic_encap",
	Help:       "puts a header made of constants and metadata in front of every packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*GenericEncapArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<fields.attribute>", Size: "<fields.size>", Mode: module.Read, Help: "copied into the header byte by byte"},
	},
	Counters: []module.CounterDoc{
		countNoRoom: {Name: "no_headroom", Unit: "packets", Help: "passed on unmodified: no room for the header in front"},
	},
	New: module.New(create),
}

// countNoRoom is the index of the class's counter.
const countNoRoom = 0

const (
	maxFields    = 8
	maxFieldSize = 8 // bytes
	maxHeader    = maxFields * maxFieldSize
)

// header is what is put in front of packets. Immutable.
type header struct {
	n        int // bytes
	constant [maxHeader]byte
	attrs    []attr
	// The constant again, if it has at least a word of 8 bytes: its last word,
	// which may repeat bytes of others, and those between the first and it.
	first, last uint64
	between     []uint64
}

// attr is a piece of the header that is copied from metadata.
type attr struct {
	name     string
	field    int // index in the argument
	at, size int // place in the header, bytes
	id       module.AttrID
}

// validate checks the argument and builds the header from it. The attributes
// are numbered in the order in which they have to be declared.
func validate(arg *GenericEncapArg) (*header, error) {
	fields := arg.GetFields()
	if len(fields) > maxFields {
		return nil, module.Invalid("fields", len(fields), "must be at most %d fields", maxFields)
	}
	h := &header{}
	for i, f := range fields {
		if f.GetSize() < 1 || f.GetSize() > maxFieldSize {
			return nil, module.Invalid(fmt.Sprintf("fields[%d].size", i), f.GetSize(), "must be 1..%d bytes", maxFieldSize)
		}
		size := int(f.GetSize())
		switch v := f.GetInsertion().(type) {
		case *GenericEncapArg_EncapField_Attribute:
			h.attrs = append(h.attrs, attr{v.Attribute, i, h.n, size, module.AttrID(len(h.attrs))})
		case *GenericEncapArg_EncapField_Value:
			if err := encode(h.constant[h.n:h.n+size], v.Value, fmt.Sprintf("fields[%d].value", i)); err != nil {
				return nil, err
			}
		default:
			return nil, errno.Errorf(errno.EINVAL, "fields[%d]: must have 'value' or 'attribute'", i)
		}
		h.n += size
	}
	h.divide()
	return h, nil
}

// divide divides the constant into words.
func (h *header) divide() {
	if h.n < 8 {
		return
	}
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(h.constant[at : at+8]) }
	h.first, h.last = word(0), word(h.n-8)
	for at := 8; at < h.n-8; at += 8 {
		h.between = append(h.between, word(at))
	}
}

// push puts the header in front of the packets and returns how many had no room
// for it.
func (h *header) push(ctx *module.Context, ps []packet.Packet) (noRoom int) {
	n, first, last := h.n, h.first, h.last
	for _, p := range ps {
		d := p.Push(n)
		if d == nil {
			noRoom++
			continue
		}
		if n >= 8 {
			d.Put64(0, first)
			d.Put64(n-8, last)
			for i, v := range h.between {
				d.Put64(8*i+8, v)
			}
		} else {
			copy(d[:n], h.constant[:n])
		}
		for i := range h.attrs {
			a := &h.attrs[i]
			if off := ctx.Attr(a.id); off >= 0 {
				copy(d[a.at:a.at+a.size], p.Metadata()[off:])
			}
		}
	}
	return noRoom
}

// encode writes a constant to dst, which has the field's size.
func encode(dst []byte, v *api.FieldData, field string) error {
	switch e := v.GetEncoding().(type) {
	case *api.FieldData_ValueBin:
		if len(e.ValueBin) != len(dst) {
			return module.Invalid(field+".value_bin", fmt.Sprintf("%x", e.ValueBin), "must have the field's %d bytes, has %d", len(dst), len(e.ValueBin))
		}
		copy(dst, e.ValueBin)
	case *api.FieldData_ValueInt:
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], e.ValueInt)
		k := len(b) - len(dst)
		for _, high := range b[:k] {
			if high != 0 {
				return module.Invalid(field+".value_int", e.ValueInt, "does not fit into the field's %d bytes", len(dst))
			}
		}
		copy(dst, b[k:])
	}
	return nil
}

// GenericEncap is an instance. Safe for use by several workers.
type GenericEncap struct {
	header atomic.Pointer[header]
}

func create(env *module.Env, arg *GenericEncapArg) (*GenericEncap, error) {
	h, err := validate(arg)
	if err != nil {
		return nil, err
	}
	for _, a := range h.attrs {
		if _, err := env.AddAttr(a.name, a.size, module.Read); err != nil {
			return nil, errno.Wrap(err, "fields[%d].attribute", a.field)
		}
	}
	m := &GenericEncap{}
	m.header.Store(h)
	return m, nil
}

// Process puts the header in front of the packets and sends them to gate 0.
func (m *GenericEncap) Process(ctx *module.Context, b *packet.Batch) {
	h := m.header.Load()
	if h.n == 0 {
		ctx.EmitBatch(b, 0)
		return
	}
	noRoom := h.push(ctx, b.Packets())
	if noRoom > 0 {
		ctx.Count(countNoRoom, uint64(noRoom))
	}
	ctx.EmitBatch(b, 0)
}

// Update changes the header in place as long as it uses the same attributes.
func (m *GenericEncap) Update(arg proto.Message) error {
	h, err := validate(arg.(*GenericEncapArg))
	if err != nil {
		return err
	}
	same := func(a, b attr) bool { return a.name == b.name && a.size == b.size }
	if !slices.EqualFunc(h.attrs, m.header.Load().attrs, same) {
		return module.ErrRebuild
	}
	m.header.Store(h)
	return nil
}
