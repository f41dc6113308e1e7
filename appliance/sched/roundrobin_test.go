// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import "testing"

func TestRoundRobinTakesTurns(t *testing.T) {
	m := newSim(Options{})
	r := fill(NewRoundRobin("r"), 3, busyTask, none)
	plant(m.Scheduler, r)
	m.wantOrder(t, "r0 r1 r2 r0 r1")
	attach(r, NewLeaf("x", idleTask), None)
	m.wantOrder(t, "r2 x r0 r1 r2 x")
}

// Removing a child must neither skip nor repeat the turn of another.
func TestRoundRobinRemovalKeepsTheTurn(t *testing.T) {
	for removed, want := range []string{"r2 r3 r1 r2", "r2 r3 r0 r2", "r3 r0 r1 r3", "r2 r0 r1 r2"} {
		m := newSim(Options{})
		r := fill(NewRoundRobin("r"), 4, busyTask, none)
		plant(m.Scheduler, r)
		m.wantOrder(t, "r0 r1")
		Detach(r.Children()[removed])
		m.wantOrder(t, want)
	}
	m := newSim(Options{})
	r := fill(NewRoundRobin("r"), 2, busyTask, none)
	plant(m.Scheduler, r)
	m.wantOrder(t, "r0")
	Detach(r.Children()[1])
	m.wantOrder(t, "r0 r0")
	Detach(r.Children()[0])
	m.wantOrder(t, "-")
}

// Section 10: two limits of one run per second; each runs once, then both are
// blocked and so is the root; more than a second later the first is first.
func TestRoundRobinOfTwoRateLimits(t *testing.T) {
	m := newSim(Options{Hz: 2_893_202_117}) // a rate whose limit is no whole number per cycle
	m.cost = 1000
	r := NewRoundRobin("r")
	var limits []*RateLimit
	for _, name := range []string{"a", "b"} {
		rl := limit("limit_"+name, Count, 1, 0)
		attach(rl, NewLeaf(name, busyTask), None)
		attach(r, rl, None)
		limits = append(limits, rl)
	}
	plant(m.Scheduler, r)
	m.wantOrder(t, "a b - -")
	if !r.Blocked() || !limits[0].Blocked() || !limits[1].Blocked() {
		t.Fatal("not all are blocked")
	}
	m.now += m.Hz() - 2*m.cost // a's second ends 1000 cycles after its run
	m.wantOrder(t, "-")
	m.now += 2*m.cost + 1
	m.wantOrder(t, "a b -")
}

// A blocked child comes back at the end of the round.
func TestRoundRobinBlockedChildReentersLast(t *testing.T) {
	m := newSim(Options{})
	r, rl := NewRoundRobin("r"), limit("rl", Count, 500, 0) // one run in two cycles
	attach(rl, NewLeaf("x", busyTask), None)
	attach(r, rl, None)
	for _, name := range []string{"b", "c", "d"} {
		attach(r, NewLeaf(name, busyTask), None)
	}
	plant(m.Scheduler, r)
	// x runs, and its turn passes to b. The other runs take a cycle each.
	m.wantOrder(t, "x b c d x b c d x")
}
