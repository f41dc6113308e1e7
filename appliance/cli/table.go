// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is text in aligned columns. The first row has the headings; a heading
// that begins with ">" makes a column flush right. Columns without any content
// are left out, so that rare things take no room.
type table struct {
	right []bool
	rows  [][]string
}

func newTable(heads ...string) *table {
	t := &table{right: make([]bool, len(heads))}
	for i, h := range heads {
		heads[i], t.right[i] = strings.CutPrefix(h, ">")
	}
	t.rows = [][]string{heads}
	return t
}

// row adds a row. It may be shorter than the headings.
func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// lines returns the rows, headings first, two blanks between columns.
func (t *table) lines() []string {
	width := make([]int, len(t.right))
	for n, r := range t.rows {
		for i, c := range r {
			if n > 0 && c == "" {
				continue
			}
			if n == 0 {
				continue // counts only if the column has content
			}
			width[i] = max(width[i], utf8.RuneCountInString(c), utf8.RuneCountInString(t.rows[0][i]))
		}
	}
	var lines []string
	for _, r := range t.rows {
		var b strings.Builder
		for i, c := range r {
			if width[i] == 0 {
				continue
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if t.right[i] {
				b.WriteString(pad + c + "  ")
			} else {
				b.WriteString(c + pad + "  ")
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// write writes the lines, each after the indentation.
func (t *table) write(w io.Writer, indent string) {
	for _, l := range t.lines() {
		fmt.Fprintf(w, "%s%s\n", indent, l)
	}
}

// empty reports whether there is no row beside the headings.
func (t *table) empty() bool { return len(t.rows) == 1 }

// printable replaces what would move a terminal's cursor or change its state:
// names and descriptions come from a daemon.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}
