// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomGraph makes a pipeline of up to n modules with loops, several sources,
// unconnected gates and up to maxAttrs attribute names of various sizes.
func randomGraph(r *rand.Rand, n, maxAttrs int) []Module {
	sizes := make([]int, 1+r.IntN(maxAttrs))
	for i := range sizes {
		sizes[i] = 1 + r.IntN(MaxSize)
		if r.IntN(2) == 0 {
			sizes[i] = 1 + r.IntN(4)
		}
	}
	mods := make([]Module, 1+r.IntN(n))
	for i := range mods {
		mods[i].Name = fmt.Sprintf("m%d", r.IntN(100)*100+i)
		for a, size := range sizes {
			if r.IntN(3) == 0 && len(mods[i].Attrs) < MaxAttrs {
				mods[i].Attrs = append(mods[i].Attrs, attr(fmt.Sprintf("x%d", a), size, Mode(r.IntN(3))))
			}
		}
		for range r.IntN(3) {
			switch to := i + 1 + r.IntN(3); {
			case r.IntN(12) == 0:
				mods[i].Out = append(mods[i].Out, r.IntN(len(mods))) // perhaps a loop
			case to < len(mods):
				mods[i].Out = append(mods[i].Out, to)
			default:
				mods[i].Out = append(mods[i].Out, -1)
			}
		}
	}
	return mods
}

// A value written is the value read, on every path: packets take random walks
// through random graphs, and nothing written in between may change the bytes.
func TestReadersSeeWhatWasWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	reads := 0
	for round := range 3000 {
		mods := randomGraph(r, 14, 12)
		p := Place(mods)
		fed := make([]bool, len(mods))
		for i := range mods {
			for _, to := range mods[i].Out {
				if to >= 0 {
					fed[to] = true
				}
			}
		}
		for m := range mods {
			if fed[m] {
				continue
			}
			for range 20 {
				n, err := walk(r, mods, p, m)
				if err != nil {
					t.Fatalf("round %d: %v\n%+v\n%v", round, err, mods, p.Offsets)
				}
				reads += n
			}
		}
	}
	if reads < 10000 {
		t.Errorf("only %d reads were checked", reads)
	}
}

// walk sends one packet from module m along random gates and returns how many
// values it checked.
func walk(r *rand.Rand, mods []Module, p Placement, m int) (int, error) {
	var area [AreaSize]uint32 // each "byte" holds the token of its writer
	alive := map[string]uint32{}
	token, checked := uint32(0), 0
	for range 60 {
		for a, at := range mods[m].Attrs {
			off := int(p.Offsets[m][a])
			if at.Mode == Write || off < 0 {
				continue
			}
			want, ok := alive[at.Name]
			for i := off; i < off+at.Size; i++ {
				if !ok || area[i] != want {
					return 0, fmt.Errorf("%s reads %s at %d: byte %d has token %d, want %d (written: %v)",
						mods[m].Name, at.Name, off, i, area[i], want, ok)
				}
			}
			checked++
		}
		for a, at := range mods[m].Attrs {
			if at.Mode == Read {
				continue
			}
			token++
			alive[at.Name] = token
			if off := int(p.Offsets[m][a]); off >= 0 {
				for i := off; i < off+at.Size; i++ {
					area[i] = token
				}
			}
		}
		if len(mods[m].Out) == 0 {
			break
		}
		next := mods[m].Out[r.IntN(len(mods[m].Out))]
		if next < 0 {
			break
		}
		m = next
	}
	return checked, nil
}

// Components that share a module never share a byte, are aligned and inside
// the area; components found by the literal reading of section 4 are the same.
func TestComponentsAndRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 3000 {
		mods := randomGraph(r, 12, 10)
		s := newSolver(mods)
		s.findComponents()
		found := len(s.comps)
		s.rankComponents()
		s.assign()
		if want := literalComponents(mods); found != len(want) {
			t.Fatalf("round %d: %d components, want %d\n%+v", round, found, len(want), mods)
		} else if got := asLiteral(s); !slices.Equal(got, want) {
			t.Fatalf("round %d: components\n got %v\nwant %v\n%+v", round, got, want, mods)
		}
		checkDegrees(t, s)
		checkRanges(t, s)
	}
}

func sharesModule(c, d *component) bool {
	return slices.ContainsFunc(c.modules, func(m int32) bool { return slices.Contains(d.modules, m) })
}

// checkDegrees recounts the neighbours and repeats section 5's choice of
// offsets, neighbour by neighbour, for every component.
func checkDegrees(t *testing.T, s *solver) {
	t.Helper()
	for i := range s.comps {
		c := &s.comps[i]
		degree, at := 0, 0
		var before []*component
		for j := range s.comps {
			if d := &s.comps[j]; i != j && sharesModule(c, d) {
				degree++
				if j < i && d.offset >= 0 {
					before = append(before, d)
				}
			}
		}
		if degree != c.degree || i > 0 && s.comps[i-1].degree < degree {
			t.Fatalf("%s: degree %d, want %d, after one of %d", c.name, c.degree, degree, s.comps[max(0, i-1)].degree)
		}
		if c.offset < 0 && c.offset != NoSpace {
			continue
		}
		align := 1
		for align < c.size {
			align *= 2
		}
		slices.SortFunc(before, func(a, b *component) int { return int(a.offset) - int(b.offset) })
		for _, d := range before {
			if at+c.size <= int(d.offset) {
				break
			}
			at = max(at, (int(d.offset)+d.size+align-1)/align*align)
		}
		if at+c.size > AreaSize {
			at = int(NoSpace)
		}
		if at != int(c.offset) {
			t.Fatalf("%s:%d at %d, want %d", c.name, c.size, c.offset, at)
		}
	}
}

func checkRanges(t *testing.T, s *solver) {
	t.Helper()
	for i, c := range s.comps {
		if c.offset < 0 {
			continue
		}
		align := 1
		for align < c.size {
			align *= 2
		}
		if int(c.offset)%align != 0 || int(c.offset)+c.size > AreaSize {
			t.Fatalf("%s of size %d at %d", c.name, c.size, c.offset)
		}
		for _, d := range s.comps[i+1:] {
			apart := d.offset < 0 || int(c.offset)+c.size <= int(d.offset) || int(d.offset)+d.size <= int(c.offset)
			if sharesModule(&c, &d) && !apart {
				t.Fatalf("%s:%d at %d and %s:%d at %d overlap", c.name, c.size, c.offset, d.name, d.size, d.offset)
			}
		}
	}
}

func asLiteral(s *solver) []string {
	var out []string
	for _, c := range s.comps {
		ms := slices.Clone(c.modules)
		slices.Sort(ms)
		out = append(out, fmt.Sprint(c.name, ms, c.valid()))
	}
	slices.Sort(out)
	return out
}

// literal is section 4 word by word, recursive and slow.
type literal struct {
	mods    []Module
	in      [][]int
	name    string
	members map[int]bool
	started map[int]bool // writers whose downstream scope was merged
	wentUp  map[int]bool
	invalid bool
}

func literalComponents(mods []Module) []string {
	in := make([][]int, len(mods))
	names := map[string]bool{}
	for m := range mods {
		for _, to := range mods[m].Out {
			if to >= 0 {
				in[to] = append(in[to], m)
			}
		}
		for _, a := range mods[m].Attrs {
			names[a.Name] = true
		}
	}
	var out []string
	for name := range names {
		done := map[int]bool{}
		for m := range mods {
			l := &literal{mods, in, name, map[int]bool{}, map[int]bool{}, map[int]bool{}, false}
			if mode, ok := l.mode(m); !ok || mode != Write || done[m] {
				continue
			}
			l.start(m)
			var ms []int32
			for j := range mods {
				if l.members[j] {
					done[j] = true
					ms = append(ms, int32(j))
				}
			}
			out = append(out, fmt.Sprint(name, ms, !l.invalid))
		}
	}
	slices.Sort(out)
	return out
}

func (l *literal) mode(m int) (Mode, bool) {
	for _, a := range l.mods[m].Attrs {
		if a.Name == l.name {
			return a.Mode, true
		}
	}
	return Read, false
}

func (l *literal) start(m int) {
	if l.started[m] {
		return
	}
	l.started[m], l.members[m] = true, true
	for _, to := range l.mods[m].Out {
		if to >= 0 {
			l.goDown(to, map[int]bool{})
		}
	}
}

// goDown returns whether m joined. marked are the modules of this walk above m.
func (l *literal) goDown(m int, marked map[int]bool) bool {
	if marked[m] {
		return false
	}
	marked[m] = true
	defer delete(marked, m)
	mode, ok := l.mode(m)
	if ok && mode == Write {
		return false
	}
	below := false
	for _, to := range l.mods[m].Out {
		if to >= 0 && l.goDown(to, marked) {
			below = true
		}
	}
	if ok || below {
		l.goUp(m)
		return true
	}
	return false
}

func (l *literal) goUp(m int) {
	l.members[m] = true
	if mode, ok := l.mode(m); ok && mode == Write {
		l.start(m)
		return
	}
	if l.wentUp[m] {
		return
	}
	l.wentUp[m] = true
	if len(l.in[m]) == 0 {
		l.invalid = true
	}
	for _, f := range l.in[m] {
		l.goUp(f)
	}
}
