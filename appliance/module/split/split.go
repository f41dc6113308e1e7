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
	var gates [packet.BatchSize]uint16
	short, far := s.read(b.Packets(), &gates)
	ctx.EmitEach(b, gates[:])
	count(ctx, short, far)
}

// read reads the numbers of packets into gates, and returns how many packets
// are too short and how many numbers too large. It loads just the number where
// the processor has such a load: a wider one would have to wait for bytes that
// a module has just written beside it, or into it, on their way to the cache.
func (s *Split) read(ps []packet.Packet, gates *[packet.BatchSize]uint16) (short, far int) {
	off, end := s.offset&(2*maxOffset-1), s.offset+s.size // the mask changes nothing
	switch s.size {
	case 1:
		for i, p := range ps {
			v := uint16(0)
			if d := p.Front(end); d != nil {
				v = uint16(d[off])
			} else {
				short++
			}
			gates[i&(packet.BatchSize-1)] = v
		}
	case 2:
		for i, p := range ps {
			v := uint16(0)
			if d := p.Front(end); d != nil {
				v = binary.BigEndian.Uint16(d[off:])
			} else {
				short++
			}
			if v >= module.MaxGates {
				far++
				v = nowhere
			}
			gates[i&(packet.BatchSize-1)] = v
		}
	default:
		for i, p := range ps {
			v := uint64(0)
			if d := p.Front(end); d != nil {
				v = number(d[off:], s.size)
			} else {
				short++
			}
			if v >= module.MaxGates {
				far++
				v = nowhere
			}
			gates[i&(packet.BatchSize-1)] = uint16(v)
		}
	}
	return short, far
}

// number reads a number of 3 to 8 bytes.
func number(d []byte, size int) uint64 {
	if size == 3 {
		return uint64(binary.BigEndian.Uint16(d))<<8 | uint64(d[2])
	}
	high := uint64(binary.BigEndian.Uint32(d))
	switch size {
	case 4:
		return high
	case 8:
		return high<<32 | uint64(binary.BigEndian.Uint32(d[4:]))
	}
	// The last four bytes, less those that have been read.
	more := 8 * (size - 4)
	return high<<more | uint64(binary.BigEndian.Uint32(d[size-4:]))&(1<<more-1)
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
