// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// token is a piece of an expression.
type token struct {
	text string // as written, without the escaping backslash; "" at the end
	at   int    // place of the first byte in the expression
	word bool   // a name, number or address
}

// Words hold what names, numbers and addresses are made of; whether a colon or
// minus belongs to one depends on where it stands.
func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '.' || c == '_'
}

// operators of two characters.
var pairs = []string{"&&", "||", "<<", ">>", "<=", ">=", "==", "!="}

// split returns the tokens of an expression. Within brackets a colon and a
// minus are operators; outside they are parts of addresses and names, where
// they stand between word characters.
func split(text string) ([]token, error) {
	var list []token
	depth := 0
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case isWord(c) || c == '\\' || c == ':' && depth == 0:
			start := i
			if c == '\\' {
				start, i = i+1, i+1
			}
			for i < len(text) && (isWord(text[i]) || text[i] == ':' && depth == 0 || text[i] == '-' && joins(text, start, i, depth)) {
				i++
			}
			if start == i {
				return nil, fault(text, start, "a name must follow the backslash")
			}
			list = append(list, token{text[start:i], start, true})
			continue
		case c == '[':
			depth++
		case c == ']':
			depth--
		}
		n := 1
		for _, p := range pairs {
			if strings.HasPrefix(text[i:], p) {
				n = 2
			}
		}
		if n == 1 && strings.IndexByte("()[]!<>=+-*/%&|^:", c) < 0 {
			return nil, fault(text, i, "%q is no part of a filter", c)
		}
		list = append(list, token{text: text[i : i+n], at: i})
		i += n
	}
	return append(list, token{at: len(text)}), nil
}

// joins reports whether the minus at i joins what is around it: in names like
// tcp-syn, in ranges of ports, in Ethernet addresses with minus.
func joins(text string, start, i, depth int) bool {
	if i+1 >= len(text) || !isWord(text[i+1]) {
		return false
	}
	letter := text[start]|0x20 >= 'a' && text[start]|0x20 <= 'z'
	return letter && text[i+1] > '9' || depth == 0 && !strings.Contains(text[start:i], "-") && isRange(text, start, i)
}

// isRange reports whether a-b stands behind the word portrange.
func isRange(text string, start, _ int) bool {
	return strings.HasSuffix(strings.TrimRight(text[:start], " \t\r\n"), "portrange")
}

// fault is an error at a place in the expression.
func fault(text string, at int, format string, a ...any) error {
	shown := text
	if len(shown) > 200 {
		shown = shown[:200] + "..."
	}
	return errno.Errorf(errno.EINVAL, "%q: at character %d: %w", shown, at+1, errno.Errorf(errno.EINVAL, format, a...))
}
