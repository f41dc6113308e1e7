// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"slices"
	"strings"
)

// Dot writes a pipeline as a graph for Graphviz: a node for each module with
// its class, an edge for each link with the gates that are not 0, and a
// dashed edge to or from each port.
func (p *Pipeline) Dot(cat Catalog) string {
	x := newIndex(cat)
	var b strings.Builder
	b.WriteString("digraph pipeline {\n")
	if p.Name != "" {
		fmt.Fprintf(&b, "\tlabel=%s;\n", quote(p.Name))
	}
	b.WriteString("\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\", fontsize=10];\n")
	for _, n := range sortedKeys(p.Ports) {
		fmt.Fprintf(&b, "\t%s [label=%s, shape=cds];\n", quote("port "+n), quote(n+"\n"+p.Ports[n].Driver))
	}
	for _, n := range sortedKeys(p.Modules) {
		m := p.Modules[n]
		fmt.Fprintf(&b, "\t%s [label=%s];\n", quote("module "+n), quote(n+"\n"+m.Class))
		c, ok := claimOf(x.classes[m.Class], m.Arg)
		if !ok || p.Ports[c.port] == nil {
			continue
		}
		from, to := "port "+c.port, "module "+n
		if x.classes[m.Class].IGates > 0 {
			from, to = to, from
		}
		label := ""
		if c.qid >= 0 {
			label = fmt.Sprintf(", label=%s", quote("queue "+itoa(c.qid)))
		}
		fmt.Fprintf(&b, "\t%s -> %s [style=dashed%s];\n", quote(from), quote(to), label)
	}
	links := slices.Clone(p.Links)
	slices.SortFunc(links, func(a, b *Link) int {
		if a.From != b.From {
			return strings.Compare(a.From, b.From)
		}
		return a.OGate - b.OGate
	})
	for _, l := range links {
		fmt.Fprintf(&b, "\t%s -> %s", quote("module "+l.From), quote("module "+l.To))
		var attrs []string
		if l.OGate != 0 {
			attrs = append(attrs, fmt.Sprintf("taillabel=\"%d\"", l.OGate))
		}
		if l.IGate != 0 {
			attrs = append(attrs, fmt.Sprintf("headlabel=\"%d\"", l.IGate))
		}
		if len(attrs) > 0 {
			b.WriteString(" [" + strings.Join(attrs, ", ") + "]")
		}
		b.WriteString(";\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// quote makes a double-quoted string of the dot language, in which only the
// quote and the backslash, which begins an escape, are special.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
