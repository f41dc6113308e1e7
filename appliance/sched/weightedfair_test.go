// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

func used(c Class, res Resource) float64 {
	st := c.Stats()
	return float64([...]uint64{st.Count, st.Cycles, st.Packets, st.Bits}[res])
}

// The sample's shares 170:100:100, with tasks whose runs differ in everything.
func TestSharesOfAllResources(t *testing.T) {
	for res := range resources {
		m := newSim(Options{})
		r := rand.New(rand.NewPCG(7, uint64(res)))
		w := fair("w", res)
		for i, share := range []int64{170, 100, 100} {
			task := taskFunc(func() Result {
				n := uint64(1 + r.IntN(10*(i+1)))
				m.cost = 10 + n*uint64(i+1)
				return Result{Packets: n, Bits: n * uint64(r.IntN(1500*8)+1)}
			})
			attach(w, NewLeaf(fmt.Sprint("l", i), task), WithShare(share))
		}
		plant(m.Scheduler, w)
		for range 200_000 {
			m.step()
		}
		kids := w.Children()
		near(t, fmt.Sprint(res, " 170:100"), used(kids[0], res)/used(kids[1], res), 1.7, 0.002)
		near(t, fmt.Sprint(res, " 100:100"), used(kids[1], res)/used(kids[2], res), 1, 0.002)
	}
}

func TestWeightedFairParameters(t *testing.T) {
	if _, err := NewWeightedFair("w", resources); errno.Code(err) != errno.EINVAL {
		t.Errorf("unknown resource: %v", err)
	}
	w := fair("w", Bit)
	if err := w.UpdateParams(77); errno.Code(err) != errno.EINVAL || w.Resource() != Bit {
		t.Errorf("unknown resource: %v, now %v", err, w.Resource())
	}
	attach(w, NewLeaf("l", busyTask), WithShare(33))
	if share, ok := w.Children()[0].Share(); !ok || share != 33 {
		t.Errorf("share %d, %v", share, ok)
	}
}

// Changing the resource starts a new reckoning: megabits must not be taken for
// packets.
func TestWeightedFairUpdateResource(t *testing.T) {
	m := newSim(Options{})
	w := fair("w", Bit)
	attach(w, NewLeaf("large", &steady{Result{Packets: 1, Bits: 12000}}), WithShare(1))
	attach(w, NewLeaf("small", &steady{Result{Packets: 1, Bits: 600}}), WithShare(1))
	plant(m.Scheduler, w)
	m.runFor(21_000)
	near(t, "runs by bits", float64(m.runs["small"])/float64(m.runs["large"]), 20, 0.01)
	for range 2 { // the second time, nothing changes
		clear(m.runs)
		if err := w.UpdateParams(Packet); err != nil {
			t.Fatal(err)
		}
		m.runFor(100)
		near(t, "runs by packets", float64(m.runs["small"])/float64(m.runs["large"]), 1, 0.05)
	}
}

// An idle child keeps the smallest pass and was polled for ever: an idle input
// got 542841 runs while a source with the same share got one.
func TestIdleChildDoesNotStarveSiblings(t *testing.T) {
	for _, res := range []Resource{Packet, Bit} {
		for _, idleShare := range []int64{1, 1000, 1<<31 - 1} {
			m := newSim(Options{})
			w := fair("w", res)
			for i := range 5 {
				attach(w, NewLeaf(fmt.Sprint("idle", i), idleTask), WithShare(idleShare))
			}
			attach(w, NewLeaf("source", busyTask), WithShare(1))
			plant(m.Scheduler, w)
			m.runFor(10_000)
			if m.runs["source"] < 4990 {
				t.Errorf("%v, idle share %d: source ran %d of 10000 times", res, idleShare, m.runs["source"])
			}
			for i := range 5 {
				near(t, "polls of an idle child", float64(m.runs[fmt.Sprint("idle", i)]), 1000, 0.02)
			}
		}
	}
}

func TestAllChildrenIdleAreAllPolled(t *testing.T) {
	m := newSim(Options{})
	w := fill(fair("w", Packet), 4, idleTask, asShare)
	plant(m.Scheduler, w)
	m.runFor(4000)
	for i := range 4 {
		near(t, "polls", float64(m.runs[fmt.Sprint("w", i)]), 1000, 0.01)
	}
}

// What was not used while idle is not made up for later.
func TestIdleTimeGivesNoCredit(t *testing.T) {
	m := newSim(Options{})
	late := &steady{nothing}
	w := fair("w", Packet)
	attach(w, NewLeaf("late", late), WithShare(300))
	attach(w, NewLeaf("source", busyTask), WithShare(100))
	plant(m.Scheduler, w)
	m.runFor(100_000)
	late.res = busyTask.res
	clear(m.runs)
	m.log = nil
	m.runFor(400)
	near(t, "3:1 at once", float64(m.runs["late"]), 300, 0.02)
	m.runFor(40_000)
	near(t, "3:1", float64(m.runs["late"])/float64(m.runs["source"]), 3, 0.01)
}

// A child made of an idle and a busy leaf is not idle.
func TestPartlyIdleChildGetsItsShare(t *testing.T) {
	m := newSim(Options{})
	w, rr := fair("w", Packet), NewRoundRobin("rr")
	attach(rr, NewLeaf("idle", idleTask), None)
	attach(rr, NewLeaf("half", busyTask), None)
	attach(w, rr, WithShare(1))
	attach(w, NewLeaf("other", busyTask), WithShare(1))
	plant(m.Scheduler, w)
	m.runFor(30_000)
	near(t, "1:1", float64(m.runs["half"])/float64(m.runs["other"]), 1, 0.001)
}

// A child that was blocked by its run owes what it used, and gets no credit
// for the time it was blocked.
func TestBlockedChildOwesAndGetsNoCredit(t *testing.T) {
	m := newSim(Options{})
	w := fair("w", Packet)
	rl := limit("rl", Packet, 100, 0) // 0.1 per cycle
	attach(rl, NewLeaf("limited", &steady{Result{Packets: 10}}), None)
	attach(w, rl, WithShare(1))
	attach(w, NewLeaf("free", &steady{Result{Packets: 1}}), WithShare(1))
	plant(m.Scheduler, w)
	m.wantOrder(t, "limited free")
	for range 50 {
		at, ok := m.NextWake()
		if !ok {
			t.Fatal("the limited child is not throttled")
		}
		m.now = at + 1
		clear(m.runs)
		for m.runs["limited"] == 0 {
			m.step()
		}
		if n := m.runs["free"]; n < 10 || n > 11 {
			t.Fatalf("after waking up it waited for %d packets of the other, want the 10 it owes", n)
		}
	}
}

func TestNewChildStartsAtTheSmallestPass(t *testing.T) {
	m := newSim(Options{})
	w := fill(fair("w", Packet), 2, busyTask, asShare)
	plant(m.Scheduler, w)
	m.runFor(50_000)
	clear(m.runs)
	attach(w, NewLeaf("new", busyTask), WithShare(3))
	m.runFor(600)
	near(t, "3 of 6", float64(m.runs["new"]), 300, 0.02)
	near(t, "2 of 6", float64(m.runs["w1"]), 200, 0.02)
}

// Virtual times are set back before they lose precision, and a step too small
// for a float is still a step.
func TestVirtualTimeDoesNotWearOut(t *testing.T) {
	m := newSim(Options{})
	w := fair("w", Bit)
	for i, share := range []int64{1, 2, 1 << 10} {
		attach(w, NewLeaf(fmt.Sprint("l", i), &steady{Result{Packets: 1, Bits: 1 << 28}}), WithShare(share))
	}
	plant(m.Scheduler, w)
	for range 300_000 {
		m.now++
		l := m.Next(m.now)
		m.Done(l, l.Task.Run(0), 1, m.now)
		if w.heap[0].slot.pass > 2*rebase {
			t.Fatalf("pass %g", w.heap[0].slot.pass)
		}
	}
	kids := w.Children()
	near(t, "2:1", used(kids[1], Bit)/used(kids[0], Bit), 2, 0.01)
	near(t, "1024:1", used(kids[2], Bit)/used(kids[0], Bit), 1024, 0.01)
	if p := later(1e18, 1e-9); p <= 1e18 {
		t.Errorf("a tiny step from 1e18 ends at %g", p)
	}
}

// Children join, leave, get blocked and turn idle in random order; the books
// must stay right and shares among the busy ones hold afterwards.
func TestWeightedFairChurn(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	m := newSim(Options{})
	w := fair("w", Packet)
	plant(m.Scheduler, w)
	var leaves []*Leaf
	for i := range 20 {
		leaves = append(leaves, NewLeaf(fmt.Sprint("l", i), &steady{busyTask.res}))
	}
	for range 20_000 {
		l := leaves[r.IntN(len(leaves))]
		switch r.IntN(4) {
		case 0:
			if l.Parent() == nil {
				attach(w, l, WithShare(int64(1+r.IntN(9))))
			}
		case 1:
			Detach(l)
		default:
			l.Task.(*steady).res = []Result{nothing, work, busyTask.res}[r.IntN(3)]
		}
		for range r.IntN(5) {
			m.step()
		}
		verify(t, w)
	}
	for _, l := range leaves {
		l.Task.(*steady).res = busyTask.res
		Detach(l)
		attach(w, l, WithShare(int64(1+len(w.Children())%3)))
	}
	m.runFor(1000)
	sum := 0
	for _, l := range leaves {
		share, _ := l.Share()
		sum += int(share)
	}
	clear(m.runs)
	m.runFor(40_000)
	for _, l := range leaves {
		share, _ := l.Share()
		near(t, l.Name(), float64(m.runs[l.Name()])/float64(share), 40_000/float64(sum), 0.02)
	}
}
