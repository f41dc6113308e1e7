// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package split is the module class Split: the output gate is a number read
// from the packet or from its metadata (spec: modules/classify.md).
package split

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Split",
	Prefix:     "split",
	Help:       "sends a packet to the gate whose number it carries",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*SplitArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<attribute>", Size: "size", Mode: module.Read, Help: "the gate, most significant byte first"},
	},
	Counters: []module.CounterDoc{
		countShort: {Name: "short", Unit: "packets", Help: "sent to gate 0: the packet ends before the number does"},
		countRange: {Name: "out_of_range", Unit: "packets", Help: "dropped: the number is above 8191"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countShort = iota
	countRange
)

const (
	maxSize   = 8
	maxOffset = 1024
)

// validate checks an argument.
func validate(arg *SplitArg) error {
	if n := arg.GetSize(); n < 1 || n > maxSize {
		return module.Invalid("size", n, "must be 1..%d bytes", maxSize)
	}
	if o := arg.GetOffset(); o < 0 || o > maxOffset {
		return module.Invalid("offset", o, "must be 0..%d", maxOffset)
	}
	return nil
}

// Split is an instance. It is immutable.
type Split struct {
	size   int // bytes of the number, 1..8
	offset int // in the packet
	attr   module.AttrID
	meta   bool // the number is attr
}

func create(env *module.Env, arg *SplitArg) (*Split, error) {
	if err := validate(arg); err != nil {
		return nil, err
	}
	s := &Split{size: int(arg.GetSize()), offset: int(arg.GetOffset())}
	if a, ok := arg.GetType().(*SplitArg_Attribute); ok {
		id, err := env.AddAttr(a.Attribute, s.size, module.Read)
		if err != nil {
			return nil, err
		}
		s.attr, s.meta = id, true
	}
	return s, nil
}

// nowhere is the number of a gate that cannot be connected.
const nowhere = 1<<16 - 1

// Process sends every packet to the gate it names. A packet that ends before
// the number does names gate 0, like an attribute that nobody writes.
func (s *Split) Process(ctx *module.Context, b *packet.Batch) {
	if s.meta {
		s.byMetadata(ctx, b)
		return
	}
	// Eight bytes are read at once where the packet has them, and what does
	// not belong to the number is shifted out.
	shift := uint(64 - 8*s.size)
	short, far := 0, 0
	var gates [packet.BatchSize]uint16
	for i, p := range b.Packets() {
		d := p.Bytes()
		var v uint64
		switch {
		case len(d) >= s.offset+8:
			v = binary.BigEndian.Uint64(d[s.offset:]) >> shift
		case len(d) >= s.offset+s.size:
			for _, c := range d[s.offset : s.offset+s.size] {
				v = v<<8 | uint64(c)
			}
		default:
			short++ // v is 0
		}
		if v >= module.MaxGates {
			far++
			v = nowhere
		}
		gates[i&(packet.BatchSize-1)] = uint16(v)
	}
	ctx.EmitEach(b, gates[:])
	count(ctx, short, far)
}

// byMetadata sends every packet to the gate its attribute names. An attribute
// that nobody writes is zero.
func (s *Split) byMetadata(ctx *module.Context, b *packet.Batch) {
	off := ctx.Attr(s.attr)
	if off < 0 {
		ctx.EmitBatch(b, 0)
		return
	}
	// The eight bytes to read must end within the area: near its end they
	// begin before the attribute.
	at := min(off, packet.MetadataSize-8)
	left := uint(8 * (off - at))
	shift := uint(64 - 8*s.size)
	far := 0
	var gates [packet.BatchSize]uint16
	for i, p := range b.Packets() {
		v := binary.BigEndian.Uint64(p.Metadata()[at:]) << left >> shift
		if v >= module.MaxGates {
			far++
			v = nowhere
		}
		gates[i&(packet.BatchSize-1)] = uint16(v)
	}
	ctx.EmitEach(b, gates[:])
	count(ctx, 0, far)
}

func count(ctx *module.Context, short, far int) {
	if short > 0 {
		ctx.Count(countShort, uint64(short))
	}
	if far > 0 {
		ctx.Count(countRange, uint64(far))
	}
}
