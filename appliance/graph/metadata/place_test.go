// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The numbered cases are those of metadata.md section 6.
var examples = []struct{ name, graph, want string }{
	{"1 pair", "a{w foo:2} b{r foo:2} | a>b", "a.foo 0, b.foo 0"},
	{"2 wrong order", "a{r foo:2} b{w foo:2} | a>b", "a.foo -2, b.foo -1"},
	{"3 separate scopes", "m0{w foo:2} m1{r foo:2} m2 m3{w foo:2} m4{r foo:2} | m0>m1 m1>m2 m2>m3 m3>m4",
		"m0.foo 0, m1.foo 0, m3.foo 0, m4.foo 0"},
	{"4 exactly full", "a{w a:32, w b:32, w c:32, w d:32} b{r a:32, r b:32, r c:32, r d:32} | a>b",
		"a.a 0, a.b 32, a.c 64, a.d 96, b.a 0, b.b 32, b.c 64, b.d 96"},
	{"4 one too many", "a{w a:32, w b:32, w c:32, w d:32, w e:32} b{r a:32, r b:32, r c:32, r d:32, r e:32} | a>b",
		"a.a 0, a.b 32, a.c 64, a.d 96, a.e -3, b.a 0, b.b 32, b.c 64, b.d 96, b.e -3"},
	{"5 mesh", "a{w foo:2} b{w foo:2} c{w foo:2} d{r foo:2} e{r foo:2} f{r foo:2} g{r foo:2} | a>d a>e b>e b>f c>f c>g",
		"a.foo 0, b.foo 0, c.foo 0, d.foo 0, e.foo 0, f.foo 0, g.foo 0"},
	{"6 update", "a{w foo:2} b{u foo:2} c{r foo:2} | a>b b>c", "a.foo 0, b.foo 0, c.foo 0"},
	{"7 alignment", "a{w foo:2, w bar:3, w baz:5, w quz:8} b{r foo:2, r bar:3, r baz:5, r quz:8} | a>b",
		"a.foo 0, a.bar 4, a.baz 8, a.quz 16, b.foo 0, b.bar 4, b.baz 8, b.quz 16"},
	{"7 over two readers", "a{w foo:2, w bar:3, w baz:5, w quz:8} b{r foo:2, r bar:3} c{r baz:5, r quz:8} | a>b b>c",
		"a.foo 0, a.bar 4, a.baz 8, a.quz 16, b.foo 0, b.bar 4, c.baz 8, c.quz 16"},
	{"8 late short neighbour", "p{w x:32, w u0:1, w u1:1, w u2:1, w u3:1, w u4:1} q{r x:32, w c:2} " +
		"r{r c:2, w d:2, w b:2} s{r d:2, r b:2, w v0:1, w v1:1, w v2:1, w v3:1, w v4:1} | p>q q>r r>s",
		"p.x 0, p.u0 -1, p.u1 -1, p.u2 -1, p.u3 -1, p.u4 -1, q.x 0, q.c 32, r.c 32, r.d 0, r.b 2, " +
			"s.d 0, s.b 2, s.v0 -1, s.v1 -1, s.v2 -1, s.v3 -1, s.v4 -1"},
	{"9 unread", "a{w foo:2} b{w bar:2} c{r bar:2} | a>b b>c", "a.foo -1, b.bar 0, c.bar 0"},
	{"10 rewritten unread", "a{w foo:2} b{u foo:2} c{w foo:2} | a>b b>c", "a.foo 0, b.foo 0, c.foo -1"},
	{"11 dead path", "a{w foo:2} b{w bar:2} c{r bar:2} | a>c b>c", "a.foo -1, b.bar -1, c.bar -2"},
	{"12 cycle", "a{w foo:2} b{r foo:2} c{r foo:2} | a>b b>c c>a", "a.foo 0, b.foo 0, c.foo 0"},
	{"13 lonely update", "a{u foo:2}", "a.foo -2"},
	{"14 lonely reader", "a{r foo:2}", "a.foo -2"},
	{"15 written twice", "a{w foo:4} b{w foo:4} c{r foo:4} | a>b b>c", "a.foo -1, b.foo 0, c.foo 0"},
	{"16 degree order", "a{w k:4} b{r k:4, w v:2} c{r v:2, w w:4} d{r w:4} | a>b b>c c>d",
		"a.k 4, b.k 4, b.v 0, c.v 0, c.w 4, d.w 4"},
	{"17 reuse", "a{w x:8, w y:1} b{r y:1} c{r x:8, w z:4} d{r z:4} | a>b b>c c>d",
		"a.x 0, a.y 8, b.y 8, c.x 0, c.z 8, d.z 8"},
	{"18 source beside", "src r{r foo:2} w{w foo:2} | src>r w>r", "r.foo -2, w.foo -1"},
	// Graphs that have exactly the components listed for test10 and test11.
	{"test10", "a{w foo:2} b{w bar:2} c{r foo:2, r bar:2} d e{r foo:2} f{w bar:2} g{r bar:2, w foo:2} h " +
		"i{w foo:2} j{r foo:2, r bar:2} | a>b b>c b>d d>e f>g g>e g>h h>i i>j",
		"a.foo 0, b.bar 2, c.foo 0, c.bar 2, e.foo 0, f.bar 2, g.bar 2, g.foo 0, i.foo 0, j.foo 0, j.bar 2"},
	{"test11", "a{w x1:2, w x2:2} b{w x1:2} c d{r x1:2} e f g h{w x3:2, w x4:2} i j{w x3:2, w x4:2} k{r x2:2, r x4:2} " +
		"l{w x5:2} m{r x5:2} | a>b b>c c>d b>e e>f f>g g>h h>k e>i i>j j>k l>m",
		"a.x1 -1, a.x2 0, b.x1 2, d.x1 2, h.x3 -1, h.x4 2, j.x3 -1, j.x4 2, k.x2 0, k.x4 2, l.x5 0, m.x5 0"},

	{"update on a dead path", "a{w foo:2} u{u foo:2} s | a>u s>u", "a.foo -1, u.foo -1"},
	{"unread write takes no space", "a{w foo:32, w bar:2} b{r bar:2} | a>b", "a.foo -1, a.bar 0, b.bar 0"},
	{"two paths between the same modules", "a{w foo:2} b{r foo:2} | a>b a>b", "a.foo 0, b.foo 0"},
	{"self link", "a{w foo:2} | a>a", "a.foo -1"},
	{"loop of carriers", "a{w foo:2} m n r{r foo:2} | a>m m>n n>m n>r", "a.foo 0, r.foo 0"},
	{"fed loop of carriers without value", "s m n r{r foo:2} w{w foo:2} | s>m m>n n>m n>r w>r", "r.foo -2, w.foo -1"},
	{"reader cut off by a writer", "a{w foo:2} b{w foo:2} c{r foo:2} d{r foo:2} | a>b b>c a>d",
		"a.foo 0, b.foo 0, c.foo 0, d.foo 0"},
	{"two values in disjoint branches", "s a{w foo:4} b{r foo:4} c{w bar:4} d{r bar:4} | s>a a>b s>c c>d",
		"a.foo 0, b.foo 0, c.bar 0, d.bar 0"},
	{"nothing", "a b | a>b", ""},
}

func TestExamples(t *testing.T) {
	for _, tt := range examples {
		t.Run(tt.name, func(t *testing.T) {
			mods := graph(t, tt.graph)
			p := Place(mods)
			if got := show(mods, p); got != tt.want {
				t.Errorf("offsets\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// members lists the components as "foo:a,b,c@0" sorted by text.
func members(s *solver) []string {
	var out []string
	for _, c := range s.comps {
		var names []string
		for _, m := range c.modules {
			names = append(names, s.mods[m].Name)
		}
		slices.Sort(names)
		out = append(out, fmt.Sprintf("%s:%s@%d", c.name, strings.Join(names, ""), c.offset))
	}
	slices.Sort(out)
	return out
}

func TestComponentsOfScripts(t *testing.T) {
	want := map[string][]string{
		"5 mesh": {"foo:abcdefg@0"},
		"test10": {"bar:bc@2", "bar:fghij@2", "foo:abcdeg@0", "foo:ij@0"},
		"test11": {"x1:a@-1", "x1:bcd@2", "x2:abefghijk@0", "x3:h@-1", "x3:j@-1", "x4:hjk@2", "x5:lm@0"},
	}
	for _, ex := range examples {
		w, ok := want[ex.name]
		if !ok {
			continue
		}
		s := newSolver(graph(t, ex.graph))
		s.findComponents()
		s.rankComponents()
		s.assign()
		if got := members(s); !slices.Equal(got, w) {
			t.Errorf("%s: components %v, want %v", ex.name, got, w)
		}
		delete(want, ex.name)
	}
	if len(want) > 0 {
		t.Errorf("examples not found: %v", want)
	}
}

// The answer is a function of names and links, not of the order in which the
// caller lists modules or of unconnected gates between the links.
func TestOrderOfModulesDoesNotMatter(t *testing.T) {
	for _, ex := range examples {
		mods := graph(t, ex.graph)
		n := len(mods)
		turned := make([]Module, n)
		for i, m := range mods {
			r := Module{Name: m.Name, Attrs: m.Attrs, Out: []int{-1, n + 7}}
			for _, to := range m.Out {
				r.Out = append(r.Out, n-1-to, -1)
			}
			turned[n-1-i] = r
		}
		p, q := Place(mods), Place(turned)
		for i := range mods {
			if !slices.Equal(p.Offsets[i], q.Offsets[n-1-i]) {
				t.Errorf("%s: module %s: %v, reversed %v", ex.name, mods[i].Name, p.Offsets[i], q.Offsets[n-1-i])
			}
		}
		if fmt.Sprint(p.Warnings) != fmt.Sprint(q.Warnings) {
			t.Errorf("%s: warnings %v, reversed %v", ex.name, p.Warnings, q.Warnings)
		}
	}
}

// A module whose inputs were all disconnected is a source again.
func TestDisconnectedModuleIsASource(t *testing.T) {
	mods := graph(t, "s m r{r foo:2} w{w foo:2} | w>m m>r")
	if got, want := show(mods, Place(mods)), "r.foo 0, w.foo 0"; got != want {
		t.Fatalf("connected: %s, want %s", got, want)
	}
	mods = graph(t, "s m r{r foo:2} w{w foo:2} | w>r m>r")
	p := Place(mods)
	if got, want := show(mods, p), "r.foo -2, w.foo -1"; got != want {
		t.Errorf("m without inputs: %s, want %s", got, want)
	}
	if len(p.Warnings) != 1 || p.Warnings[0].Source != "m" {
		t.Errorf("warnings %v, want one that names m as the source", p.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct {
		name, graph string
		want        []string
	}{
		{"none", "a{w foo:2} b{r foo:2} | a>b", nil},
		{"unread write is fine", "a{w foo:2} b | a>b", nil},
		{"reader without writer", "a{r foo:2} b{w foo:2} | a>b", []string{
			`a: metadata attribute "foo" (2 bytes) is read, but no module upstream writes it: reads give zero`}},
		{"updater without writer", "z{u foo:2}", []string{
			`z: metadata attribute "foo" (2 bytes) is read, but no module upstream writes it: reads give zero`}},
		{"dead path names the first source", "a{w foo:2} t s r{r foo:2} | a>r t>r s>r", []string{
			`a, r: metadata attribute "foo" (2 bytes) is not carried, because packets from s arrive without it: reads give zero`}},
		{"full", "a{w a:32, w b:32, w c:32, w d:32, w e:1} b{r a:32, r b:32, r c:32, r d:32, r e:1} | a>b", []string{
			`a, b: metadata attribute "e" (1 bytes) does not fit into the 128 bytes of a packet: reads give zero`}},
		{"many modules are cut", "s a{w x:1} b{r x:1} c{r x:1} d{r x:1} e{r x:1} f{r x:1} | a>b b>c c>d d>e e>f s>b", []string{
			`a, b, c, d and 2 more: metadata attribute "x" (1 bytes) is not carried, because packets from s arrive without it: reads give zero`}},
		{"sorted by module then attribute", "c{r z:1} b{r y:1, r x:1} a{u w:1}", []string{
			`a: metadata attribute "w" (1 bytes) is read, but no module upstream writes it: reads give zero`,
			`b: metadata attribute "x" (1 bytes) is read, but no module upstream writes it: reads give zero`,
			`b: metadata attribute "y" (1 bytes) is read, but no module upstream writes it: reads give zero`,
			`c: metadata attribute "z" (1 bytes) is read, but no module upstream writes it: reads give zero`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, w := range Place(graph(t, tt.graph)).Warnings {
				got = append(got, w.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestModeString(t *testing.T) {
	for m, want := range map[Mode]string{Read: "read", Write: "write", Update: "update", 3: "invalid mode"} {
		if got := m.String(); got != want {
			t.Errorf("Mode(%d) = %q, want %q", m, got, want)
		}
	}
}
