// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"fmt"
	"testing"
)

// steady is a task that always does the same.
type steady struct{ res Result }

func (t *steady) Run(uint64) Result { return t.res }

var (
	busyTask = &steady{Result{Packets: 32, Bits: 32 * 84 * 8}}
	idleTask = &steady{Result{Blocked: true}}
)

// shapes are trees in which every policy works: alone, and mixed.
var shapes = []struct {
	name string
	make func(s *Scheduler)
}{
	{"leaf", func(s *Scheduler) { plant(s, NewLeaf("l", busyTask)) }},
	{"round_robin_16", func(s *Scheduler) { plant(s, fill(NewRoundRobin("r"), 16, busyTask, none)) }},
	{"priority_4_first_busy", func(s *Scheduler) { plant(s, fill(NewPriority("p"), 4, busyTask, byIndex)) }},
	{"priority_4_all_idle", func(s *Scheduler) { plant(s, fill(NewPriority("p"), 4, idleTask, byIndex)) }},
	{"weighted_fair_16", func(s *Scheduler) { plant(s, fill(fair("w", Packet), 16, busyTask, asShare)) }},
	{"weighted_fair_8_busy_8_idle", func(s *Scheduler) {
		w := fill(fair("w", Packet), 8, busyTask, asShare)
		for i := range 8 {
			attach(w, NewLeaf(fmt.Sprint("idle", i), idleTask), WithShare(5))
		}
		plant(s, w)
	}},
	{"rate_limit_unthrottled", func(s *Scheduler) {
		plant(s, fill(limit("r", Packet, 1e18, 0), 1, busyTask, none))
	}},
	{"rate_limit_throttled", func(s *Scheduler) {
		plant(s, fill(limit("r", Packet, 1e6, 64), 1, busyTask, none))
	}},
	{"complextree", func(s *Scheduler) { plant(s, complexTree(busyTask)) }},
	{"complextree_idle", func(s *Scheduler) { plant(s, complexTree(idleTask)) }},
}

// complexTree is priority{0: rate_limit{round_robin{2}}, 1: weighted_fair{2}}.
func complexTree(t Task) Class {
	top := NewPriority("top")
	lim := limit("lim", Bit, 1e9, 1e5)
	attach(lim, fill(NewRoundRobin("rr"), 2, t, none), None)
	attach(top, lim, WithPriority(0))
	attach(top, fill(fair("wf", Cycle), 2, t, asShare), WithPriority(1))
	return top
}

// spin runs n rounds of 1000 cycles and lets time jump when nothing can run.
func spin(s *Scheduler, now uint64, n int) uint64 {
	for range n {
		l := s.Next(now)
		if l == nil {
			at, _ := s.NextWake()
			now = at + 1
			continue
		}
		res := l.Task.Run(now)
		now += 1000
		s.Done(l, res, 1000, now)
	}
	return now
}

func BenchmarkRound(b *testing.B) {
	for _, sh := range shapes {
		b.Run(sh.name, func(b *testing.B) {
			s := New(Options{Hz: 2e9, Now: func() uint64 { return 1 }})
			sh.make(s)
			b.ReportAllocs()
			b.ResetTimer()
			spin(s, 1, b.N)
		})
	}
}

func BenchmarkRoundBackoff(b *testing.B) {
	s := New(Options{Hz: 2e9, Now: func() uint64 { return 1 }, Backoff: true})
	plant(s, fill(NewRoundRobin("r"), 16, idleTask, none))
	b.ReportAllocs()
	b.ResetTimer()
	spin(s, 1, b.N)
}

func TestRoundsDoNotAllocate(t *testing.T) {
	for _, backoff := range []bool{false, true} {
		for _, sh := range shapes {
			s := New(Options{Hz: 2e9, Now: func() uint64 { return 1 }, Backoff: backoff})
			sh.make(s)
			now := uint64(1)
			if n := testing.AllocsPerRun(20, func() { now = spin(s, now, 500) }); n != 0 {
				t.Errorf("%s, backoff %v: %v allocations in 500 rounds", sh.name, backoff, n)
			}
			if s.round == 0 {
				t.Errorf("%s, backoff %v: nothing ran", sh.name, backoff)
			}
		}
	}
}
