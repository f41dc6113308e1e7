// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// InvalidError is a declaration that cannot be applied.
type InvalidError struct {
	// Findings are all that was found, warnings too.
	Findings []Finding
}

// Error returns the errors, one a line, the first of them if there are many.
func (e *InvalidError) Error() string { return digest(e.Findings) }

// RefusedError is a change that the engine refused. Everything is as it was
// before.
type RefusedError struct{ Finding Finding }

// Error returns the finding.
func (e *RefusedError) Error() string { return e.Finding.String() }

// StaleError is a pipeline that was changed since the plan was made.
type StaleError struct {
	// Have is the generation, Want the one the plan was made at.
	Have, Want uint64
}

// Error tells both generations.
func (e *StaleError) Error() string {
	return fmt.Sprintf("the pipeline is at generation %d and the plan was made at %d: plan again", e.Have, e.Want)
}

// digest joins errors for a message that must not be endless.
func digest(fs []Finding) string {
	const most = 50
	var lines []string
	n := 0
	for _, f := range fs {
		if f.Severity != Error {
			continue
		}
		if n++; n <= most {
			lines = append(lines, f.String())
		}
	}
	if n > most {
		lines = append(lines, fmt.Sprintf("and %d more errors", n-most))
	}
	return strings.Join(lines, "\n")
}

// Result is what Apply did.
type Result struct {
	// Actions were done; empty if the pipeline was as declared.
	Actions []Action
	// Findings are warnings about what could only be seen in the whole
	// pipeline.
	Findings []Finding
	// Generation is the engine's afterwards.
	Generation uint64
}

// PlanFor returns what Apply would do now, and the generation to give it.
func PlanFor(e *engine.Engine, p *Pipeline, cat Catalog) (*Plan, uint64, error) {
	x := newIndex(cat)
	s := e.State()
	cur, err := fromState(s, x)
	if err != nil {
		return nil, 0, err
	}
	return diff(cur, p, x), s.Generation, nil
}

// Apply makes the engine's pipeline what p, from Validate without errors,
// declares: all of it or, with an error, nothing. If generation is not 0 the
// pipeline must still be at it. Afterwards all workers run. Errors:
// *StaleError, *RefusedError.
func Apply(e *engine.Engine, p *Pipeline, cat Catalog, generation uint64) (*Result, error) {
	return apply(e, p, cat, options{generation: generation})
}

// options vary apply.
type options struct {
	generation uint64          // to be at, 0: any
	runtime    *engine.Runtime // what modules are to be, nil: as they are
	keeper     Keeper          // nil: nobody keeps the result
	by, origin string          // who asks, and how
}

func apply(e *engine.Engine, p *Pipeline, cat Catalog, opt options) (*Result, error) {
	x, ports := newIndex(cat), preparation{}
	for {
		res, err := attempt(e, p, x, ports, opt)
		var missing *unpreparedError
		if !errors.As(err, &missing) {
			return res, err
		}
		if err := ports.prepare(e, missing.ports); err != nil {
			return nil, err
		}
	}
}

// attempt is apply, if all ports to be opened are prepared. Errors:
// *unpreparedError if they are not, nothing has happened then.
func attempt(e *engine.Engine, p *Pipeline, x *index, ports preparation, opt options) (*Result, error) {
	res := &Result{}
	err := e.Transaction(func(tx *engine.Tx) error {
		tx.AtCommit(func(generation uint64) { res.Generation = generation })
		if g := tx.Generation(); opt.generation != 0 && g != opt.generation {
			return &StaleError{Have: g, Want: opt.generation}
		}
		cur, err := fromState(tx.State(), x)
		if err != nil {
			return err
		}
		plan := diff(cur, p, x)
		if missing := ports.missing(e, plan.opened); missing != nil {
			return &unpreparedError{missing}
		}
		plan.ports = ports
		if !plan.IsEmpty() {
			if f := plan.run(tx); f != nil {
				return &RefusedError{*f}
			}
			s := tx.State()
			if f := p.checkQueueCounts(s.Ports); f != nil {
				return &RefusedError{*f}
			}
			res.Actions, res.Findings = plan.Actions, p.metadataWarnings(s.Warnings)
		}
		if opt.runtime != nil {
			if err := restoreCalls(tx, p, opt.runtime); err != nil {
				return err
			}
		}
		if opt.keeper != nil {
			// Last: what is kept is what runs from here on.
			r := opt.runtime
			if r == nil {
				r = tx.Runtime()
			}
			return opt.keeper.Keep(tx, p, r, opt.by, opt.origin)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// checkQueueCounts finds a port whose driver made something else of what is
// declared: with that the declaration could never be fulfilled, and the port
// would be opened anew with every apply.
func (p *Pipeline) checkQueueCounts(ports []engine.PortSpec) *Finding {
	for _, have := range ports {
		w := p.Ports[have.Name]
		for _, q := range []struct {
			key        string
			have, want uint64
		}{{"numIncQ", have.NumInc, w.NumInc}, {"numOutQ", have.NumOut, w.NumOut}, {"sizeIncQ", have.SizeInc, w.SizeInc}, {"sizeOutQ", have.SizeOut, w.SizeOut}} {
			if q.want != 0 && q.have != q.want {
				return &Finding{Severity: Error, Pos: w.fields.of(q.key, w.Pos), Object: portObject(w.Name), Field: q.key,
					Message: fmt.Sprintf("%d: the device has %d", q.want, q.have), Hint: "declare that, or leave it out"}
			}
		}
	}
	return nil
}

// metadataWarnings gives the engine's warnings, which begin with the names of
// modules, the place of the first of these.
func (p *Pipeline) metadataWarnings(texts []string) []Finding {
	r := &report{}
	for _, text := range texts {
		f := Finding{Severity: Warning, Message: text}
		for i, c := range text {
			if m := p.Modules[text[:i]]; m != nil && (c == ':' || c == ',' || c == ' ') {
				f.Pos, f.Object = m.Pos, moduleObject(m.Name)
				f.Message = strings.TrimPrefix(text[i:], ": ")
				if c != ':' {
					f.Message = text
				}
				break
			}
		}
		r.add(f)
	}
	return r.sorted()
}
