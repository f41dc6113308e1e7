// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"slices"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// Keeper keeps what was applied beyond the life of the process. Its methods
// may be called at the same time.
type Keeper interface {
	// Keep is called in the transaction that applies p, when nothing but the
	// publication is left to be done: what Keep returns an error for is undone.
	// r is what p does not say. by is who asked for it, if that is known,
	// origin how it came.
	Keep(tx *engine.Tx, p *Pipeline, r *engine.Runtime, by, origin string) error
	// Kept returns what is kept, the newest first.
	Kept() ([]Kept, error)
	// Read returns the text of a generation. Errors: *MissingError.
	Read(generation uint64) ([]byte, error)
}

// The origins of what is kept.
const (
	// FromApply is a declaration that a client applied.
	FromApply = "apply"
	// FromRollback is an earlier generation that was applied again.
	FromRollback = "rollback"
	// FromFile is the declaration that the daemon was started with.
	FromFile = "file"
	// FromCalls is what ran after calls that changed single things.
	FromCalls = "calls"
)

// Kept is a declaration that is kept.
type Kept struct {
	// Generation counts what was kept: it grows across restarts, unlike that
	// of the engine, which counts changes.
	Generation uint64
	Time       time.Time
	// By is who applied it, if that is known; Origin how it came.
	By, Origin string
	// Name is the declaration's metadata.name.
	Name string
	// Digest is the SHA-256 of the declaration in hex, Size its bytes.
	Digest string
	Size   int64
	// Problem says why it cannot be used, if so.
	Problem string
}

// MissingError is a generation that is not kept.
type MissingError struct {
	Generation uint64
	// Have are the generations that are.
	Have []uint64
}

// Error names the generation and those there are.
func (e *MissingError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("generation %d: nothing is kept yet", e.Generation)
	}
	return fmt.Sprintf("generation %d is not kept: the store has %d to %d, see history", e.Generation, slices.Min(e.Have), slices.Max(e.Have))
}

// NotKeptError is a declaration that could not be kept. What runs is as it was
// before.
type NotKeptError struct{ Err error }

// Error says that nothing was applied, and why.
func (e *NotKeptError) Error() string {
	return "nothing was applied, because it could not be stored: " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *NotKeptError) Unwrap() error { return e.Err }

// Restored is what Restore did.
type Restored struct {
	Result
	Pipeline *Pipeline
	// Problems are hooks and settings of ports that could not be made what
	// they were. They do not stand in the way of the rest.
	Problems []string
}

// Restore makes the engine's pipeline what a kept text says: the declaration
// in it, and what commands, hooks and settings of ports had made of it. If
// generation is not 0 the pipeline must still be at it. k, which may be nil,
// keeps the result. Errors: those of Validate and Apply, and what cannot be
// read.
func Restore(e *engine.Engine, text []byte, name string, cat Catalog, generation uint64, k Keeper, by string) (*Restored, error) {
	r, err := DecodeRuntime(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	none := func(string) (string, bool) { return "", false }
	p, found := Validate([]Document{{Name: name, Text: DeclarationIn(text), Env: none}}, onThisMachine(cat))
	if HasErrors(found) {
		return nil, &InvalidError{found}
	}
	res, err := apply(e, p, cat, options{generation: generation, runtime: r, keeper: k, by: by, origin: FromRollback})
	if err != nil {
		return nil, err
	}
	res.Findings = append(found, res.Findings...)
	return &Restored{*res, p, append(restorePorts(e, r), restoreHooks(e, r)...)}, nil
}

// KeptText returns what Restore reads: the declaration of p and, after it, r. It
// fails if Restore would not read it.
func KeptText(p *Pipeline, r *engine.Runtime) ([]byte, error) {
	text, err := p.YAML()
	if err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("a declaration of %d bytes: must not exceed %d", len(text), maxText)
	}
	notes, err := EncodeRuntime(r)
	if err != nil {
		return nil, err
	}
	return append(text, notes...), nil
}

// restoreCalls gives modules their commands, within a transaction.
func restoreCalls(tx *engine.Tx, p *Pipeline, r *engine.Runtime) error {
	calls := map[string][]engine.Call{}
	for _, m := range r.Calls {
		calls[m.Module] = m.Calls
	}
	for _, name := range sortedKeys(p.Modules) {
		if err := tx.RestoreCalls(name, calls[name]); err != nil {
			return &RefusedError{Finding{Severity: Error, Object: moduleObject(name), Message: err.Error()}}
		}
	}
	return nil
}

func restorePorts(e *engine.Engine, r *engine.Runtime) (problems []string) {
	const keepMAC = "00:00:00:00:00:00"
	for _, s := range r.Ports {
		mac := s.MAC
		if mac == "" {
			mac = keepMAC
		}
		if err := e.SetPortConf(s.Port, mac, s.MTU, s.Up); err != nil {
			problems = append(problems, fmt.Sprintf("settings of port %s: %v", s.Port, err))
		}
	}
	return problems
}

// restoreHooks attaches the hooks that are missing and takes away those that
// were not there.
func restoreHooks(e *engine.Engine, r *engine.Runtime) (problems []string) {
	complain := func(verb string, h *engine.AttachedHook, err error) {
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s hook %s (%s) of module %s: %v", verb, h.Name, h.Class, h.Module, err))
		}
	}
	configure := func(h *engine.AttachedHook, enable bool) error {
		_, err := e.ConfigureHook(engine.HookSpec{Class: h.Class, Name: h.Name, Module: h.Module, Input: h.Input, Gate: int64(h.Gate), Arg: h.Arg}, enable)
		return err
	}
	_, have := e.Snapshot()
	for i := range have.Hooks {
		if h := &have.Hooks[i]; !slices.ContainsFunc(r.Hooks, h.Is) {
			complain("remove", h, configure(h, false))
		}
	}
	usual := func(g engine.GateRef) *engine.AttachedHook {
		return &engine.AttachedHook{Module: g.Module, Gate: g.Gate, Class: "Track", Name: engine.UsualHook}
	}
	for _, g := range r.Untracked {
		if !slices.Contains(have.Untracked, g) {
			h := usual(g)
			complain("remove", h, configure(h, false))
		}
	}
	for _, g := range have.Untracked {
		if !slices.Contains(r.Untracked, g) {
			h := usual(g)
			complain("attach", h, configure(h, true))
		}
	}
	for i := range r.Hooks {
		if h := &r.Hooks[i]; !slices.ContainsFunc(have.Hooks, h.Is) {
			complain("attach", h, configure(h, true))
		}
	}
	return problems
}
