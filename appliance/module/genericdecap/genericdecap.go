// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package genericdecap is the module class GenericDecap (spec:
// modules/headers.md).
package genericdecap

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class describes GenericDecap.
var Class = &module.Class{
	Name:       "GenericDecap",
	Prefix:     "generic_decap",
	Help:       "removes a number of bytes from the front of every packet",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*GenericDecapArg)(nil),
	Counters: []module.CounterDoc{
		countShort: {Name: "short", Unit: "packets", Help: "passed on unmodified: shorter than what was to be removed"},
	},
	New: module.New(create),
}

// countShort is the index of the class's counter.
const countShort = 0

// maxBytes is the most that can be removed.
const maxBytes = 1024

// validate returns how many bytes to remove.
func validate(arg *GenericDecapArg) (int32, error) {
	n := arg.GetBytes()
	if n > maxBytes {
		return 0, module.Invalid("bytes", n, "must be 0..%d bytes", maxBytes)
	}
	return int32(n), nil
}

// GenericDecap is an instance. Safe for use by several workers.
type GenericDecap struct {
	bytes atomic.Int32 // 0..maxBytes
}

func create(_ *module.Env, arg *GenericDecapArg) (*GenericDecap, error) {
	m := &GenericDecap{}
	return m, m.Update(arg)
}

// Process removes the bytes and sends everything to gate 0.
func (m *GenericDecap) Process(ctx *module.Context, b *packet.Batch) {
	n, short := int(m.bytes.Load()), 0
	if n != 0 {
		for _, p := range b.Packets() {
			if p.Len() < n {
				short++
				continue
			}
			p.Pull(n)
		}
	}
	if short > 0 {
		ctx.Count(countShort, uint64(short))
	}
	ctx.EmitBatch(b, 0)
}

// Update changes the number of bytes in place.
func (m *GenericDecap) Update(arg proto.Message) error {
	n, err := validate(arg.(*GenericDecapArg))
	if err != nil {
		return err
	}
	m.bytes.Store(n)
	return nil
}
