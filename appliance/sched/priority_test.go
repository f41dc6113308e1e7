// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import "testing"

// script is a task that plays back results and then repeats the last one.
type script struct {
	results []Result
	ran     int
}

func (s *script) Run(uint64) Result {
	i := min(s.ran, len(s.results)-1)
	s.ran++
	return s.results[i]
}

var (
	work    = Result{Packets: 1, Bits: 1000}
	nothing = Result{Blocked: true}
	empty   = Result{} // no packets, but not blocked either
)

func plays(rs ...Result) *script { return &script{results: rs} }

// list makes a priority class of leaves a, b, c ... and plants it.
func list(m *sim, tasks ...Task) *Priority {
	p := NewPriority("p")
	for i, task := range tasks {
		attach(p, NewLeaf(string(rune('a'+i)), task), WithPriority(int64(i)))
	}
	plant(m.Scheduler, p)
	return p
}

func TestPriorityIsStrict(t *testing.T) {
	m := newSim(Options{})
	list(m, busyTask, busyTask, busyTask)
	m.wantOrder(t, "a a a a a a")
}

// A leaf that reads nothing is not blocked in the tree; the classes after it
// would never run.
func TestIdleLeafDoesNotStarveLowerPriorities(t *testing.T) {
	m := newSim(Options{})
	list(m, idleTask, idleTask, busyTask, busyTask)
	m.wantOrder(t, "a b c a b c a b c")
}

func TestIdleListStartsOver(t *testing.T) {
	m := newSim(Options{})
	list(m, idleTask, idleTask, idleTask)
	m.wantOrder(t, "a b c a b c a")
}

func TestWorkForTheUrgentIsFoundAtOnce(t *testing.T) {
	m := newSim(Options{})
	list(m, plays(nothing, nothing, work, work, nothing), plays(work, work, work, nothing, work), idleTask)
	m.wantOrder(t, "a b a b a a a b a b c a b a b")
}

func TestRunThatIsNotBlockedKeepsStrictPriority(t *testing.T) {
	m := newSim(Options{})
	list(m, plays(empty), busyTask)
	m.wantOrder(t, "a a a a")
	m = newSim(Options{})
	list(m, plays(nothing, empty, nothing), plays(nothing, empty, work), busyTask)
	m.wantOrder(t, "a b c a a b a b")
}

// A class of several leaves is passed over only when all of them were asked.
func TestIdleClassIsPassedOverAfterAllItsLeaves(t *testing.T) {
	m := newSim(Options{})
	p, rr := NewPriority("p"), NewRoundRobin("rr")
	for _, l := range []*Leaf{NewLeaf("x", idleTask), NewLeaf("y", idleTask), NewLeaf("z", plays(nothing, work, nothing))} {
		attach(rr, l, None)
	}
	attach(p, rr, WithPriority(0))
	attach(p, NewLeaf("low", busyTask), WithPriority(1))
	plant(m.Scheduler, p)
	m.wantOrder(t, "x y z low x y z x y z low x y z low")
}

func TestMoreUrgentClassWakesUp(t *testing.T) {
	m := newSim(Options{})
	p, rl := NewPriority("p"), limit("rl", Count, 100, 0) // one run in 10 cycles
	attach(rl, NewLeaf("a", busyTask), None)
	attach(p, rl, WithPriority(0))
	attach(p, NewLeaf("b", idleTask), WithPriority(1))
	attach(p, NewLeaf("c", idleTask), WithPriority(2))
	attach(p, NewLeaf("d", idleTask), WithPriority(3))
	plant(m.Scheduler, p)
	// a runs in cycle 1 and may run again after cycles 11, 21 and so on; then
	// the list starts from its head, wherever it was.
	m.wantOrder(t, "a b c d b c d b c d b a b c d b c d b c d a")
	if rl.Throttled() != 3 {
		t.Errorf("throttled %d times, want 3", rl.Throttled())
	}
}

func TestPriorityWithBlockedChildren(t *testing.T) {
	m := newSim(Options{})
	p := list(m, busyTask, busyTask)
	hole := NewRoundRobin("hole")
	Detach(p.Children()[0])
	attach(p, hole, WithPriority(0))
	m.wantOrder(t, "b b")
	attach(hole, NewLeaf("h", busyTask), None)
	m.wantOrder(t, "h h")
	Detach(hole.Children()[0])
	m.wantOrder(t, "b")
	Detach(p.Children()[1])
	m.wantOrder(t, "-")
	if !p.Blocked() {
		t.Error("priority without runnable child is not blocked")
	}
}

// The position in the list must survive changes of the list.
func TestListChangesWhileWalkingDown(t *testing.T) {
	m := newSim(Options{})
	p := list(m, idleTask, idleTask, idleTask)
	m.wantOrder(t, "a b")
	Detach(p.Children()[0])
	m.wantOrder(t, "b c b c b")
	attach(p, NewLeaf("z", idleTask), WithPriority(0))
	m.wantOrder(t, "z b c z")
}
