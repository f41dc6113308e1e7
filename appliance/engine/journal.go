// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/graph"
)

// journal remembers how to undo what a transaction has done so far. A nil
// journal, outside transactions, remembers nothing.
type journal struct {
	steps  []func()
	commit []func()
	done   []func(generation uint64) // told at the very end
	made   map[*graph.Module]bool    // instances that no worker knows yet
	// exposed says that workers have seen a part of the transaction.
	exposed bool
}

func (j *journal) add(f func()) {
	if j != nil {
		j.steps = append(j.steps, f)
	}
}

// created notes an instance that came with the transaction.
func (j *journal) created(m *graph.Module) {
	if j != nil {
		j.made[m] = true
	}
}

// later runs f at the end of a transaction that succeeds, or now if there is
// none: for changes that cannot fail and that workers would see at once.
func (j *journal) later(f func()) {
	if j == nil {
		f()
		return
	}
	j.commit = append(j.commit, f)
}

// Tx is a transaction: its methods are the engine's verbs, but nothing of
// what they do is seen by workers or other clients before all have succeeded.
type Tx struct{ e *Engine }

// Transaction runs f with the engine to itself. If f succeeds, all changes
// are published at once and all workers run; if it fails, all are undone.
func (e *Engine) Transaction(f func(tx *Tx) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	start := e.generation
	j := &journal{made: map[*graph.Module]bool{}}
	e.undo = j
	err := f(&Tx{e})
	e.undo = nil
	if err != nil {
		for _, step := range slices.Backward(j.steps) {
			step()
		}
		e.renewPortUsers()
		if e.hasWorkers() {
			e.tcs.attachOrphans(e) // roots that were taken away and put back
		}
		e.publishNow()
		if !j.exposed {
			e.generation = start // nothing has changed
		}
		return err
	}
	for _, f := range j.commit {
		f()
	}
	e.tcs.attachOrphans(e)
	e.resumeAll()
	for _, f := range j.done {
		f(e.generation)
	}
	return nil
}
