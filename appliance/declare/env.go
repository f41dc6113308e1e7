// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// expand replaces the variables in n's text. What is missing or malformed is
// reported.
func (s *source) expand(n *yaml.Node, w *where) (string, bool) {
	var b strings.Builder
	ok := true
	rest := n.Value
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			b.WriteString(rest)
			return b.String(), ok
		}
		if i > 0 && rest[i-1] == '$' { // $${ is a literal ${
			b.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		b.WriteString(rest[:i])
		rest = rest[i+2:]
		inner, after, closed := strings.Cut(rest, "}")
		name, def, hasDef := strings.Cut(inner, ":-")
		if !closed || !isVariable(name) {
			s.fail(n, w, `write "$${" for a literal "${"`, "%s: not a variable: must be ${NAME} or ${NAME:-default}", show(n.Value))
			return "", false
		}
		rest = after
		value, set := s.env(name)
		switch {
		case set && (value != "" || !hasDef):
			s.grown += len(value)
			b.WriteString(value)
		case hasDef:
			b.WriteString(def)
		default:
			s.fail(n, w, "set it, or write ${"+name+":-default}", "variable %s is not set", name)
			ok = false
		}
		if s.grown > maxText {
			s.fail(n, w, "", "variables have become more than %d bytes", maxText)
			return "", false
		}
	}
}

// isVariable reports whether name can be a variable's: letters, digits and
// underscores, no digit first.
func isVariable(name string) bool {
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
