// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"fmt"
	"testing"
)

// chain is a pipeline of n modules in which every module hands a value to its
// neighbour and a few values live from the first module to the last.
func chain(n, long int) []Module {
	mods := make([]Module, n)
	for i := range mods {
		mods[i].Name = fmt.Sprintf("m%05d", i)
		if i+1 < n {
			mods[i].Out = []int{i + 1}
			mods[i].Attrs = append(mods[i].Attrs, attr(fmt.Sprintf("n%d", i), 4, Write))
		}
		if i > 0 {
			mods[i].Attrs = append(mods[i].Attrs, attr(fmt.Sprintf("n%d", i-1), 4, Read))
		}
	}
	for l := range long {
		name := fmt.Sprintf("long%d", l)
		mods[0].Attrs = append(mods[0].Attrs, attr(name, 8, Write))
		mods[n-1].Attrs = append(mods[n-1].Attrs, attr(name, 8, Read))
	}
	return mods
}

func TestChainOfTenThousand(t *testing.T) {
	const n, long = 10000, 12
	mods := chain(n, long)
	p := Place(mods)
	if len(p.Warnings) != 0 {
		t.Fatalf("warnings: %v", p.Warnings)
	}
	for m := 0; m+1 < n; m++ {
		w := p.Offsets[m][0]
		r := p.Offsets[m+1][0]
		if m+2 < n {
			r = p.Offsets[m+1][1]
		}
		if w != r || w < long*8 {
			t.Fatalf("m%d writes at %d, its neighbour reads at %d; the long values need 0..%d", m, w, r, long*8)
		}
	}
	for l := range long {
		first, last := p.Offsets[0][1+l], p.Offsets[n-1][1+l]
		if first != last || int(first) != 8*l {
			t.Errorf("long%d: written at %d, read at %d, want %d", l, first, last, 8*l)
		}
	}
}

// One value alive in the whole chain, and a chain without any source, must
// neither recurse deeply nor take quadratic time.
func TestLongWalks(t *testing.T) {
	const n = 100000
	mods := make([]Module, n)
	for i := range mods {
		mods[i] = Module{Name: fmt.Sprintf("m%06d", i), Out: []int{(i + 1) % n}}
	}
	mods[0].Attrs = []Attr{attr("foo", 4, Write)}
	mods[n-1].Attrs = []Attr{attr("foo", 4, Read)}
	if p := Place(mods); p.Offsets[0][0] != 0 || p.Offsets[n-1][0] != 0 {
		t.Errorf("ring: writer %v, reader %v", p.Offsets[0], p.Offsets[n-1])
	}
	mods[0].Attrs[0].Mode = Read
	if p := Place(mods); p.Offsets[0][0] != NoRead || len(p.Warnings) != 2 {
		t.Errorf("ring without writer: %v, %d warnings", p.Offsets[0], len(p.Warnings))
	}
}

// Hundreds of values that cross the whole pipeline do not fit, but deciding
// that must not compare all pairs in all modules.
func TestManyLongValues(t *testing.T) {
	const n, values = 10000, 600
	mods := chain(n, 0)
	for v := range values {
		a := attr(fmt.Sprintf("v%d", v), 4, Write)
		from, to := &mods[v/8], &mods[n-1-v/8]
		from.Attrs = append(from.Attrs, a)
		a.Mode = Read
		to.Attrs = append(to.Attrs, a)
	}
	p := Place(mods)
	placed := 0
	for v := range values {
		from, to := p.Offsets[v/8], p.Offsets[n-1-v/8]
		w, r := from[len(from)-8+v%8], to[len(to)-8+v%8]
		if w != r {
			t.Fatalf("v%d is written at %d and read at %d", v, w, r)
		}
		if w >= 0 {
			placed++
		}
	}
	if placed != AreaSize/4 {
		t.Errorf("%d values of 4 bytes were placed, want %d", placed, AreaSize/4)
	}
	warned := 0
	for _, w := range p.Warnings {
		if w.Kind == Full && w.Attr[0] == 'v' {
			warned++
		}
	}
	if warned != values-placed {
		t.Errorf("%d warnings about long values, want %d", warned, values-placed)
	}
}

// The limit on sizes is the registry's business; here nothing may break.
func TestOversizedAttributeNeverFits(t *testing.T) {
	for _, size := range []int{33, 64, 65, 128, 129, 1 << 40} {
		mods := graph(t, "a{w foo:1} b{r foo:1} | a>b")
		mods[0].Attrs[0].Size, mods[1].Attrs[0].Size = size, size
		if p := Place(mods); p.Offsets[0][0] != NoSpace || p.Offsets[1][0] != NoSpace {
			t.Errorf("size %d: offsets %v", size, p.Offsets)
		}
	}
	mods := graph(t, "a{w foo:1, w bar:0} b{r foo:1, r bar:-5} | a>b")
	if p := Place(mods); p.Offsets[0][0] != 0 || p.Offsets[0][1] != 1 {
		t.Errorf("sizes below 1 count as 1: offsets %v", p.Offsets)
	}
}

func BenchmarkPlaceChain10000(b *testing.B) {
	mods := chain(10000, 12)
	for b.Loop() {
		Place(mods)
	}
}
