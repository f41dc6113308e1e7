// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package scalar

import (
	"strconv"
	"strings"
)

type seg struct {
	name  string
	index int
	kind  segKind
}

type segKind uint8

const (
	segField segKind = iota
	segIndex
	segKey
)

// Path is the way from the root to the value being looked at. It is kept as
// segments, because text is only needed when something is wrong: walking a
// table of 100,000 rules must not build 100,000 strings.
type Path struct {
	prefix string
	segs   []seg
}

// NewPath starts at prefix, which may be empty ("modules.fw.args").
func NewPath(prefix string) Path { return Path{prefix: prefix, segs: make([]seg, 0, 16)} }

// Reset empties the path and sets its prefix; memory is kept.
func (p *Path) Reset(prefix string) {
	p.prefix = prefix
	p.segs = p.segs[:0]
}

// Field enters a named field.
func (p *Path) Field(name string) { p.segs = append(p.segs, seg{name: name}) }

// Index enters element i of a list.
func (p *Path) Index(i int) { p.segs = append(p.segs, seg{index: i, kind: segIndex}) }

// Key enters a map entry.
func (p *Path) Key(key string) { p.segs = append(p.segs, seg{name: key, kind: segKey}) }

// Pop leaves the innermost segment.
func (p *Path) Pop() { p.segs = p.segs[:len(p.segs)-1] }

// String renders the path: fields with dots, indexes and keys in brackets,
// for example `rules[3].src_ip` or `limit["packet"]`.
func (p *Path) String() string {
	var b strings.Builder
	b.WriteString(p.prefix)
	for _, s := range p.segs {
		switch s.kind {
		case segIndex:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case segKey:
			b.WriteString("[" + Show(s.name) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// Join appends a sub-path as another package rendered it ("udp.dst",
// "[1].ip") to base.
func Join(base, sub string) string {
	if base == "" || sub == "" || sub[0] == '[' {
		return base + sub
	}
	return base + "." + sub
}
