// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

// Mode says what a module does with a metadata attribute.
type Mode int

// The modes of spec: metadata.md section 2.
const (
	Read Mode = iota
	Write
	Update // read, then write
)

// String returns the mode as the API spells it.
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

// Attr is a metadata attribute declared by an instance.
type Attr struct {
	Name string
	Size int // bytes, 1..32
	Mode Mode
}

// AttrID is the index of an attribute in the instance's order of declaration.
type AttrID int

// Limits of attributes.
const (
	MaxAttrSize = 32
	MaxAttrs    = 16
)

// Offsets that are not places (spec: metadata.md section 1).
const (
	OffsetNoWrite = -1 // nobody downstream reads the attribute
	OffsetNoRead  = -2 // nobody upstream writes it
	OffsetNoSpace = -3 // it did not fit
)
