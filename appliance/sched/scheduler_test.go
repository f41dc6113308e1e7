// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"sync"
	"testing"
)

func TestEmptySchedulerIsIdle(t *testing.T) {
	s := New(Options{})
	if s.Next(1) != nil || s.Root() != nil || s.Size() != 0 || s.Hz() == 0 {
		t.Errorf("root %v, size %d, hz %d", s.Root(), s.Size(), s.Hz())
	}
	if _, ok := s.NextWake(); ok {
		t.Error("an empty scheduler wakes up")
	}
	if _, idle := s.Idle(); !idle {
		t.Error("an empty scheduler is not idle")
	}
}

// Every class counts what ran below it, and a leaf keeps its last result.
func TestAccounting(t *testing.T) {
	m := newSim(Options{})
	m.cost = 7
	rr := NewRoundRobin("rr")
	a := NewLeaf("a", &steady{Result{Packets: 3, Bits: 3000, Retry: 5}})
	b := NewLeaf("b", &steady{Result{Blocked: true, Retry: 9}})
	attach(rr, a, None)
	attach(rr, b, None)
	plant(m.Scheduler, rr)
	m.order(10)
	for c, want := range map[Class]Stats{
		a:  {Count: 5, Cycles: 35, Packets: 15, Bits: 15000},
		b:  {Count: 5, Cycles: 35},
		rr: {Count: 10, Cycles: 70, Packets: 15, Bits: 15000},
	} {
		if got := c.Stats(); got != want {
			t.Errorf("%s: %+v, want %+v", c.Name(), got, want)
		}
	}
	if a.LastBlocked || a.LastRetry != 5 || !b.LastBlocked || b.LastRetry != 9 {
		t.Errorf("last results %v %d, %v %d", a.LastBlocked, a.LastRetry, b.LastBlocked, b.LastRetry)
	}
}

// Totals of a leaf stay with it when it moves.
func TestStatsSurviveMoves(t *testing.T) {
	m := newSim(Options{})
	l, rr := NewLeaf("l", busyTask), NewRoundRobin("rr")
	plant(m.Scheduler, l)
	m.order(3)
	plant(m.Scheduler, rr)
	if err := Move(l, rr, None); err != nil {
		t.Fatal(err)
	}
	m.order(2)
	if l.Stats().Count != 5 || rr.Stats().Count != 2 {
		t.Errorf("counts %d and %d, want 5 and 2", l.Stats().Count, rr.Stats().Count)
	}
}

func TestWakeUpsComeInOrderOfTime(t *testing.T) {
	m := newSim(Options{})
	rr := NewRoundRobin("rr")
	for _, tt := range []struct {
		name    string
		packets uint64
	}{{"a", 50}, {"b", 10}, {"c", 30}, {"d", 20}, {"e", 40}} {
		rl := limit("limit_"+tt.name, Packet, 100, 0)
		attach(rl, NewLeaf(tt.name, &steady{Result{Packets: tt.packets}}), None)
		attach(rr, rl, None)
	}
	plant(m.Scheduler, rr)
	m.order(5)
	m.now += 2000
	m.wantOrder(t, "b d c e a")
}

// Equal wake-up times: who fell asleep first wakes first.
func TestEqualWakeUpTimesKeepTheirOrder(t *testing.T) {
	var q wakeQueue
	var nodes [9]node
	for i := range nodes {
		nodes[i].wake.at = 5
		q.push(&nodes[i])
	}
	q.remove(&nodes[4])
	for i := range nodes {
		if i == 4 {
			continue
		}
		if q.heap[0] != &nodes[i] {
			t.Fatalf("node %d is not next", i)
		}
		q.remove(&nodes[i])
	}
}

func TestIdle(t *testing.T) {
	m := newSim(Options{})
	a := &steady{Result{Blocked: true, Retry: 70}}
	b := &steady{Result{Blocked: true}}
	c := &steady{Result{Blocked: true, Retry: 30}}
	rr := NewRoundRobin("rr")
	for _, task := range []Task{a, b, c} {
		attach(rr, NewLeaf("l", task), None)
	}
	plant(m.Scheduler, rr)
	want := func(idle bool, retry, runs uint64) {
		t.Helper()
		r, i := m.Idle()
		if i != idle || r != retry || m.IdleRuns() != runs {
			t.Errorf("idle %v, retry %d, %d idle runs; want %v, %d, %d", i, r, m.IdleRuns(), idle, retry, runs)
		}
	}
	want(false, 0, 0)
	m.order(2)
	want(false, 0, 2) // c was not asked yet
	m.order(1)
	want(true, 30, 3)
	b.res = work
	m.order(1)
	want(true, 30, 4) // nobody knows yet
	m.order(1)
	want(false, 0, 0)
	b.res = nothing
	m.order(2)
	want(false, 0, 2) // b has to be asked again
	m.order(1)
	want(true, 30, 3)
	b.res = empty // not blocked: wants to be called again
	m.order(3)
	want(false, 0, 0)
	b.res = nothing
	m.order(3)
	want(true, 30, 3)
	attach(rr, NewLeaf("new", b), None)
	want(false, 0, 0)
	m.order(4)
	want(true, 30, 4)
	Detach(rr.Children()[2])
	m.order(3)
	want(true, 70, 3)
}

// A leaf below a blocked class needs not be asked before the worker sleeps, but
// has to be when the class wakes up.
func TestIdleWithThrottledClass(t *testing.T) {
	m := newSim(Options{})
	rr, rl := NewRoundRobin("rr"), limit("rl", Count, 10, 0)
	attach(rl, NewLeaf("limited", idleTask), None)
	attach(rr, rl, None)
	attach(rr, NewLeaf("free", idleTask), None)
	plant(m.Scheduler, rr)
	m.wantOrder(t, "limited free free")
	if rl.Children()[0].(*Leaf).Runnable() {
		t.Error("a leaf below a throttled class is runnable")
	}
	if _, idle := m.Idle(); !idle {
		t.Error("not idle while the limited class is blocked")
	}
	at, ok := m.NextWake()
	if !ok {
		t.Fatal("no wake-up planned")
	}
	m.now = at + 1
	m.wantOrder(t, "free")
	if _, idle := m.Idle(); idle {
		t.Error("idle although the limited leaf was not asked since it woke up")
	}
	m.wantOrder(t, "limited")
	if _, idle := m.Idle(); !idle {
		t.Error("not idle")
	}
}

// The experimental scheduler, section 5.6.
func TestBackoff(t *testing.T) {
	m := newSim(Options{Backoff: true})
	task := &steady{nothing}
	l := NewLeaf("l", task)
	plant(m.Scheduler, l)
	for i, wait := range []uint64{1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 20} {
		m.wantOrder(t, "l")
		at, ok := m.NextWake()
		if !ok || at != m.now+wait || !l.Blocked() {
			t.Fatalf("wait %d: wakes at %d, %v; want %d; blocked %v", i, at, ok, m.now+wait, l.Blocked())
		}
		m.now = at
		m.wantOrder(t, "-")
		m.now++
	}
	if st := l.Stats(); st != (Stats{}) {
		t.Errorf("idle runs were charged: %+v", st)
	}
	task.res = work
	m.order(3)
	if l.backoff != 1<<17 || l.Blocked() || l.Stats().Count != 3 {
		t.Errorf("wait %d, blocked %v, %+v", l.backoff, l.Blocked(), l.Stats())
	}
	m.order(40)
	if l.backoff != 1 {
		t.Errorf("wait %d after much work, want 1", l.backoff)
	}
	task.res = Result{Packets: 1, Blocked: true} // blocked, but did something
	m.order(1)
	if l.Blocked() {
		t.Error("a leaf that did something backs off")
	}
}

// Waiting leaves are out of the round and do not keep it from advancing.
func TestBackoffInATree(t *testing.T) {
	m := newSim(Options{Backoff: true})
	rr := NewRoundRobin("rr")
	attach(rr, NewLeaf("a", idleTask), None)
	attach(rr, NewLeaf("b", busyTask), None)
	attach(rr, NewLeaf("c", idleTask), None)
	plant(m.Scheduler, rr)
	m.wantOrder(t, "a b c b b b")
	m.now += 1 << 15
	m.wantOrder(t, "b a c b b")
	if got := rr.Stats().Count; got != 7 {
		t.Errorf("%d runs charged, want 7: those of b", got)
	}
	// A waiting leaf can be taken away and does not wake the tree any more.
	Detach(rr.Children()[0])
	Detach(rr.Children()[0])
	if len(m.wake.heap) != 1 || !rr.Blocked() {
		t.Errorf("%d wake-ups planned, blocked %v", len(m.wake.heap), rr.Blocked())
	}
	m.now += 1 << 21
	m.wantOrder(t, "c -")
}

// The sample with all policies: parameters change while it runs.
func TestComplexTreeWithUpdates(t *testing.T) {
	m := newSim(Options{Hz: 2e5})
	top := NewPriority("top")
	lim := limit("lim", Packet, 20_000, 0)
	rr, wf := NewRoundRobin("rr"), fair("wf", Packet)
	one := &steady{Result{Packets: 1, Bits: 672}}
	attach(top, lim, WithPriority(0))
	attach(top, wf, WithPriority(1))
	attach(lim, rr, None)
	attach(rr, NewLeaf("r0", one), None)
	attach(rr, NewLeaf("r1", one), None)
	attach(wf, NewLeaf("w0", one), WithShare(2))
	attach(wf, NewLeaf("w1", &steady{Result{Packets: 2, Bits: 2 * 672}}), WithShare(1))
	plant(m.Scheduler, top)

	second := func(r0, w0, w1 float64) {
		t.Helper()
		clear(m.runs)
		m.log = nil
		m.runFor(200_000)
		near(t, "r0", float64(m.runs["r0"]), r0, 0.01)
		near(t, "r1", float64(m.runs["r1"]), r0, 0.01)
		near(t, "w0", float64(m.runs["w0"]), w0, 0.01)
		near(t, "w1", float64(m.runs["w1"]), w1, 0.01)
	}
	// A limited run can be late by one run of a sibling, which is not lost.
	second(10_000, 144_000, 36_000)
	if err := lim.UpdateParams(Packet, 80_000, 0); err != nil {
		t.Fatal(err)
	}
	second(40_000, 96_000, 24_000)
	if err := wf.UpdateParams(Count); err != nil {
		t.Fatal(err)
	}
	second(40_000, 80_000, 40_000)
	if err := lim.UpdateParams(Count, 20_000, 0); err != nil {
		t.Fatal(err)
	}
	second(10_000, 120_000, 60_000)
	st, sum := top.Stats(), Stats{}
	for _, l := range m.Leaves() {
		s := l.Stats()
		sum.Count, sum.Cycles, sum.Packets, sum.Bits =
			sum.Count+s.Count, sum.Cycles+s.Cycles, sum.Packets+s.Packets, sum.Bits+s.Bits
	}
	if st != sum {
		t.Errorf("root counted %+v, leaves %+v", st, sum)
	}
}

// Statistics and flags are read while the worker runs (for the race detector).
func TestReadersBesideTheWorker(t *testing.T) {
	s := New(Options{Hz: 2e9, Now: func() uint64 { return 1 }})
	top := complexTree(busyTask)
	plant(s, top)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		var last uint64
		for {
			for c := range All(top) {
				_ = c.Blocked()
				if r, ok := c.(*RateLimit); ok {
					_ = r.Throttled()
				}
			}
			if n := top.Stats().Count; n < last {
				t.Errorf("count went from %d to %d", last, n)
			} else {
				last = n
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	spin(s, 1, 50_000)
	close(stop)
	wg.Wait()
}
