// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// world is a set of classes, two schedulers, and a plain model of where
// everything is. Bytes are played as a sequence of operations.
type world struct {
	t       *testing.T
	classes []Class
	sims    [2]*sim
	parent  map[Class]Class
	kids    map[Class][]Class
	root    map[Class]int // index of the scheduler of a root
	value   map[Class]int64
	in      []byte
}

func newWorld(t *testing.T, in []byte) *world {
	w := &world{t: t, in: in, parent: map[Class]Class{}, kids: map[Class][]Class{}, root: map[Class]int{}, value: map[Class]int64{}}
	w.sims = [2]*sim{newSim(Options{Worker: 0}), newSim(Options{Worker: 1, Backoff: true})}
	for i := range 4 {
		res := Resource(i)
		w.classes = append(w.classes,
			NewPriority(fmt.Sprint("prio", i)), NewRoundRobin(fmt.Sprint("rr", i)), fair(fmt.Sprint("wf", i), res),
			limit(fmt.Sprint("rl", i), res, uint64(20*i*i+30), uint64(i)),
			NewLeaf(fmt.Sprint("busy", i), &steady{work}), NewLeaf(fmt.Sprint("idle", i), idleTask),
			NewLeaf(fmt.Sprint("mixed", i), plays(nothing, empty, work, nothing, busyTask.res, nothing, work)))
	}
	return w
}

func (w *world) next() int {
	if len(w.in) == 0 {
		return 0
	}
	b := w.in[0]
	w.in = w.in[1:]
	return int(b)
}

func (w *world) class() Class { return w.classes[w.next()%len(w.classes)] }

func (w *world) play() {
	for len(w.in) > 0 {
		switch op := w.next() % 16; {
		case op < 5:
			w.attach(w.class(), w.class(), int64(w.next()%6))
		case op < 7:
			w.detach(w.class())
		case op < 9:
			w.plant(w.next()%2, w.class())
		case op == 9:
			w.collapse(w.next() % 2)
		case op == 10:
			w.move(w.class(), w.class(), int64(w.next()%6))
		case op == 11:
			w.update(w.class(), Resource(w.next()%int(resources)))
		default:
			w.run(w.next()%2, w.next())
		}
		w.check()
	}
}

// arg makes the argument that p needs.
func arg(p Class, v int64) Arg {
	switch p.Policy() {
	case PolicyPriority:
		return WithPriority(v)
	case PolicyWeightedFair:
		return WithShare(v)
	}
	return None
}

// accepts is the model's opinion about putting c, detached, below p.
func (w *world) accepts(p, c Class, v int64) bool {
	for x := p; x != nil; x = w.parent[x] {
		if x == c {
			return false
		}
	}
	others := slices.DeleteFunc(slices.Clone(w.kids[p]), func(k Class) bool { return k == c })
	switch p.Policy() {
	case PolicyLeaf:
		return false
	case PolicyRateLimit:
		return len(others) == 0
	case PolicyWeightedFair:
		return v > 0
	case PolicyPriority:
		return !slices.ContainsFunc(others, func(k Class) bool { return w.value[k] == v })
	}
	return true
}

func (w *world) attach(p, c Class, v int64) {
	_, isRoot := w.root[c]
	want := w.accepts(p, c, v) && w.parent[c] == nil && !isRoot
	if err := Attach(p, c, arg(p, v)); (err == nil) != want {
		w.t.Fatalf("attach %s to %s with %d: %v, want success %v", c.Name(), p.Name(), v, err, want)
	}
	if want {
		w.link(p, c, v)
	}
}

func (w *world) move(p, c Class, v int64) {
	want := w.accepts(p, c, v)
	if err := Move(c, p, arg(p, v)); (err == nil) != want {
		w.t.Fatalf("move %s to %s with %d: %v, want success %v", c.Name(), p.Name(), v, err, want)
	}
	if want {
		w.unlink(c)
		w.link(p, c, v)
	}
}

func (w *world) link(p, c Class, v int64) {
	w.parent[c], w.value[c] = p, v
	w.kids[p] = append(w.kids[p], c)
	if p.Policy() == PolicyPriority {
		slices.SortFunc(w.kids[p], func(a, b Class) int { return cmp.Compare(w.value[a], w.value[b]) })
	}
}

func (w *world) unlink(c Class) {
	if p := w.parent[c]; p != nil {
		w.kids[p] = slices.DeleteFunc(w.kids[p], func(k Class) bool { return k == c })
		delete(w.parent, c)
	}
	delete(w.root, c)
}

func (w *world) detach(c Class) {
	Detach(c)
	w.unlink(c)
}

func (w *world) plant(i int, c Class) {
	_, isRoot := w.root[c]
	s := w.sims[i].Scheduler
	old, hadDefault := s.Root(), s.defaultRR != nil
	made, err := s.AddOrphanRoot(c)
	if placed := w.parent[c] != nil || isRoot; placed != (err != nil) {
		w.t.Fatalf("plant %s: %v, placed before: %v", c.Name(), err, placed)
	}
	switch {
	case err != nil:
	case made != nil:
		if old == nil || hadDefault {
			w.t.Fatalf("a default root was made, the root was %v", old)
		}
		w.classes = append(w.classes, made)
		delete(w.root, old)
		w.root[made] = i
		w.link(made, old, 0)
		w.link(made, c, 0)
	case hadDefault:
		w.link(old, c, 0)
	default:
		w.root[c] = i
	}
}

func (w *world) collapse(i int) {
	s := w.sims[i].Scheduler
	rr := s.CollapseDefaultRoot()
	if rr == nil {
		if s.defaultRR != nil && len(w.kids[s.defaultRR]) < 2 {
			w.t.Fatal("the default root did not collapse")
		}
		return
	}
	for _, k := range slices.Clone(w.kids[rr]) {
		w.unlink(k)
		w.root[k] = i
	}
	w.unlink(rr)
}

func (w *world) update(c Class, res Resource) {
	var err error
	switch c := c.(type) {
	case *RateLimit:
		err = c.UpdateParams(res, c.Limit()%90+10, uint64(res)*3)
	case *WeightedFair:
		err = c.UpdateParams(res)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(i, n int) {
	m := w.sims[i]
	for range n % 32 {
		if !m.step() {
			if _, idle := m.Idle(); !idle {
				w.t.Fatal("nothing can run, but the scheduler is not idle")
			}
			m.now += uint64(n) * uint64(n)
		}
	}
	m.log = nil
}

// check compares everything with the model and with a naive recomputation.
func (w *world) check() {
	w.t.Helper()
	trees := [2][]Class{}
	for _, c := range w.classes {
		if c.Parent() != w.parent[c] && (c.Parent() != nil || w.parent[c] != nil) {
			w.t.Fatalf("%s: parent %v, want %v", c.Name(), c.Parent(), w.parent[c])
		}
		if got := c.Children(); !slices.Equal(got, w.kids[c]) {
			w.t.Fatalf("%s: children %s, want %s", c.Name(), names(got), names(w.kids[c]))
		}
		verify(w.t, c)
		top := c
		for w.parent[top] != nil {
			top = w.parent[top]
		}
		i, ok := w.root[top]
		if ok != (c.Scheduler() != nil) || ok && c.Scheduler() != w.sims[i].Scheduler {
			w.t.Fatalf("%s: wrong scheduler", c.Name())
		}
		if ok {
			trees[i] = append(trees[i], c)
		}
	}
	for i, m := range w.sims {
		if m.Size() != len(trees[i]) {
			w.t.Fatalf("size %d, want %d", m.Size(), len(trees[i]))
		}
		verifyScheduler(w.t, m.Scheduler, trees[i])
	}
}

// verify recomputes what one class keeps about its subtree and children.
func verify(t *testing.T, c Class) {
	t.Helper()
	n := c.base()
	size, leaves, runnable := 1, 0, map[*node]bool{}
	if n.leaf != nil {
		leaves = 1
	}
	for _, k := range n.kids {
		size, leaves = size+k.size, leaves+k.leaves
		if !k.blocked.Load() {
			runnable[k] = true
		}
	}
	if n.size != size || n.leaves != leaves {
		t.Fatalf("%s: size %d, leaves %d; want %d, %d", n.name, n.size, n.leaves, size, leaves)
	}
	blocked := n.wake.at != 0 || n.leaf == nil && len(runnable) == 0
	if n.Blocked() != blocked {
		t.Fatalf("%s: blocked %v, want %v", n.name, n.Blocked(), blocked)
	}
	var have []*node
	switch c := c.(type) {
	case *RoundRobin:
		have = c.ring
		if c.at != 0 && c.at >= len(c.ring) {
			t.Fatalf("%s: at %d of %d", n.name, c.at, len(c.ring))
		}
	case *WeightedFair:
		have = append(slices.Clone(c.heap), c.aside...)
		verifyHeap(t, c)
	case *Priority:
		verifyPriority(t, c)
		return
	default:
		return
	}
	if len(have) != len(runnable) {
		t.Fatalf("%s: %d children in the books, %d can run", n.name, len(have), len(runnable))
	}
	for _, k := range have {
		if !runnable[k] {
			t.Fatalf("%s: %s is in the books and blocked, or twice", n.name, k.name)
		}
		delete(runnable, k)
	}
}

func verifyHeap(t *testing.T, w *WeightedFair) {
	t.Helper()
	for i, k := range w.heap {
		if k.slot.pos != i || k.slot.aside || k.slot.pass < w.heap[max(0, (i-1)/2)].slot.pass {
			t.Fatalf("%s: heap broken at %d", w.name, i)
		}
	}
	for i, k := range w.aside {
		if k.slot.pos != i || !k.slot.aside {
			t.Fatalf("%s: aside list broken at %d", w.name, i)
		}
	}
	if w.at != 0 && w.at >= len(w.aside) {
		t.Fatalf("%s: at %d of %d", w.name, w.at, len(w.aside))
	}
}

func verifyPriority(t *testing.T, p *Priority) {
	t.Helper()
	first := slices.IndexFunc(p.kids, func(k *node) bool { return !k.blocked.Load() })
	if first < 0 {
		first = len(p.kids)
	}
	if p.first != first || p.next < first || p.next > first && p.kids[p.next].blocked.Load() {
		t.Fatalf("%s: first %d, next %d, want first %d", p.name, p.first, p.next, first)
	}
	for i, k := range p.kids {
		if k.slot.pos != i || i > 0 && p.kids[i-1].slot.priority >= k.slot.priority {
			t.Fatalf("%s: not sorted at %d", p.name, i)
		}
	}
}

func verifyScheduler(t *testing.T, s *Scheduler, tree []Class) {
	t.Helper()
	asleep, leaves := 0, 0
	for _, c := range tree {
		n := c.base()
		if n.wake.at != 0 {
			asleep++
			if s.wake.heap[n.wake.pos] != n {
				t.Fatalf("%s is not in the wake queue", n.name)
			}
		}
		if n.leaf != nil {
			leaves++
			if s.leaves[n.leaf.index] != n.leaf {
				t.Fatalf("%s is not in the list of leaves", n.name)
			}
		}
	}
	if asleep != len(s.wake.heap) || leaves != len(s.leaves) {
		t.Fatalf("%d in the wake queue, %d leaves; want %d, %d", len(s.wake.heap), len(s.leaves), asleep, leaves)
	}
	for i, n := range s.wake.heap {
		if n.wake.before(&s.wake.heap[max(0, (i-1)/2)].wake) {
			t.Fatalf("wake queue broken at %d", i)
		}
	}
}

func TestRandomTreeOperations(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	ran := uint64(0)
	for range 40 {
		in := make([]byte, 2000)
		for i := range in {
			in[i] = byte(r.Uint32())
		}
		w := newWorld(t, in)
		w.play()
		ran += w.sims[0].round + w.sims[1].round
	}
	if ran < 5_000 {
		t.Errorf("only %d rounds ran", ran)
	}
}

func FuzzTreeOperations(f *testing.F) {
	f.Add([]byte{0, 1, 4, 0, 7, 0, 1, 12, 0, 31, 5, 4, 12, 0, 9})
	f.Add([]byte{0, 3, 4, 0, 0, 1, 3, 0, 7, 1, 1, 12, 1, 31, 11, 3, 2, 12, 1, 200, 9, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4000 {
			return
		}
		newWorld(t, in).play()
	})
}

// In trees without limits and priorities every leaf runs again and again, no
// matter which are idle.
func TestNoLeafStarves(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for round := range 40 {
		m := newSim(Options{})
		inner := []Class{NewRoundRobin("root")}
		plant(m.Scheduler, inner[0])
		for i := range 30 {
			var c Class
			switch p := r.IntN(6); {
			case p == 0:
				c = NewRoundRobin(fmt.Sprint("rr", i))
			case p == 1:
				c = fair(fmt.Sprint("wf", i), Resource(r.IntN(int(resources))))
			case p == 2:
				c = NewLeaf(fmt.Sprint("mixed", i), &script{results: []Result{nothing, work, empty, nothing}})
			case p < 5:
				c = NewLeaf(fmt.Sprint("idle", i), idleTask)
			default:
				c = NewLeaf(fmt.Sprint("busy", i), &steady{work})
			}
			p := inner[r.IntN(len(inner))]
			attach(p, c, arg(p, int64(1+r.IntN(3))))
			if c.Policy() != PolicyLeaf {
				inner = append(inner, c)
			}
		}
		for range 3 {
			clear(m.runs)
			m.order(10_000)
			for _, l := range m.Leaves() {
				if m.runs[l.Name()] == 0 {
					t.Fatalf("round %d: %s did not run", round, l.Name())
				}
			}
		}
	}
}
