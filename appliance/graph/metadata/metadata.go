// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package metadata decides where in a packet's 128 bytes of metadata each
// attribute of each module lives (spec: metadata.md sections 1 to 5).
//
// A module declares that it reads, writes or updates named attributes; Place
// looks at the links between the modules and gives every declaration an
// offset. Bytes are shared: two values that are never alive in the same module
// may get the same bytes, and a value nobody reads gets none.
//
// The package is pure: it knows no packets and no engine, and calling Place
// twice with the same modules gives the same answer.
package metadata

import "github.com/bessform/terraform-provider-bess/appliance/module"

// Limits of section 1 of the specification.
const (
	// AreaSize is the number of metadata bytes of one packet.
	AreaSize = 128
	// MaxSize is the largest size of one attribute in bytes.
	MaxSize = module.MaxAttrSize
	// MaxAttrs is the largest number of attributes one module may declare.
	MaxAttrs = module.MaxAttrs
)

// Offset is the place of an attribute: 0..127, or one of the negative values
// below. Reading at a negative offset gives zero, writing at it does nothing.
type Offset = int8

// The special offsets.
const (
	// NoWrite: nobody downstream reads the value.
	NoWrite Offset = module.OffsetNoWrite
	// NoRead: nobody upstream writes the value, or not on every path.
	NoRead Offset = module.OffsetNoRead
	// NoSpace: the value did not fit into the 128 bytes.
	NoSpace Offset = module.OffsetNoSpace
)

type (
	// Mode says what a module does with an attribute.
	Mode = module.Mode
	// Attr is an attribute declared by a module.
	Attr = module.Attr
)

// The modes.
const (
	Read   = module.Read
	Write  = module.Write
	Update = module.Update
)

// Module is one module of the graph handed to Place.
type Module struct {
	// Name is unique in the pipeline.
	Name string
	// Attrs are the module's attributes in declaration order, with distinct
	// names.
	Attrs []Attr
	// Out holds, for each output gate, the index (in Place's argument) of the
	// module its link leads to, or -1 if the gate is not connected. Input gates
	// do not matter, nor does the order of links: the answer depends only on
	// who feeds whom.
	Out []int
}

// Placement is Place's answer.
type Placement struct {
	// Offsets[m][a] belongs to attribute a of module m.
	Offsets [][]Offset
	// Warnings lists what the user probably did not intend. None of them
	// prevents the pipeline from running.
	Warnings []Warning
}

// Place computes the offsets of all attributes of all modules. Links to
// indices that do not exist count as not connected, and an attribute larger
// than MaxSize never fits. The work is proportional to the number of links
// times the number of values alive on them.
func Place(modules []Module) Placement {
	s := newSolver(modules)
	s.findComponents()
	s.rankComponents()
	s.assign()
	return Placement{Offsets: s.offsets(), Warnings: s.warnings()}
}
