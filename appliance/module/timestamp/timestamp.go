// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package timestamp is the module class Timestamp (spec: modules/stateful.md).
package timestamp

import (
	"encoding/binary"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes Timestamp.
var Class = &module.Class{
	Name:       "Timestamp",
	Prefix:     "timestamp",
	Help:       "marks every packet with the present time, for Measure",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*TimestampArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<attr_name>", Size: "8", Mode: module.Write, Help: "time in nanoseconds, least significant byte first; not used with offset"},
	},
	Counters: []module.CounterDoc{
		countNoRoom: {Name: "no_tailroom", Unit: "packets", Help: "passed on without mark: no room for it at the end"},
	},
	New: module.New(create),
}

// countNoRoom is the index of the class's counter.
const countNoRoom = 0

const (
	defaultAttr = "timestamp"
	attrSize    = 8
	// marker precedes the time in a packet: bytes 55 be c5 54.
	marker   = 0x54c5be55
	markSize = 4 + attrSize
	// maxOffset is the last place where a mark fits into a buffer.
	maxOffset = packet.BufferSize - markSize
)

// place is where the mark goes: an attribute, or an offset if attr is empty.
type place struct {
	attr   string
	offset int
}

// validate returns where the mark goes.
func validate(arg *TimestampArg) (place, error) {
	if off := arg.GetOffset(); off > maxOffset {
		return place{}, module.Invalid("offset", off, "must be 0..%d, a mark has %d bytes", maxOffset, markSize)
	} else if off > 0 {
		return place{offset: int(off)}, nil
	}
	if name := arg.GetAttrName(); name != "" {
		return place{attr: name}, nil
	}
	return place{attr: defaultAttr}, nil
}

// Timestamp is an instance. Safe for use by several workers.
type Timestamp struct {
	attr   string // "" if marks go into the packet
	id     module.AttrID
	offset atomic.Int32 // 1..maxOffset, 0 if marks go into metadata
}

func create(env *module.Env, arg *TimestampArg) (*Timestamp, error) {
	at, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &Timestamp{attr: at.attr}
	m.offset.Store(int32(at.offset))
	if at.attr != "" {
		if m.id, err = env.AddAttr(at.attr, attrSize, module.Write); err != nil {
			return nil, errno.Wrap(err, "attr_name: %q", at.attr)
		}
	}
	return m, nil
}

// Process marks all packets with the same time and sends them to gate 0.
func (m *Timestamp) Process(ctx *module.Context, b *packet.Batch) {
	if m.attr == "" {
		if n := stamp(b.Packets(), int(m.offset.Load()), now(ctx)); n > 0 {
			ctx.Count(countNoRoom, uint64(n))
		}
	} else if off := ctx.Attr(m.id); off >= 0 {
		t := now(ctx)
		for _, p := range b.Packets() {
			binary.LittleEndian.PutUint64(p.Metadata()[off:off+attrSize], t)
		}
	}
	ctx.EmitBatch(b, 0)
}

// now returns the time in nanoseconds. It is read for every batch and not once
// per task run, so that the time spent between two modules shows.
func now(ctx *module.Context) uint64 { return sys.Nanoseconds(sys.Cycles(), ctx.Hz) }

// stamp writes marks at an offset and returns how many packets had no room.
func stamp(ps []packet.Packet, offset int, t uint64) (noRoom int) {
	for _, p := range ps {
		if n := p.Len(); n < offset+markSize {
			if !p.Append(offset + markSize - n) {
				noRoom++
				continue
			}
			if n < offset {
				clear(p.Bytes()[n:offset])
			}
		}
		d := p.Bytes()[offset : offset+markSize]
		binary.LittleEndian.PutUint32(d, marker)
		binary.LittleEndian.PutUint64(d[4:], t)
	}
	return noRoom
}

// Update moves the mark within the packet in place; a change of the attribute
// needs a new instance.
func (m *Timestamp) Update(arg proto.Message) error {
	at, err := validate(arg.(*TimestampArg))
	if err != nil {
		return err
	}
	if at.attr != m.attr {
		return module.ErrRebuild
	}
	m.offset.Store(int32(at.offset))
	return nil
}
