// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// The conditions that a Keeper reports.
const (
	// ConditionPipeline: what is stored is what runs.
	ConditionPipeline = "pipeline"
	// ConditionStore: changes can be stored.
	ConditionStore = "store"
)

// Options are what a Keeper works with.
type Options struct {
	Engine  *engine.Engine
	Catalog declare.Catalog
	Log     *slog.Logger
	// Report is told the state of a condition, nil when all is well. The
	// Keeper may call it with locks of its own held.
	Report func(condition string, problem error)
	// Appeared signals that a network interface came or changed, so that it is
	// worth trying again what could not be applied; nil if nobody can tell.
	Appeared <-chan struct{}
}

// Keeper stores what is applied before it runs, and what single calls change
// shortly after, and brings it back.
type Keeper struct {
	Options
	store *Store

	mu      sync.Mutex // held while a generation is written; guards the rest
	keptAt  uint64     // the engine's generation that is stored
	pending uint64     // generation of the store that could not be applied, 0: none
	emptyAt uint64     // the engine's generation since then
	name    string     // metadata of the declaration that runs
	labels  map[string]string
	export  string // digest of what runs, as the background would store it
	bundle  bundle // newest generation, if the background wrote it

	stop chan struct{}
	over chan struct{}
}

// NewKeeper returns a keeper of what an engine runs. Call Replay, then Start.
func NewKeeper(s *Store, o Options) *Keeper {
	return &Keeper{Options: o, store: s, stop: make(chan struct{}), over: make(chan struct{})}
}

// Kept returns what is stored.
func (k *Keeper) Kept() ([]declare.Kept, error) { return k.store.Kept(), nil }

// Read returns the text of a generation.
func (k *Keeper) Read(generation uint64) ([]byte, error) { return k.store.Read(generation) }

// Keep stores p before the workers see it. The error of a failure names the
// file.
func (k *Keeper) Keep(tx *engine.Tx, p *declare.Pipeline, r *engine.Runtime, by, origin string) error {
	text, err := declare.KeptText(p, r)
	if err != nil {
		return &declare.NotKeptError{Err: err}
	}
	if lost := lostModules(r); lost != "" {
		k.Log.Warn("commands of modules are too many to be stored", "modules", lost)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	n, _, err := k.store.Write(Meta{Time: time.Now().UTC(), By: by, Origin: origin, Name: p.Name}, text, 0)
	if err != nil {
		k.Report(ConditionStore, err)
		return &declare.NotKeptError{Err: err}
	}
	k.keptAt, k.pending, k.bundle, k.export = tx.Generation(), 0, bundle{}, ""
	k.name, k.labels = p.Name, p.Labels
	tx.AtCommit(func(generation uint64) { k.committed(n, generation) })
	return nil
}

// committed notes that a stored declaration runs.
func (k *Keeper) committed(stored, generation uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keptAt = generation
	k.Report(ConditionStore, nil)
	k.Report(ConditionPipeline, nil)
	k.Log.Info("declaration stored and applied", "generation", stored)
}

// lostModules names the modules whose commands are not all remembered.
func lostModules(r *engine.Runtime) string {
	var names []string
	for _, m := range r.Calls {
		if m.Lost {
			names = append(names, m.Module)
		}
	}
	return strings.Join(names, ", ")
}

// Replay applies the newest usable generation and reports how it went. The
// engine must be empty and have no clients yet. It tells whether there was
// anything in the store, usable or not.
func (k *Keeper) Replay() bool {
	meta, text, damage := k.store.Newest()
	for _, err := range damage {
		k.Log.Error("a stored declaration is not usable", "error", err)
	}
	if text == nil {
		k.settle(nil, damage)
		return len(damage) > 0
	}
	res, err := declare.Restore(k.Engine, text, fileName(meta.Generation), k.Catalog, 0, nil, "")
	if err != nil {
		k.mu.Lock()
		k.pending = meta.Generation
		k.mu.Unlock()
		k.settle(fmt.Errorf("generation %d of the store cannot be applied: %w", meta.Generation, err), damage)
		return true
	}
	k.Log.Info("stored declaration applied", "generation", meta.Generation, "name", meta.Name, "problems", len(res.Problems))
	k.name, k.labels = res.Pipeline.Name, res.Pipeline.Labels
	k.settle(problemsOf(res), damage)
	if text, err := k.exported(); err == nil {
		k.export = hexDigest(text)
	}
	return true
}

func problemsOf(res *declare.Restored) error {
	if len(res.Problems) == 0 {
		return nil
	}
	return errors.New("applied, but: " + strings.Join(res.Problems, "; "))
}

// settle ends a replay: what runs now is not to be stored until something
// changes.
func (k *Keeper) settle(problem error, damage []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keptAt = k.Engine.Generation()
	k.emptyAt = k.keptAt
	if len(damage) > 0 {
		texts := make([]string, len(damage))
		for i, err := range damage {
			texts[i] = err.Error()
		}
		was := "an earlier one was applied"
		if k.store.isEmpty() {
			was = "there is no other; the pipeline is empty"
		}
		damaged := fmt.Errorf("%s: %s", strings.Join(texts, "; "), was)
		problem = errors.Join(problem, damaged)
	}
	k.Report(ConditionPipeline, problem)
	k.Report(ConditionStore, nil)
	if problem != nil {
		k.Log.Error("the stored declaration does not run", "reason", problem)
	}
}

// exported returns what the background would store.
func (k *Keeper) exported() ([]byte, error) {
	_, text, err := k.snapshot()
	return text, err
}

// snapshot returns what runs, in the form in which it is stored, with the
// engine's generation.
func (k *Keeper) snapshot() (uint64, []byte, error) {
	state, runtime := k.Engine.Snapshot()
	p, err := declare.FromState(state, k.Catalog)
	if err != nil {
		return state.Generation, nil, err
	}
	k.mu.Lock()
	p.Name, p.Labels = k.name, k.labels
	k.mu.Unlock()
	text, err := declare.KeptText(p, runtime)
	if lost := lostModules(runtime); err == nil && lost != "" {
		k.Log.Warn("commands of modules are too many to be stored", "modules", lost)
	}
	return state.Generation, text, err
}
