// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of what is read. A document comes from a client: no text may make
// the daemon run out of memory or stack.
const (
	// maxText is the size of all documents together, in bytes.
	maxText = 64 << 20
	// maxElements is the number of keys and values in one document, estimated
	// from its punctuation. Each costs about 200 bytes.
	maxElements = 4 << 20
	// maxAliased is the number of values that aliases (*name) may repeat.
	maxAliased = 1 << 20
	// maxDepth is how deep values may be nested.
	maxDepth = 100
)

// Document is one file with one or more YAML documents.
type Document struct {
	// Name is the file's name, for positions.
	Name string
	Text []byte
	// Env looks up ${NAME}; nil knows no variable.
	Env func(name string) (value string, ok bool)
}

// source is a document being read.
type source struct {
	*report
	file    string
	doc     int
	env     func(string) (string, bool)
	depth   int  // of the value being read
	aliases int  // being followed
	aliased int  // values read through them
	bomb    bool // too many: reported
	grown   int  // bytes that variables have become
	raw     []byte
	rows    []string
	last    spot
	index   map[*yaml.Node]map[string]entry
}

func newSource(r *report, d Document, index int) *source {
	s := &source{report: r, file: d.Name, doc: index, env: d.Env, raw: d.Text}
	if s.env == nil {
		s.env = func(string) (string, bool) { return "", false }
	}
	return s
}

// pos returns where n begins.
func (s *source) pos(n *yaml.Node) Position { return s.at(n.Line, n.Column) }

func (s *source) at(line, col int) Position {
	return Position{File: s.file, Line: max(line, 1), Col: max(col, 1), doc: s.doc}
}

// parse splits a file into its YAML documents. Empty documents are left out.
func (s *source) parse() (roots []*yaml.Node) {
	text := s.raw
	if n := elements(text); n > maxElements {
		s.errorf(s.at(1, 1), "", "document of about %d elements: must have at most %d", n, maxElements)
		return nil
	}
	defer func() {
		if p := recover(); p != nil { // the parser gave up on text that no table of errors foresees
			s.errorf(s.at(1, 1), "", "not valid YAML: %v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return roots
		}
		if err != nil {
			s.syntaxError(err)
			return roots
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) > 0 && !isNull(n.Content[0]) {
			roots = append(roots, n.Content[0])
		}
	}
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// elements estimates the number of keys and values from above, and cheaply:
// each but the first comes after a line end, a comma, a bracket, or a colon or
// dash before a blank.
func elements(text []byte) int {
	n := 1
	for i, c := range text {
		switch c {
		case '\n', '\r', ',', '[', '{':
			n++
		case ':', '-', '?':
			if i+1 == len(text) || text[i+1] <= ' ' || i > 0 && (text[i-1] == '"' || text[i-1] == '\'') {
				n++
			}
		}
	}
	return n
}

var (
	lineOf = regexp.MustCompile(`^line (\d+): `)
	// zeroBased are the messages of the grammar, as opposed to those of the
	// characters: the library counts their lines from 0.
	zeroBased = regexp.MustCompile(`^did not find expected (<|node|'-'|key|',')|^found (duplicate|incompatible|undefined)`)
	anchorOf  = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError reports what the YAML parser says. It tells lines, not columns,
// and not even lines for bytes that no YAML may contain.
func (s *source) syntaxError(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	at := s.at(1, 1)
	if m := lineOf.FindStringSubmatch(msg); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
		if zeroBased.MatchString(msg) {
			at.Line++
		}
		at.Line = min(at.Line, scan(s.raw, nil).line)
	} else if m := anchorOf.FindStringSubmatch(msg); m != nil {
		end := max(bytes.Index(s.raw, []byte("*"+m[1])), 0)
		place := scan(s.raw[:end], nil)
		at.Line, at.Col = place.line, place.col
	} else if bad := scan(s.raw, isForbidden); bad.offset < len(s.raw) {
		at.Line, at.Col = bad.line, bad.col
		r, size := utf8.DecodeRune(s.raw[bad.offset:])
		if r == utf8.RuneError && size == 1 {
			msg = fmt.Sprintf("byte 0x%02x: %s", s.raw[bad.offset], msg)
		} else {
			msg = fmt.Sprintf("character %U: %s", r, msg)
		}
	}
	s.errorf(at, "", "not valid YAML: %s", msg)
}

// scan returns the place of the first character that stop accepts, or of the
// end of the text. The ends of lines are those of YAML.
func scan(text []byte, stop func(r rune, size, offset int) bool) spot {
	p := spot{line: 1, col: 1}
	for p.offset < len(text) {
		r, size := utf8.DecodeRune(text[p.offset:])
		if stop != nil && stop(r, size, p.offset) {
			return p
		}
		p.offset += size
		p.col++
		switch {
		case r == '\r' && p.offset < len(text) && text[p.offset] == '\n':
		case r == '\n', r == '\r', r == 0x85, r == 0x2028, r == 0x2029:
			p.line, p.col = p.line+1, 1
		}
	}
	return p
}

// isForbidden accepts bytes that are not UTF-8, and characters that YAML does
// not allow (YAML 1.2 section 5.1).
func isForbidden(r rune, size, offset int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return true
	case r < ' ':
		return r != '\t' && r != '\r' && r != '\n'
	}
	return r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff || r == 0xfeff && offset > 0
}
