// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"cmp"
	"strconv"
)

// Position is a place in a document. Lines and columns count from 1; columns
// count characters. The zero Position is nowhere.
type Position struct {
	File      string
	Line, Col int
	// doc is the index of the file among those given, for sorting.
	doc int
}

// IsValid reports whether p is a place.
func (p Position) IsValid() bool { return p.Line > 0 }

// String returns file:line:col, "" for the zero Position.
func (p Position) String() string {
	if !p.IsValid() {
		return ""
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// compare orders positions by file in the order given, line and column.
// Nowhere comes last.
func (p Position) compare(q Position) int {
	if p.IsValid() != q.IsValid() {
		if p.IsValid() {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(p.doc, q.doc), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}
