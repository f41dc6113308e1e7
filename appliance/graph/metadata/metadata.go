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

// Limits of section 1 of the specification.
const (
	// AreaSize is the number of metadata bytes of one packet.
	AreaSize = 128
	// MaxSize is the largest size of one attribute in bytes.
	MaxSize = 32
	// MaxAttrs is the largest number of attributes one module may declare.
	MaxAttrs = 16
)

// Offset is the place of an attribute: 0..127, or one of the negative values
// below. Reading at a negative offset gives zero, writing at it does nothing.
type Offset = int8

// The special offsets.
const (
	// NoWrite: nobody downstream reads the value.
	NoWrite Offset = -1
	// NoRead: nobody upstream writes the value, or not on every path.
	NoRead Offset = -2
	// NoSpace: the value did not fit into the 128 bytes.
	NoSpace Offset = -3
)

// Mode says what a module does with an attribute.
type Mode uint8

// The modes, numbered as on the wire.
const (
	// Read uses the value and leaves it alone.
	Read Mode = iota
	// Write sets the value; what was there before is lost.
	Write
	// Update reads the value, then sets it.
	Update
)

// String returns "read", "write" or "update".
func (m Mode) String() string {
	switch m {
	case Read:
		return "read"
	case Write:
		return "write"
	case Update:
		return "update"
	}
	return "invalid mode"
}

// Attr is one attribute as one module declares it.
type Attr struct {
	// Name identifies the attribute in the whole pipeline.
	Name string
	// Size is its length in bytes, 1..MaxSize.
	Size int
	// Mode is the module's use of it.
	Mode Mode
}

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
// indices that do not exist count as not connected. The work is proportional
// to the number of links times the number of values alive on them.
func Place(modules []Module) Placement {
	s := newSolver(modules)
	s.findComponents()
	s.rankComponents()
	s.assign()
	return Placement{Offsets: s.offsets(), Warnings: s.warnings()}
}
