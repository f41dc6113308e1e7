// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package portinc_test

import (
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// writer is a class that declares an attribute and fills the whole metadata
// area of every packet.
var writer = &module.Class{Name: "Writer", IGates: 1, OGates: 1,
	New: func(env *module.Env, _ proto.Message) (module.Module, error) {
		_, err := env.AddAttr("x", 8, module.Write)
		return fill{}, err
	}}

type fill struct{}

func (fill) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		for i := range p.Metadata() {
			p.Metadata()[i] = 0xee
		}
	}
	ctx.EmitBatch(b, 0)
}

// looker is a class that looks at the metadata in use.
var looker = &module.Class{Name: "Looker", IGates: 1,
	New: func(*module.Env, proto.Message) (module.Module, error) { return &look{}, nil }}

type look struct{ seen, stale int }

func (l *look) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		for _, v := range p.Metadata()[:ctx.MetaLen] {
			if v != 0 {
				l.stale++
				break
			}
		}
		if ctx.MetaLen > 0 {
			l.seen++
		}
	}
	ctx.FreeBatch(b)
}
