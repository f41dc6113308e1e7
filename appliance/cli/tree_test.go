// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// graph makes a pipeline of links "a:0>b:1"; other words are modules.
func graph(text string) *pipelineData {
	p := &pipelineData{}
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			p.Modules = append(p.Modules, nodeData{Name: name})
		}
	}
	for _, w := range strings.Fields(text) {
		from, to, ok := strings.Cut(w, ">")
		if !ok {
			add(w)
			continue
		}
		l := linkData{}
		_, _ = fmt.Sscanf(strings.NewReplacer(":", " ").Replace(from), "%s %d", &l.From, &l.OGate)
		_, _ = fmt.Sscanf(strings.NewReplacer(":", " ").Replace(to), "%s %d", &l.To, &l.IGate)
		add(l.From)
		add(l.To)
		p.Links = append(p.Links, l)
	}
	return p
}

// drawing returns the layout as "branch name (again)", one a line.
func drawing(p *pipelineData) string {
	var b strings.Builder
	for _, l := range layout(p) {
		b.WriteString(l.branch + l.node.Name)
		if l.again != "" {
			b.WriteString(" (" + l.again + ")")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLayout(t *testing.T) {
	tests := []struct{ name, graph, roots, want string }{
		{"nothing", "", "", ""},
		{"alone", "a b", "", "a\nb\n"},
		{"chain", "a>b b>c", "", "a\n↓ b\n↓ c\n"},
		{"branches", "a:1>c a:0>b b>d c>e", "", "a\n├─ b\n│  ↓ d\n└─ c\n   ↓ e\n"},
		{"deeper", "a:0>b a:1>c b:0>d b:1>e", "", "a\n├─ b\n│  ├─ d\n│  └─ e\n└─ c\n"},
		{"branch at the end of a chain", "a:0>b a:1>c b>x x:0>y x:1>z", "", "a\n├─ b\n│  ↓ x\n│  ├─ y\n│  └─ z\n└─ c\n"},
		{"merge", "a:0>b a:1>c b>d c>d d>e", "", "a\n├─ b\n│  ↓ d\n│  ↓ e\n└─ c\n   ↓ d (above)\n"},
		{"two sources", "a>m b>m m>z", "", "a\n↓ m\n↓ z\nb\n↓ m (above)\n"},
		{"two links between two", "a:0>b:0 a:1>b:1 b>c", "", "a\n├─ b\n│  ↓ c\n└─ b (above)\n"},
		{"loop", "s>a a>b b:0>c b:1>a", "", "s\n↓ a\n↓ b\n├─ c\n└─ a (loop)\n"},
		{"loop that nothing enters", "a>b b>a z", "", "z\na\n↓ b\n↓ a (loop)\n"},
		{"link to itself", "a:0>a:1 a:1>b", "", "a\n├─ a (loop)\n└─ b\n"},
		{"begin in the middle", "a>b b>c c>d", "c", "c\n↓ d\n"},
		{"two beginnings, one below the other", "a>b b>c", "a c", "a\n↓ b\n↓ c\n"},
		{"many gates are ordered as numbers", "a:10>x a:9>y", "", "a\n├─ y\n└─ x\n"},
	}
	for _, tt := range tests {
		p := graph(tt.graph)
		p.roots = strings.Fields(tt.roots)
		if got := drawing(p); got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

// Whatever the graph, every module and every link has one line.
func TestLayoutComplete(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(12)
		p := &pipelineData{}
		for i := range n {
			p.Modules = append(p.Modules, nodeData{Name: fmt.Sprint("m", i)})
			for g := range r.IntN(4) {
				p.Links = append(p.Links, linkData{From: fmt.Sprint("m", i), OGate: uint64(g), To: fmt.Sprint("m", r.IntN(n))})
			}
		}
		modules, links := map[string]int{}, map[string]int{}
		for _, l := range layout(p) {
			if l.again == "" {
				modules[l.node.Name]++
			}
			if l.link != nil {
				links[l.link.key()]++
			}
		}
		for _, m := range p.Modules {
			if modules[m.Name] != 1 {
				t.Fatalf("seed %d: %s is drawn %d times\n%s", seed, m.Name, modules[m.Name], drawing(p))
			}
		}
		for i := range p.Links {
			if links[p.Links[i].key()] != 1 {
				t.Fatalf("seed %d: link %s is drawn %d times\n%s", seed, p.Links[i].key(), links[p.Links[i].key()], drawing(p))
			}
		}
	}
}

// A module that was removed between two calls must not break the drawing.
func TestLayoutTornReading(t *testing.T) {
	p := graph("a>b b>c")
	p.Modules = p.Modules[:2]
	if got := drawing(p); got != "a\n↓ b\n" {
		t.Errorf("got\n%s", got)
	}
	var b bytes.Buffer
	drawPipeline(&b, p)
	if strings.Count(b.String(), "\n") != 3 {
		t.Errorf("drawn as\n%s", b.String())
	}
}

func TestTCLayout(t *testing.T) {
	list := []*tcData{
		{Name: "leaf1", Parent: "a", Worker: 0}, {Name: "b", Parent: "root", Worker: 0}, {Name: "root", Worker: 0},
		{Name: "a", Parent: "root", Worker: 0}, {Name: "waits", Worker: -1}, {Name: "w5", Worker: 5},
	}
	var b strings.Builder
	for _, l := range tcLayout(list) {
		if l.tc == nil {
			b.WriteString(l.worker + "\n")
			continue
		}
		b.WriteString(l.branch + l.tc.Name + "\n")
	}
	want := "worker 0\n└─ root\n   ├─ b\n   └─ a\n      └─ leaf1\nworker 5\n└─ w5\nno worker\n└─ waits\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
