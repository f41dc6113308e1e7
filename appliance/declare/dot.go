// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/port"
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
		fmt.Fprintf(&b, "\t%s [label=%s, shape=cds];\n", quote(portObject(n)), quote(n+"\n"+p.Ports[n].Driver))
	}
	for _, n := range sortedKeys(p.Modules) {
		m := p.Modules[n]
		fmt.Fprintf(&b, "\t%s [label=%s];\n", quote(moduleObject(n)), quote(n+"\n"+m.Class))
		p.dotPort(&b, x, m)
	}
	links := slices.Clone(p.Links)
	slices.SortFunc(links, func(a, b *Link) int { return cmp.Or(strings.Compare(a.From, b.From), a.OGate-b.OGate) })
	for _, l := range links {
		dotLink(&b, l)
	}
	b.WriteString("}\n")
	return b.String()
}

// dotPort writes the edge between a module and the port it uses.
func (p *Pipeline) dotPort(b *strings.Builder, x *index, m *Module) {
	c, ok := claimOf(x.classes[m.Class], m.Arg)
	if !ok || p.Ports[c.port] == nil {
		return
	}
	from, to := portObject(c.port), moduleObject(m.Name)
	if c.dir == port.Out {
		from, to = to, from
	}
	label := ""
	if c.qid >= 0 {
		label = fmt.Sprintf(", label=%s", quote("queue "+itoa(c.qid)))
	}
	fmt.Fprintf(b, "\t%s -> %s [style=dashed%s];\n", quote(from), quote(to), label)
}

func dotLink(b *strings.Builder, l *Link) {
	var attrs []string
	if l.OGate != 0 {
		attrs = append(attrs, fmt.Sprintf("taillabel=\"%d\"", l.OGate))
	}
	if l.IGate != 0 {
		attrs = append(attrs, fmt.Sprintf("headlabel=\"%d\"", l.IGate))
	}
	text := strings.Join(attrs, ", ")
	if text != "" {
		text = " [" + text + "]"
	}
	fmt.Fprintf(b, "\t%s -> %s%s;\n", quote(moduleObject(l.From)), quote(moduleObject(l.To)), text)
}

// quote makes a double-quoted string of the dot language, in which only the
// quote and the backslash, which begins an escape, are special.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
