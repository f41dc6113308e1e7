// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxGate is the highest gate that can be connected.
const maxGate = 8191

func (d *decoder) links(n *yaml.Node, w *where) {
	defer d.leave(n)
	in := d.enter(n, w)
	switch {
	case in == nil || isNull(in):
		return
	case in.Kind != yaml.SequenceNode:
		d.fail(n, w, "write - in front of each link", "expected a list, got %s", kindOf(in))
		return
	}
	for i, c := range in.Content {
		d.link(c, w.elem(i))
	}
}

// link reads an element of the list: an arrow string or an object.
func (d *decoder) link(n *yaml.Node, w *where) {
	defer d.leave(n)
	in := d.enter(n, w)
	switch {
	case in == nil:
	case in.Kind == yaml.MappingNode:
		d.linkObject(in, w)
	case in.Kind == yaml.ScalarNode:
		if text := d.text(in, w); text != "" {
			d.chain(in, w, text)
		} else if isNull(in) {
			d.fail(in, w, "", "a link is missing")
		}
	default:
		d.fail(n, w, `write "a -> b", or a map with from and to`, "expected a link, got %s", kindOf(in))
	}
}

func (d *decoder) linkObject(n *yaml.Node, w *where) {
	l := &Link{Pos: d.pos(n)}
	ok := true
	gate := func(dst *int) func(*yaml.Node, *where) {
		return func(n *yaml.Node, w *where) {
			if isNull(n) {
				return
			}
			g, good := d.whole(n, w, 0, maxGate)
			*dst, ok = int(g), ok && good
		}
	}
	found := d.record(n, w, fields{
		"from": d.texter(&l.From), "ogate": gate(&l.OGate),
		"to": d.texter(&l.To), "igate": gate(&l.IGate),
	})
	for _, end := range []struct{ key, value string }{{"from", l.From}, {"to", l.To}} {
		if end.value == "" {
			if d.missing(found, end.key) {
				d.field(l.Pos, "", w.key(end.key).field(), "", "must be set")
			}
			ok = false
		}
	}
	if ok {
		d.Links = append(d.Links, l)
	}
}

// stop is a module on a chain with its gates; -1 is none given.
type stop struct {
	name  string
	in    int
	out   int
	start int // byte in the text where it begins
}

// chain reads an arrow string (spec: client.md section 5.3).
func (d *decoder) chain(n *yaml.Node, w *where, text string) {
	parts := strings.Split(text, "->")
	if len(parts) == 1 {
		d.fail(n, w, `write "a -> b"`, "%s: a link needs an arrow", show(text))
		return
	}
	stops := make([]stop, len(parts))
	offset := 0
	for i, part := range parts {
		st, err := parseStop(part)
		st.start += offset
		offset += len(part) + len("->")
		at := d.inside(n, text, st.start)
		switch {
		case err != nil:
		case i == 0 && st.in >= 0:
			err = fmt.Errorf("%s: the first module of a chain has no input gate", show(strings.TrimSpace(part)))
		case i == len(parts)-1 && st.out >= 0:
			err = fmt.Errorf("%s: the last module of a chain has no output gate", show(strings.TrimSpace(part)))
		}
		if err != nil {
			d.field(at, "", w.field(), "", "%s", err)
			return
		}
		stops[i] = st
	}
	for i := range len(stops) - 1 {
		a, b := stops[i], stops[i+1]
		d.Links = append(d.Links, &Link{Pos: d.inside(n, text, a.start),
			From: a.name, OGate: max(a.out, 0), To: b.name, IGate: max(b.in, 0)})
	}
}

// parseStop reads "2:name:3".
func parseStop(part string) (stop, error) {
	st := stop{in: -1, out: -1, start: len(part) - len(strings.TrimLeft(part, " \t\r\n"))}
	name := strings.TrimSpace(part)
	var err error
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		if st.out, err = parseGate(name[i+1:]); err != nil {
			return st, err
		}
		if st.out >= 0 {
			name = strings.TrimSpace(name[:i])
		}
	}
	if i := strings.IndexByte(name, ':'); i >= 0 {
		if st.in, err = parseGate(name[:i]); err != nil {
			return st, err
		}
		if st.in >= 0 {
			name = strings.TrimSpace(name[i+1:])
		}
	}
	if name == "" {
		return st, fmt.Errorf("%s: the name of a module is missing", show(strings.TrimSpace(part)))
	}
	st.name = name
	return st, nil
}

// parseGate reads a gate; -1 if text is no number but part of a name.
func parseGate(text string) (int, error) {
	text = strings.TrimSpace(text)
	digits := strings.TrimLeft(text, "+-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return -1, nil
	}
	g, err := strconv.Atoi(text)
	if err != nil || g < 0 || g > maxGate {
		return -1, fmt.Errorf("gate %s: must be 0..%d", text, maxGate)
	}
	return g, nil
}

// inside returns the place of a byte of the scalar n, or of n itself if the
// text does not stand in the file as it is: on one line, without escapes.
func (d *decoder) inside(n *yaml.Node, text string, offset int) Position {
	at := d.pos(n)
	rest := d.from(at.Line, at.Col)
	if n.Style == yaml.DoubleQuotedStyle || n.Style == yaml.SingleQuotedStyle {
		rest = strings.TrimLeft(rest, `"'`)
		at.Col++
	}
	if !strings.HasPrefix(rest, text) {
		return d.pos(n)
	}
	at.Col += utf8.RuneCountInString(text[:offset])
	return at
}

// spot is a place in a line: before character col is byte offset.
type spot struct{ line, col, offset int }

// from returns what follows a place in its line. A line may be very long
// (JSON), so the search goes on from the last one.
func (s *source) from(line, col int) string {
	if s.rows == nil {
		s.rows = strings.Split(string(s.raw), "\n")
	}
	if line > len(s.rows) {
		return ""
	}
	row := s.rows[line-1]
	if s.last.line != line || s.last.col > col {
		s.last = spot{line, 1, 0}
	}
	for s.last.col < col && s.last.offset < len(row) {
		_, size := utf8.DecodeRuneInString(row[s.last.offset:])
		s.last.offset += size
		s.last.col++
	}
	return row[s.last.offset:]
}
