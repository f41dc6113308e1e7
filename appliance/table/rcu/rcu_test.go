// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rcu

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestFreedAtOnceWithoutReaders(t *testing.T) {
	var d Domain
	freed := 0
	d.Retire(func() { freed++ })
	d.Retire(func() { freed++ })
	if freed != 2 {
		t.Errorf("%d freed, want 2", freed)
	}
}

func TestKeptWhileReaderInside(t *testing.T) {
	var d Domain
	freed := 0
	d.Enter(3)
	for range 5 {
		d.Retire(func() { freed++ })
	}
	if freed != 0 || d.Poll() {
		t.Fatalf("%d freed while a reader is inside", freed)
	}
	d.Leave(3)
	d.Enter(3) // a new section has seen the new state
	// One was retired before the mark, four after it: they need a second one.
	if d.Poll(); freed != 1 {
		t.Fatalf("%d freed, want the one before the mark", freed)
	}
	d.Leave(3)
	if !d.Flush() || freed != 5 {
		t.Fatalf("%d freed, want 5", freed)
	}
}

// A reader that left by way of a panic holds things up until it comes again.
func TestSectionLeftByPanic(t *testing.T) {
	var d Domain
	freed := 0
	d.Enter(0)
	d.Retire(func() { freed++ })
	if d.Flush() {
		t.Fatal("freed while inside")
	}
	d.Enter(0)
	d.Leave(0)
	if !d.Poll() || freed != 1 {
		t.Fatalf("%d freed", freed)
	}
}

func TestCloseFreesAll(t *testing.T) {
	var d Domain
	freed := 0
	d.Enter(0)
	d.Retire(func() { freed++ })
	d.Retire(func() { freed++ })
	d.Leave(0)
	d.Close()
	d.Close()
	if freed != 2 {
		t.Errorf("%d freed, want 2", freed)
	}
}

// Readers never meet what is freed.
func TestReadersNeverSeeFreed(t *testing.T) {
	var d Domain
	type state struct{ freed atomic.Bool }
	var current atomic.Pointer[state]
	current.Store(&state{})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for id := range 4 {
		wg.Go(func() {
			for !stop.Load() {
				d.Enter(id)
				s := current.Load()
				for range 10 {
					if s.freed.Load() {
						t.Error("a reader met freed state")
					}
				}
				d.Leave(id)
			}
		})
	}
	for range 20_000 {
		old := current.Swap(&state{})
		d.Retire(func() { old.freed.Store(true) })
	}
	stop.Store(true)
	wg.Wait()
	if !d.Flush() {
		t.Error("something is left without readers")
	}
}

func BenchmarkSection(b *testing.B) {
	var d Domain
	for b.Loop() {
		d.Enter(5)
		d.Leave(5)
	}
}
