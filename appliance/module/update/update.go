// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package update is the module class Update: constant bytes at fixed places
// (spec: modules/headers.md).
package update

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Update",
	Prefix:     "update",
	Help:       "writes constants to fixed places of the packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*UpdateArg)(nil),
	Counters: []module.CounterDoc{
		countShort: {Name: "short", Unit: "packets", Help: "passed on with at least one field left out: it lies outside the packet"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "appends fields", (*Update).add),
		module.Do("clear", module.Concurrent, "removes all fields; packets then pass unchanged", (*Update).clear),
	},
	New: module.New(create),
}

// countShort is the index of the counter in Class.Counters.
const countShort = 0

const (
	maxFields = 16
	maxSize   = 8
	maxEnd    = 2048 // no field reaches beyond this byte
)

// field is a place and what to write there.
type field struct {
	off, end int    // bytes off..end-1 of the packet
	value    uint64 // in the upper end-off bytes
}

// newField checks field i of an argument.
func newField(i int, f *UpdateArg_Field) (field, error) {
	name := func(s string) string { return fmt.Sprintf("fields[%d].%s", i, s) }
	off, size, value := f.GetOffset(), f.GetSize(), f.GetValue()
	if size < 1 || size > maxSize {
		return field{}, module.Invalid(name("size"), size, "must be 1..%d bytes", maxSize)
	}
	if off < 0 || off > maxEnd-int64(size) {
		return field{}, module.Invalid(name("offset"), off, "must be 0..%d for a field of %d bytes", maxEnd-size, size)
	}
	unused := 64 - 8*uint(size)
	if value<<unused>>unused != value {
		return field{}, module.Invalid(name("value"), value, "does not fit into %d bytes", size)
	}
	return field{off: int(off), end: int(off) + int(size), value: value << unused}, nil
}

// write writes the field byte by byte into d, which holds it.
func (f *field) write(d []byte) {
	for i, v := f.off, f.value; i < f.end; i, v = i+1, v<<8 {
		d[i] = byte(v >> 56)
	}
}

// extend checks the fields of an argument and returns a plan with them behind
// the old ones.
func extend(old []field, fields []*UpdateArg_Field) (*plan, error) {
	if n := len(old) + len(fields); n > maxFields {
		return nil, errno.Errorf(errno.EINVAL, "fields: %d: at most %d fields", n, maxFields)
	}
	out := append(make([]field, 0, len(old)+len(fields)), old...)
	for i, f := range fields {
		n, err := newField(i, f)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return newPlan(out), nil
}

// Update is an instance.
type Update struct {
	plan atomic.Pointer[plan]
}

func create(_ *module.Env, arg *UpdateArg) (*Update, error) {
	p, err := extend(nil, arg.GetFields())
	if err != nil {
		return nil, err
	}
	m := &Update{}
	m.plan.Store(p)
	return m, nil
}

// Process writes the fields in the order of the list. A field that is not
// wholly inside the packet is left out.
func (m *Update) Process(ctx *module.Context, b *packet.Batch) {
	pl := m.plan.Load()
	if short := pl.write(b.Packets()); short != 0 {
		ctx.Count(countShort, uint64(bits.OnesCount64(short)))
		for ; short != 0; short &= short - 1 {
			pl.writeEach(b.At(bits.TrailingZeros64(short)).Bytes())
		}
	}
	ctx.EmitBatch(b, 0)
}

// writeEach writes the fields that a packet has.
func (p *plan) writeEach(d []byte) {
	for i := range p.fields {
		if f := &p.fields[i]; f.end <= len(d) {
			f.write(d)
		}
	}
}

// Update takes a new creation argument.
func (m *Update) Update(arg proto.Message) error {
	p, err := extend(nil, arg.(*UpdateArg).GetFields())
	if err != nil {
		return err
	}
	m.plan.Store(p)
	return nil
}

func (m *Update) add(arg *UpdateArg) error {
	p, err := extend(m.plan.Load().fields, arg.GetFields())
	if err != nil {
		return err
	}
	m.plan.Store(p)
	return nil
}

func (m *Update) clear(*api.EmptyArg) error {
	m.plan.Store(&plan{})
	return nil
}
