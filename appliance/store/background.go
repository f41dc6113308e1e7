// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

// How the background works.
const (
	// look is how often it is asked whether something changed.
	look = 200 * time.Millisecond
	// patience is how long changes may go on before they are stored anyway.
	patience = time.Second
	// restFactor is how many times as long as it took to store something the
	// next time is waited for, while changes go on: reading tables of millions
	// of rules must not be all that the daemon does.
	restFactor = 10
	// burst is how long a pause between changes may be for them to count as one
	// generation of the history.
	burst = time.Minute
	// firstRetry and lastRetry are how long is waited before something that
	// failed is tried again: twice as long every time.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Start stores, in the background, what single calls change, and tries again
// what could not be applied.
func (k *Keeper) Start() { go k.work() }

// Close stores what is not stored yet and ends the background. It must be
// called while the engine still has its pipeline.
func (k *Keeper) Close() {
	close(k.stop)
	<-k.over
	if k.isDirty(k.Engine.Generation()) {
		if err := k.save(); err != nil {
			k.Log.Error("the last changes are not stored", "error", err)
		}
	}
	if err := k.store.Close(); err != nil {
		k.Log.Error("store", "error", err)
	}
}

// Discard gives up what was never started.
func (k *Keeper) Discard() {
	if err := k.store.Close(); err != nil {
		k.Log.Error("store", "error", err)
	}
}

// isDirty reports whether something changed since it was stored.
func (k *Keeper) isDirty(generation uint64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return generation != k.keptAt
}

func (k *Keeper) work() {
	defer close(k.over)
	tick := time.NewTicker(look)
	defer tick.Stop()
	w := waiter{}
	r := retry{delay: firstRetry, next: time.Now().Add(firstRetry)}
	appeared := k.Appeared
	for {
		now := time.Now()
		select {
		case <-k.stop:
			return
		case _, ok := <-appeared:
			if !ok {
				appeared = nil
				continue
			}
			r.next, r.delay = now, firstRetry
		case now = <-tick.C:
		}
		if k.tryAgain(&r, now) {
			continue
		}
		generation := k.Engine.Generation()
		if !k.isDirty(generation) {
			w = waiter{rest: w.rest}
			continue
		}
		if w.due(generation, now) {
			err := k.save()
			w.done(now, time.Since(now), err)
		}
	}
}

// waiter decides when changes are stored.
type waiter struct {
	since, rest time.Time // of the first change not stored; not before
	last        uint64    // generation when it was looked last
	fails       int
}

func (w *waiter) due(generation uint64, now time.Time) bool {
	quiet := generation == w.last
	w.last = generation
	if w.since.IsZero() {
		w.since = now
		return false
	}
	return now.After(w.rest) && (quiet || now.Sub(w.since) >= patience-look)
}

func (w *waiter) done(now time.Time, took time.Duration, err error) {
	wait := took * restFactor
	if err != nil {
		wait = max(wait, min(firstRetry<<min(w.fails, 10), lastRetry))
		w.fails++
	}
	w.rest = now.Add(wait)
	if err == nil {
		*w = waiter{rest: w.rest}
	}
}

// save stores what runs.
func (k *Keeper) save() error {
	generation, text, err := k.snapshot()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		if generation <= k.keptAt {
			return nil // something newer was stored meanwhile
		}
		err = k.saveText(text)
	}
	if err != nil {
		k.Report(ConditionStore, fmt.Errorf("what calls have changed is not stored, it is tried again: %w", err))
		return err
	}
	if k.pending != 0 {
		k.Log.Warn("a client has built a pipeline: the stored declaration that could not be applied is no longer tried", "generation", k.pending)
		k.pending = 0
	}
	k.keptAt = generation
	k.Report(ConditionStore, nil)
	k.Report(ConditionPipeline, nil)
	return nil
}

// bundle is a generation that the background wrote and may replace.
type bundle struct {
	generation  uint64
	declaration string // digest, without what commands changed
	at          time.Time
}

// saveText writes a generation unless it says what the newest says. Changes
// that follow each other are one generation, and so are those that leave the
// declaration as it is: a client that adds and deletes rules all day would
// soon have replaced everything else that is worth going back to.
func (k *Keeper) saveText(text []byte) error {
	digest := hexDigest(text)
	if digest == k.export {
		return nil
	}
	b := bundle{declaration: hexDigest(declare.DeclarationIn(text)), at: time.Now()}
	replace := k.bundle.generation
	if b.at.Sub(k.bundle.at) > burst && b.declaration != k.bundle.declaration {
		replace = 0
	}
	n, added, err := k.store.Write(Meta{Time: b.at.UTC(), Origin: declare.FromCalls, Name: k.name}, text, replace)
	if err != nil {
		return err
	}
	k.bundle, k.export = bundle{}, digest
	if added {
		b.generation = n
		k.bundle = b
	}
	k.Log.Debug("what runs is stored", "generation", n)
	return nil
}

// retry says when the stored declaration is tried again.
type retry struct {
	delay time.Duration
	next  time.Time
}

// tryAgain applies the stored declaration that could not be applied, if it is
// time and no client has built anything since.
func (k *Keeper) tryAgain(r *retry, now time.Time) bool {
	k.mu.Lock()
	pending, at := k.pending, k.emptyAt
	k.mu.Unlock()
	if pending == 0 || now.Before(r.next) || k.Engine.Generation() != at {
		return false
	}
	r.next, r.delay = now.Add(r.delay), min(r.delay*2, lastRetry)
	text, err := k.store.Read(pending)
	var res *declare.Restored
	if err == nil {
		res, err = declare.Restore(k.Engine, text, fileName(pending), k.Catalog, at, nil, "")
	}
	if err != nil {
		k.Report(ConditionPipeline, fmt.Errorf("generation %d of the store cannot be applied, it is tried again: %w", pending, err))
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.name, k.labels = res.Pipeline.Name, res.Pipeline.Labels
	k.pending = 0
	k.keptAt = max(k.keptAt, res.Generation)
	k.Log.Info("stored declaration applied", "generation", pending, "problems", len(res.Problems))
	k.Report(ConditionPipeline, problemsOf(res))
	return true
}
