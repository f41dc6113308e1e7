// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package setmetadata is the module class SetMetadata (spec:
// modules/headers.md).
package setmetadata

import (
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes SetMetadata.
var Class = &module.Class{
	Name:       "SetMetadata",
	Prefix:     "setattr",
	Help:       "writes metadata attributes from constants or from the packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*SetMetadataArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<attrs.name>", Size: "<attrs.size>", Mode: module.Write, Help: "gets the constant or the piece of the packet"},
	},
	Counters: []module.CounterDoc{
		countShort: {Name: "short", Unit: "packets", Help: "ended before a piece to be copied; the missing bytes became zero (once per attribute)"},
	},
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "the argument as given", (*SetMetadata).getInitialArg),
	},
	New: module.New(create),
}

// countShort is the index of the class's counter.
const countShort = 0

// program is what is done to every packet. Immutable.
type program struct {
	arg *SetMetadataArg // as given, never changed
	ops []op
}

// SetMetadata is an instance. Safe for use by several workers.
type SetMetadata struct {
	prog atomic.Pointer[program]
}

func create(env *module.Env, arg *SetMetadataArg) (*SetMetadata, error) {
	ops, err := compile(arg)
	if err != nil {
		return nil, err
	}
	for i := range ops {
		o := &ops[i]
		if _, err := env.AddAttr(o.name, o.size, module.Write); err != nil {
			return nil, errno.Wrap(err, "attrs[%d]", i)
		}
	}
	m := &SetMetadata{}
	m.publish(arg, ops)
	return m, nil
}

func (m *SetMetadata) publish(arg *SetMetadataArg, ops []op) {
	m.prog.Store(&program{arg: proto.CloneOf(arg), ops: ops})
}

// Process writes one attribute after the other to all packets, constants last,
// and sends them to gate 0.
func (m *SetMetadata) Process(ctx *module.Context, b *packet.Batch) {
	ops := m.prog.Load().ops
	ps := b.Packets()
	var c constants
	for i := range ops {
		o := &ops[i]
		off := ctx.Attr(module.AttrID(i))
		if off < 0 {
			continue
		}
		if o.constant {
			c.add(o, off)
		} else if short := o.copy(ps, off); short > 0 {
			ctx.Count(countShort, uint64(short))
		}
	}
	c.Write(ps)
	ctx.EmitBatch(b, 0)
}

// Update changes the values in place as long as the attributes stay the same.
func (m *SetMetadata) Update(arg proto.Message) error {
	a := arg.(*SetMetadataArg)
	ops, err := compile(a)
	if err != nil {
		return err
	}
	same := func(x, y op) bool { return x.name == y.name && x.size == y.size }
	if !slices.EqualFunc(ops, m.prog.Load().ops, same) {
		return module.ErrRebuild
	}
	m.publish(a, ops)
	return nil
}

func (m *SetMetadata) getInitialArg(*api.EmptyArg) (*SetMetadataArg, error) {
	return m.prog.Load().arg, nil
}
