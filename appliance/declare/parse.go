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
	index   map[*yaml.Node]map[string]entry
}

func newSource(r *report, d Document, index int) *source {
	s := &source{report: r, file: d.Name, doc: index, env: d.Env}
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
func (s *source) parse(text []byte) (roots []*yaml.Node) {
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
			s.syntaxError(text, err)
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

var lineOf = regexp.MustCompile(`^line (\d+): `)

// syntaxError reports what the YAML parser says. It tells lines, not columns,
// and not even lines for bytes that no YAML may contain.
func (s *source) syntaxError(text []byte, err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line, col := 1, 1
	if m := lineOf.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
		line = min(line, 1+bytes.Count(text, []byte("\n")))
	} else if l, c, r := firstForbidden(text); l > 0 {
		line, col = l, c
		msg = fmt.Sprintf("%s: %s", r, msg)
	}
	s.errorf(s.at(line, col), "", "not valid YAML: %s", msg)
}

// firstForbidden finds the first byte that is not UTF-8, or character that
// YAML does not allow (YAML 1.2 section 5.1).
func firstForbidden(text []byte) (line, col int, what string) {
	line, col = 1, 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		col++
		switch {
		case r == utf8.RuneError && size == 1:
			return line, col, fmt.Sprintf("byte 0x%02x", text[i])
		case r == '\n':
			line, col = line+1, 0
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff, r == 0xfeff && i > 0:
			return line, col, fmt.Sprintf("character %U", r)
		}
		i += size
	}
	return 0, 0, ""
}
