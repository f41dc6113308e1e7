// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package metadatatest is the module class MetadataTest: it declares metadata
// attributes (spec: modules/stateful.md).
package metadatatest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "MetadataTest",
	Prefix:     "mt_test",
	Help:       "declares metadata attributes, to see where they are placed",
	IGates:     module.MaxGates,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*MetadataTestArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<read>", Size: "<read>", Mode: module.Read, Help: "not touched"},
		{Name: "<write>", Size: "<write>", Mode: module.Write, Help: "not touched"},
		{Name: "<update>", Size: "<update>", Mode: module.Update, Help: "not touched"},
	},
	New: module.New(create),
}

// MetadataTest is an instance. It has no state.
type MetadataTest struct{}

// create declares the attributes: those to read, to write, to update, each
// kind in the order of the names.
func create(env *module.Env, arg *MetadataTestArg) (*MetadataTest, error) {
	for _, kind := range []struct {
		mode  module.Mode
		sizes map[string]int64
	}{{module.Read, arg.GetRead()}, {module.Write, arg.GetWrite()}, {module.Update, arg.GetUpdate()}} {
		for _, name := range slices.Sorted(maps.Keys(kind.sizes)) {
			field, size := fmt.Sprintf("%s[%q]", kind.mode, name), kind.sizes[name]
			if size < 1 || size > module.MaxAttrSize {
				return nil, module.Invalid(field, size, "must be 1..%d bytes", module.MaxAttrSize)
			}
			if _, err := env.AddAttr(name, int(size), kind.mode); err != nil {
				return nil, errno.Wrap(err, "%s: invalid metadata declaration", field)
			}
		}
	}
	return &MetadataTest{}, nil
}

// Process sends everything from input gate n to output gate n.
func (*MetadataTest) Process(ctx *module.Context, b *packet.Batch) { ctx.EmitBatch(b, ctx.IGate) }
