// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// locate returns where the value is that a path such as
// `args.rules[3].src_ip` or `args.limit["packet"]` leads to. With key set it
// is the place of the last key instead. If there is no such value, it is the
// innermost one on the way, and rest is what is left of the path. Without any
// argument the position is that of the module or port, other.
func (a *args) locate(path string, key bool, other Position) (at Position, rest string) {
	if a.node == nil {
		return other, path
	}
	n := a.node
	at = a.src.pos(n)
	path = strings.TrimPrefix(path, "args")
	for path != "" {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		var next *yaml.Node
		keyAt := at
		switch n.Kind {
		case yaml.SequenceNode:
			next, path = element(n, path)
		case yaml.MappingNode:
			var e entry
			e, path = a.src.child(n, path)
			next, keyAt = e.val, e.keyAt
		}
		if next == nil {
			return at, path
		}
		n, at = next, a.src.pos(next)
		if key && path == "" {
			at = keyAt
		}
	}
	return at, ""
}

// element finds the element that path begins with ("[3].src_ip").
func element(n *yaml.Node, path string) (next *yaml.Node, rest string) {
	text, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	i, err := strconv.Atoi(text)
	if !ok || err != nil || path[0] != '[' || i < 0 || i >= len(n.Content) {
		return nil, path
	}
	return n.Content[i], rest
}

// child finds the entry that path begins with (".src_ip[0]", `["a b"].c`).
// Keys may contain any characters, so the longest one that fits is meant.
func (s *source) child(n *yaml.Node, path string) (entry, string) {
	keys := s.keysOf(n)
	if quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(path, "[")); err == nil && path[0] == '[' {
		name, _ := strconv.Unquote(quoted)
		if e, ok := keys[name]; ok && strings.HasPrefix(path[1+len(quoted):], "]") {
			return e, path[len(quoted)+2:]
		}
	}
	path = strings.TrimPrefix(path, ".")
	for end := len(path); end > 0; end = strings.LastIndexAny(path[:end], ".[") {
		if e, ok := keys[path[:end]]; ok {
			return e, path[end:]
		}
	}
	return entry{}, path
}

// keysOf indexes a mapping's entries, once: a list of findings may be long.
func (s *source) keysOf(n *yaml.Node) map[string]entry {
	if m, ok := s.index[n]; ok {
		return m
	}
	quiet := &source{report: &report{}, file: s.file, doc: s.doc, env: s.env}
	list, _ := quiet.pairs(n, of(""))
	m := make(map[string]entry, len(list))
	for _, e := range list {
		m[e.key] = e
	}
	if s.index == nil {
		s.index = map[*yaml.Node]map[string]entry{}
	}
	s.index[n] = m
	return m
}
