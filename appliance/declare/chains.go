// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// chains joins links into chains that can be read from a source to its end. A
// chain goes on from a module through its lowest output gate that is not in a
// chain yet, and begins where packets do, or else at a module that other
// chains lead to.
func chains(links []*Link) [][]*Link {
	outs := map[string][]*Link{}
	fed := map[string]bool{}
	for _, l := range links {
		outs[l.From] = append(outs[l.From], l)
		fed[l.To] = true
	}
	names := sortedKeys(outs)
	for _, n := range names {
		slices.SortFunc(outs[n], func(a, b *Link) int { return a.OGate - b.OGate })
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case fed[a] == fed[b]:
			return 0
		case fed[b]:
			return -1
		}
		return 1
	})
	var all [][]*Link
	todo := names
	for len(todo) > 0 {
		n := todo[0]
		if len(outs[n]) == 0 {
			todo = todo[1:]
			continue
		}
		var c []*Link
		for len(outs[n]) > 0 && len(c) < maxChain {
			l := outs[n][0]
			outs[n] = outs[n][1:]
			c = append(c, l)
			n = l.To
		}
		all = append(all, c)
	}
	return all
}

// maxChain is the most links in a chain; longer lines are hard to read.
const maxChain = 8

// arrow writes a chain as an arrow string. All names must be arrowNames.
func arrow(c []*Link) string {
	var b strings.Builder
	b.WriteString(c[0].From)
	for _, l := range c {
		if l.OGate != 0 {
			b.WriteString(":" + itoa(l.OGate))
		}
		b.WriteString(" -> ")
		if l.IGate != 0 {
			b.WriteString(itoa(l.IGate) + ":")
		}
		b.WriteString(l.To)
	}
	return b.String()
}

// arrowName reports whether a name is read back from an arrow string as it
// is.
func arrowName(name string) bool {
	st, err := parseStop(name)
	return err == nil && st.in < 0 && st.out < 0 && st.name == name && !strings.Contains(name, "->")
}
