// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"fmt"
	"strings"
	"testing"
)

// The constructors below panic on errors, which only a broken test makes.

func attach(p, c Class, a Arg) {
	if err := Attach(p, c, a); err != nil {
		panic(err)
	}
}

func plant(s *Scheduler, c Class) {
	if _, err := s.AddOrphanRoot(c); err != nil {
		panic(err)
	}
}

func fair(name string, res Resource) *WeightedFair {
	w, err := NewWeightedFair(name, res)
	if err != nil {
		panic(err)
	}
	return w
}

func limit(name string, res Resource, limit, burst uint64) *RateLimit {
	r, err := NewRateLimit(name, res, limit, burst)
	if err != nil {
		panic(err)
	}
	return r
}

func none(int) Arg      { return None }
func byIndex(i int) Arg { return WithPriority(int64(i)) }
func asShare(i int) Arg { return WithShare(int64(i + 1)) }

// fill attaches n leaves named after their parent.
func fill(p Class, n int, task Task, arg func(int) Arg) Class {
	for i := range n {
		attach(p, NewLeaf(fmt.Sprint(p.Name(), i), task), arg(i))
	}
	return p
}

// sim drives one scheduler in simulated time of 1000 cycles per second, unless
// hz says otherwise.
type sim struct {
	*Scheduler
	now  uint64
	cost uint64            // cycles per run, default 1
	runs map[string]uint64 // by leaf
	log  []string          // leaves in order
}

func newSim(o Options) *sim {
	m := &sim{now: 1, cost: 1, runs: map[string]uint64{}}
	if o.Hz == 0 {
		o.Hz = 1000
	}
	o.Now = func() uint64 { return m.now }
	m.Scheduler = New(o)
	return m
}

// step runs one round and says whether a task ran.
func (m *sim) step() bool {
	l := m.Next(m.now)
	if l == nil {
		return false
	}
	res := l.Task.Run(m.now)
	m.now += m.cost
	m.Done(l, res, m.cost, m.now)
	m.runs[l.Name()]++
	m.log = append(m.log, l.Name())
	return true
}

// runFor runs rounds for the given number of cycles, jumping over idle times.
func (m *sim) runFor(cycles uint64) {
	end := m.now + cycles
	for m.now < end {
		if m.step() {
			continue
		}
		at, ok := m.NextWake()
		if !ok || at >= end {
			m.now = end
			return
		}
		m.now = at + 1
	}
}

// order runs n rounds and returns the names of the leaves that ran, "-" for a
// round without.
func (m *sim) order(n int) string {
	var names []string
	for range n {
		if m.step() {
			names = append(names, m.log[len(m.log)-1])
		} else {
			names = append(names, "-")
		}
	}
	return strings.Join(names, " ")
}

func (m *sim) wantOrder(t *testing.T, want string) {
	t.Helper()
	if got := m.order(len(strings.Fields(want))); got != want {
		t.Errorf("order of runs\n got %s\nwant %s", got, want)
	}
}

func names(cs []Class) string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Name())
	}
	return strings.Join(out, " ")
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if got < want*(1-tolerance) || got > want*(1+tolerance) {
		t.Errorf("%s: %.6g, want %.6g within %g", what, got, want, tolerance)
	}
}
