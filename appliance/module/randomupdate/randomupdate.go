// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package randomupdate is the module class RandomUpdate: random numbers at
// fixed places (spec: modules/headers.md).
package randomupdate

import (
	"encoding/binary"
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
	Name:       "RandomUpdate",
	Prefix:     "rupdate",
	Help:       "writes random numbers to fixed places of the packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*RandomUpdateArg)(nil),
	Counters: []module.CounterDoc{
		countShort: {Name: "short", Unit: "packets", Help: "passed on with at least one field left out: it lies outside the packet"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "appends fields", (*RandomUpdate).add),
		module.Do("clear", module.Concurrent, "removes all fields; packets then pass unchanged", (*RandomUpdate).clear),
	},
	New: module.New(create),
}

// countShort is the index of the counter in Class.Counters.
const countShort = 0

const (
	maxFields = 16
	maxEnd    = 2048 // no field reaches beyond this byte
)

// field is a place and the range of the number to write there.
type field struct {
	off, size int    // bytes off..off+size-1 of the packet
	min       uint32 // smallest number
	span      uint64 // how many numbers there are, 1..2^32
}

// newField checks field i of an argument.
func newField(i int, f *RandomUpdateArg_Field) (field, error) {
	name := func(s string) string { return fmt.Sprintf("fields[%d].%s", i, s) }
	off, size := f.GetOffset(), f.GetSize()
	if size != 1 && size != 2 && size != 4 {
		return field{}, module.Invalid(name("size"), size, "must be 1, 2 or 4 bytes")
	}
	if off < 0 || off > maxEnd-int64(size) {
		return field{}, module.Invalid(name("offset"), off, "must be 0..%d for a field of %d bytes", maxEnd-size, size)
	}
	if f.GetMin() > f.GetMax() {
		return field{}, module.Invalid(name("min"), f.GetMin(), "must not be above 'max', which is %d", f.GetMax())
	}
	largest := uint64(1)<<(8*size) - 1
	lo, hi := min(f.GetMin(), largest), min(f.GetMax(), largest)
	return field{off: int(off), size: int(size), min: uint32(lo), span: hi - lo + 1}, nil
}

// writeAll writes a random value into each of the packets and returns the set
// of those (bit i is packet i) in which the field does not lie within.
func (f *field) writeAll(ps []packet.Packet, r *module.Rand) (short uint64) {
	var buf [packet.BatchSize]uint32
	numbers := buf[:len(ps)]
	r.Fill(numbers)
	switch f.size {
	case 1:
		return put[uint8](ps, numbers, *f)
	case 2:
		return put[uint16](ps, numbers, *f)
	default:
		return put[uint32](ps, numbers, *f)
	}
}

// put is writeAll with the random bits made, for fields of the size of T: no
// question is left for each packet.
func put[T uint8 | uint16 | uint32](ps []packet.Packet, numbers []uint32, f field) (short uint64) {
	off := f.off & (maxEnd - 1) // changes nothing, and saves the check of each store
	size := bits.Len32(uint32(^T(0))) / 8
	numbers = numbers[:len(ps)]
	for i, p := range ps {
		d := p.Front(off + size)
		if d == nil {
			short |= 1 << (i & 63)
			continue
		}
		// The product of 32 random bits and the span, of which the upper half
		// is in [0, span), for every span up to 2^32.
		switch v := f.min + uint32(uint64(numbers[i])*f.span>>32); size {
		case 1:
			d[off] = byte(v)
		case 2:
			binary.BigEndian.PutUint16(d[off:], uint16(v))
		default:
			binary.BigEndian.PutUint32(d[off:], v)
		}
	}
	return short
}

// extend checks the fields of an argument and returns a list with them behind
// the old ones.
func extend(old []field, fields []*RandomUpdateArg_Field) (*[]field, error) {
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
	return &out, nil
}

// RandomUpdate is an instance. Safe for use by several workers: each has its
// own random generator.
type RandomUpdate struct {
	fields atomic.Pointer[[]field]
}

func create(_ *module.Env, arg *RandomUpdateArg) (*RandomUpdate, error) {
	m := &RandomUpdate{}
	return m, m.Update(arg)
}

// Process writes the fields in the order of the list, each into all packets. A
// field that is not wholly inside the packet is left out.
func (m *RandomUpdate) Process(ctx *module.Context, b *packet.Batch) {
	var incomplete uint64
	for _, f := range *m.fields.Load() {
		incomplete |= f.writeAll(b.Packets(), &ctx.Rand)
	}
	if incomplete != 0 {
		ctx.Count(countShort, uint64(bits.OnesCount64(incomplete)))
	}
	ctx.EmitBatch(b, 0)
}

// Update takes a new creation argument.
func (m *RandomUpdate) Update(arg proto.Message) error {
	l, err := extend(nil, arg.(*RandomUpdateArg).GetFields())
	if err != nil {
		return err
	}
	m.fields.Store(l)
	return nil
}

func (m *RandomUpdate) add(arg *RandomUpdateArg) error {
	l, err := extend(*m.fields.Load(), arg.GetFields())
	if err != nil {
		return err
	}
	m.fields.Store(l)
	return nil
}

func (m *RandomUpdate) clear(*api.EmptyArg) error {
	m.fields.Store(&[]field{})
	return nil
}
