// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// graph parses "a{w foo:2, r bar:3} b{u foo:2} c | a>b b>c": modules with
// their attributes, then links in order of output gates.
func graph(t testing.TB, text string) []Module {
	t.Helper()
	nodes, links, _ := strings.Cut(text, "|")
	var mods []Module
	index := map[string]int{}
	for _, m := range regexp.MustCompile(`(\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(nodes, -1) {
		index[m[1]] = len(mods)
		mods = append(mods, Module{Name: m[1], Attrs: attrs(t, m[2])})
	}
	for _, l := range strings.Fields(links) {
		from, to, ok := strings.Cut(l, ">")
		f, okFrom := index[from]
		g, okTo := index[to]
		if !ok || !okFrom || !okTo {
			t.Fatalf("bad link %q", l)
		}
		mods[f].Out = append(mods[f].Out, g)
	}
	return mods
}

func attrs(t testing.TB, text string) (as []Attr) {
	t.Helper()
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		mode, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
		name, size, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(size)
		m, ok := map[string]Mode{"r": Read, "w": Write, "u": Update}[mode]
		if err != nil || !ok {
			t.Fatalf("bad attribute %q", part)
		}
		as = append(as, Attr{Name: name, Size: n, Mode: m})
	}
	return as
}

func attr(name string, size int, mode Mode) Attr {
	return Attr{Name: name, Size: size, Mode: mode}
}

// show renders the offsets as "a.foo 0, b.foo 0" in order of modules.
func show(mods []Module, p Placement) string {
	var out []string
	for m := range mods {
		for a, at := range mods[m].Attrs {
			out = append(out, fmt.Sprintf("%s.%s %d", mods[m].Name, at.Name, p.Offsets[m][a]))
		}
	}
	return strings.Join(out, ", ")
}
