// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// where is what a value belongs to, for findings: an object, and the way from
// it to the value.
type where struct {
	object string
	up     *where
	name   string // of a key
	index  int    // of an element, if name is empty
}

func of(object string) *where { return &where{object: object, index: -1} }

func (w *where) key(name string) *where { return &where{object: w.object, up: w, name: name} }

func (w *where) elem(i int) *where { return &where{object: w.object, up: w, index: i} }

// field returns "args.rules[3].src_ip"; what is very long is cut.
func (w *where) field() string {
	const most = 100
	if w.up == nil {
		return ""
	}
	f := w.up.field()
	switch {
	case len(f) > most:
		return f
	case w.name == "":
		f += "[" + strconv.Itoa(w.index) + "]"
	case f == "":
		f = w.name
	default:
		f += "." + w.name
	}
	if len(f) > most {
		f = strings.ToValidUTF8(f[:most], "") + "…"
	}
	return f
}

// fail reports n.
func (s *source) fail(n *yaml.Node, w *where, hint, format string, a ...any) {
	s.field(s.pos(n), w.object, w.field(), hint, format, a...)
}

// enter follows an alias and counts what is read through aliases. The result
// is nil if that is too much. leave must be called with the same node.
func (s *source) enter(n *yaml.Node, w *where) *yaml.Node {
	s.depth++
	if n.Kind == yaml.AliasNode {
		s.aliases++
		n = n.Alias
	}
	if s.aliases > 0 {
		s.aliased++
	}
	if s.bomb {
		return nil
	}
	if s.aliased > maxAliased {
		s.bomb = true
		s.fail(n, w, "", "aliases repeat more than %d values", maxAliased)
		return nil
	}
	if s.depth > maxDepth {
		s.fail(n, w, "", "nested too deep: at most %d levels", maxDepth)
		return nil
	}
	if tag := n.ShortTag(); n.Kind == yaml.MappingNode && tag != "!!map" || n.Kind == yaml.SequenceNode && tag != "!!seq" {
		s.fail(n, w, "", "tag %s is not known", n.Tag)
		return nil
	}
	return n
}

func (s *source) leave(n *yaml.Node) {
	s.depth--
	if n.Kind == yaml.AliasNode {
		s.aliases--
	}
}

// value reads n as a generic value: nil, bool, number, string, []any or
// map[string]any. What is wrong has been reported and is scalars.Unknown, so
// that nothing else is said about it.
func (s *source) value(n *yaml.Node, w *where) any {
	defer s.leave(n)
	n = s.enter(n, w)
	if n == nil {
		return scalars.Unknown{}
	}
	switch n.Kind {
	case yaml.MappingNode:
		entries, ok := s.pairs(n, w)
		if !ok {
			return scalars.Unknown{}
		}
		m := make(map[string]any, len(entries))
		for _, e := range entries {
			m[e.key] = s.value(e.val, w.key(e.key))
		}
		return m
	case yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, c := range n.Content {
			l[i] = s.value(c, w.elem(i))
		}
		return l
	}
	if n, ok := s.expanded(n, w); ok {
		if v, ok := s.scalar(n, w); ok {
			return v
		}
	}
	return scalars.Unknown{}
}

// coreTags are the types of scalars that mean something here.
var coreTags = map[string]bool{"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!binary": true, "!!timestamp": true}

// expanded returns a scalar node with its variables replaced; n itself if it
// has none.
func (s *source) expanded(n *yaml.Node, w *where) (*yaml.Node, bool) {
	if !strings.Contains(n.Value, "${") {
		return n, true
	}
	text, ok := s.expand(n, w)
	if !ok {
		return nil, false
	}
	x := &yaml.Node{Kind: yaml.ScalarNode, Style: n.Style, Value: text, Line: n.Line, Column: n.Column}
	if n.Style != 0 { // quoted, a block, or tagged: its type is fixed
		x.Tag = n.Tag
	}
	return x, true
}

// scalar reads a scalar node.
func (s *source) scalar(n *yaml.Node, w *where) (any, bool) {
	tag := n.ShortTag()
	if !coreTags[tag] {
		s.fail(n, w, "", "tag %s is not known", n.Tag)
		return nil, false
	}
	switch {
	case tag == "!!str" || tag == "!!timestamp":
		return n.Value, true
	case tag == "!!int" && n.Style&yaml.TaggedStyle == 0 && leadingZero(n.Value):
		return n.Value, true
	}
	var v any
	if err := n.Decode(&v); err != nil {
		s.fail(n, w, "", "%q is not a valid %s", n.Value, strings.TrimPrefix(tag, "!!"))
		return nil, false
	}
	if tag == "!!binary" {
		text, _ := v.(string)
		return []byte(text), true
	}
	return v, true
}

// leadingZero reports whether the digits of a number begin with a zero. Older
// YAML reads them as octal, newer as decimal, people as hex; here they are
// text, which argument fields take only where it is unmistakable.
func leadingZero(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9'
}

// kindOf names what n is, for "expected …, got a list".
func kindOf(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	}
	return "text"
}

// entry is a key with its value.
type entry struct {
	key   string
	keyAt Position
	val   *yaml.Node
}

// pairs returns the entries of a mapping node in order, after those of the
// maps it merges (<<). Keys that are no text and keys given twice are
// reported and left out.
func (s *source) pairs(n *yaml.Node, w *where) (list []entry, ok bool) {
	ok = true
	seen := make(map[string]int, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := s.pos(k)
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		switch {
		case k.Kind != yaml.ScalarNode:
			s.field(at, w.object, w.field(), "", "a key must be text, not %s", kindOf(k))
			continue
		case k.ShortTag() == "!!merge":
			merged = append(merged, v)
			continue
		case k.ShortTag() == "!!null":
			s.field(at, w.object, w.field(), "", "a key is missing")
			continue
		}
		if first, dup := seen[k.Value]; dup {
			s.field(at, w.object, w.field(), "", "%q is given twice, first at %s", k.Value, list[first].keyAt)
			continue
		}
		seen[k.Value] = len(list)
		list = append(list, entry{k.Value, at, v})
	}
	for _, m := range merged {
		list, ok = s.merge(m, w, list, seen)
		if !ok {
			break
		}
	}
	return list, ok
}

// merge appends the entries of a map, or list of maps, that list does not
// have yet.
func (s *source) merge(n *yaml.Node, w *where, list []entry, seen map[string]int) ([]entry, bool) {
	defer s.leave(n)
	in := s.enter(n, w)
	if in == nil {
		return list, false
	}
	switch in.Kind {
	case yaml.SequenceNode:
		for _, c := range in.Content {
			var ok bool
			if list, ok = s.merge(c, w, list, seen); !ok {
				return list, false
			}
		}
		return list, true
	case yaml.MappingNode:
		from, ok := s.pairs(in, w)
		for _, e := range from {
			if _, dup := seen[e.key]; !dup {
				seen[e.key] = len(list)
				list = append(list, e)
			}
		}
		return list, ok
	}
	s.fail(n, w, "", "<< merges maps, got %s", kindOf(in))
	return list, true
}

// show quotes text for a finding, cut if it is long.
func show(text string) string {
	const most = 64
	if len(text) > most {
		return strconv.Quote(strings.ToValidUTF8(text[:most], "")) + "…"
	}
	return strconv.Quote(text)
}

// showValue renders a scalar value for a finding.
func showValue(v any) string {
	if text, ok := v.(string); ok {
		return show(text)
	}
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(v)
}
