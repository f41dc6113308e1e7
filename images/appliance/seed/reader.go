// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// Limits of what is read from a volume.
const (
	maxText  = 16 << 20
	maxDepth = 100
)

// Finding is one thing that is wrong with a seed.
type Finding struct {
	// Warning says that the box can do without.
	Warning   bool
	File      string
	Line, Col int
	// Field is the way to the value, for example network.interfaces[0].mtu.
	Field string
	// Message says what is wrong, with the value.
	Message string
	// Hint says what to do about it; may be empty.
	Hint string
}

// String returns `file:line:col: error: field: message (hint)`.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", f.File, max(f.Line, 1), max(f.Col, 1))
	if f.Warning {
		b.WriteString("warning: ")
	} else {
		b.WriteString("error: ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

// HasErrors reports whether any of the findings is more than a warning.
func HasErrors(fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return !f.Warning })
}

// Touches reports whether an error lies in the section, a key of the
// document, or in no section at all.
func Touches(fs []Finding, section string) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool {
		rest, in := strings.CutPrefix(f.Field, section)
		return !f.Warning && (f.Field == "" || in && (rest == "" || rest[0] == '.' || rest[0] == '['))
	})
}

// reader reads one file and collects what is wrong with it.
type reader struct {
	file     string
	findings []Finding
	lenient  bool // unknown keys are warnings: the file is made for other programs too
}

// keys are those of a map, with what reads their values.
type keys map[string]func(n *yaml.Node, field string)

func (r *reader) fail(n *yaml.Node, field, hint, format string, a ...any) {
	r.findings = append(r.findings, Finding{File: r.file, Line: n.Line, Col: n.Column, Field: field,
		Message: fmt.Sprintf(format, a...), Hint: hint})
}

// sorted returns the findings in the order of the text.
func (r *reader) sorted() []Finding {
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return r.findings
}

// parse reads text as one YAML document; nil if it is none, which has been
// reported, or is empty, which has not.
func (r *reader) parse(text []byte) (root *yaml.Node) {
	top := &yaml.Node{Line: 1, Column: 1}
	defer func() {
		if p := recover(); p != nil { // the parser gave up on text that no table of errors foresees
			r.fail(top, "", "", "not valid YAML: %v", p)
			root = nil
		}
	}()
	if len(text) > maxText {
		r.fail(top, "", "", "%d bytes: must be at most %d", len(text), maxText)
		return nil
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		r.fail(&second, "", "", "must be a single document")
		return nil
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil
	}
	if !r.plain(doc.Content[0], 0) {
		return nil
	}
	return doc.Content[0]
}

// syntax reports an error of the YAML parser, which tells lines only.
func (r *reader) syntax(err error) {
	at := &yaml.Node{Line: 1, Column: 1}
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if line, text, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(line); err == nil {
				at.Line, msg = n, text
			}
		}
	}
	r.fail(at, "", "", "not valid YAML: %s", msg)
}

// plain refuses anchors, and nesting without end.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.fail(n, "", "", "anchors and aliases have no place in a seed")
		return false
	}
	if depth > maxDepth {
		r.fail(n, "", "", "nested too deep: at most %d levels", maxDepth)
		return false
	}
	for _, c := range n.Content {
		if !r.plain(c, depth+1) {
			return false
		}
	}
	return true
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// record reads a map with the given keys, of which none is required. Null is
// an empty map.
func (r *reader) record(n *yaml.Node, field string, known keys) {
	r.each(n, field, func(k, v *yaml.Node) {
		if f := known[k.Value]; f != nil {
			f(v, join(field, k.Value))
			return
		}
		names := slices.Sorted(maps.Keys(known))
		if r.lenient && field == "" {
			r.fail(k, "", "known are "+strings.Join(names, ", "), "%s is ignored", show(k.Value))
			r.findings[len(r.findings)-1].Warning = true
			return
		}
		hint := args.DidYouMean(k.Value, names)
		if hint == "" {
			hint = "known are " + strings.Join(names, ", ")
		}
		r.fail(k, join(field, k.Value), hint, "unknown key %s", show(k.Value))
	})
}

// each calls f for every entry of a map.
func (r *reader) each(n *yaml.Node, field string, f func(k, v *yaml.Node)) {
	switch {
	case isNull(n):
		return
	case n.Kind != yaml.MappingNode:
		r.fail(n, field, "", "expected a map, got %s", kindOf(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			r.fail(k, field, "", "a key must be text, not %s", kindOf(k))
			continue
		}
		if first, dup := seen[k.Value]; dup {
			r.fail(k, join(field, k.Value), "", "%s is given twice, first on line %d", show(k.Value), first)
			continue
		}
		seen[k.Value] = k.Line
		f(k, n.Content[i+1])
	}
}

// list calls f for every element of a list.
func (r *reader) list(n *yaml.Node, field string, f func(n *yaml.Node, field string)) {
	switch {
	case isNull(n):
	case n.Kind != yaml.SequenceNode:
		r.fail(n, field, "", "expected a list, got %s", kindOf(n))
	default:
		for i, e := range n.Content {
			f(e, field+"["+strconv.Itoa(i)+"]")
		}
	}
}

// text reads a scalar as it is written; "" if it is missing or wrong.
func (r *reader) text(n *yaml.Node, field string) string {
	if n.Kind != yaml.ScalarNode {
		r.fail(n, field, "", "expected text, got %s", kindOf(n))
		return ""
	}
	if isNull(n) {
		return ""
	}
	return n.Value
}

// texter returns a reader of text into dst.
func (r *reader) texter(dst *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) { *dst = r.text(n, field) }
}

// whole returns a reader of a whole number into dst.
func (r *reader) whole(dst *int, low, high int) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		v, err := strconv.Atoi(n.Value)
		switch {
		case isNull(n):
		case n.Kind != yaml.ScalarNode || err != nil:
			r.fail(n, field, "", "expected a whole number, got %s", describe(n))
		case v < low || v > high:
			r.fail(n, field, "", "%d: must be %d..%d", v, low, high)
		default:
			*dst = v
		}
	}
}

// flag returns a reader of a boolean into dst.
func (r *reader) flag(dst *bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		var v bool
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Decode(&v) != nil {
			r.fail(n, field, "", "expected true or false, got %s", describe(n))
			return
		}
		*dst = v
	}
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return "text"
}

func describe(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return show(n.Value)
	}
	return kindOf(n)
}

// show quotes text for a message, cut if it is long.
func show(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}
