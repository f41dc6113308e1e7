// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"slices"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// Action is one step of a plan, in the words of the API.
type Action struct {
	// Verb is what happens: "create", "update", "rebuild", "delete",
	// "connect", "disconnect" or "move".
	Verb string
	// Object is what it happens to, for example "module fw".
	Object string
	// Disruption is what it means for traffic, see the constants.
	Disruption string
	// Detail is what changes, for people.
	Detail string
}

// What an action means for traffic.
const (
	// None: no packet can tell.
	None = "none"
	// InPlace: packets see the old or the new configuration.
	InPlace = "in place"
	// Rebuilt: a new instance takes the place of the old one between two
	// batches; its state begins anew.
	Rebuilt = "rebuilt with links kept"
	// Affecting: packets are lost, or go nowhere.
	Affecting = "traffic-affecting"
)

// The verbs of actions.
const (
	verbCreate     = "create"
	verbUpdate     = "update"
	verbRebuild    = "rebuild"
	verbDelete     = "delete"
	verbConnect    = "connect"
	verbDisconnect = "disconnect"
	verbMove       = "move"
)

// Plan is what must be done, in order, to turn one pipeline into another.
type Plan struct {
	Actions []Action
	steps   []step

	opened []*Port
	ports  preparation // of these
}

// step is one or a few verbs of the engine.
type step struct {
	action int // index of the action it belongs to, -1 if it only prepares others
	object string
	about  *args // of the object, for the place of an error
	pos    Position
	do     func(tx *engine.Tx) (engine.How, error)
}

// act appends an action with its step.
func (p *Plan) act(a Action, pos Position, about *args, do func(tx *engine.Tx) (engine.How, error)) {
	p.Actions = append(p.Actions, a)
	p.steps = append(p.steps, step{len(p.Actions) - 1, a.Object, about, pos, do})
}

// then appends an action that has a plain step.
func (p *Plan) then(a Action, pos Position, do func(tx *engine.Tx) error) {
	p.act(a, pos, nil, plainly(do))
}

// quietly appends a step that is not worth an action.
func (p *Plan) quietly(object string, pos Position, do func(tx *engine.Tx) error) {
	p.steps = append(p.steps, step{-1, object, nil, pos, plainly(do)})
}

func plainly(do func(tx *engine.Tx) error) func(tx *engine.Tx) (engine.How, error) {
	return func(tx *engine.Tx) (engine.How, error) { return engine.Unchanged, do(tx) }
}

// run does all steps. What cannot be told before (how a module took its new
// argument) is written into the actions.
func (p *Plan) run(tx *engine.Tx) *Finding {
	for _, s := range p.steps {
		how, err := s.do(tx)
		if err != nil {
			return s.refused(err)
		}
		switch {
		case s.action < 0:
		case how == engine.InPlace:
			p.Actions[s.action].Disruption = InPlace
		case how == engine.Rebuilt:
			p.Actions[s.action].Verb, p.Actions[s.action].Disruption = verbRebuild, Rebuilt
		}
	}
	return nil
}

// refused turns an error of the engine into a finding. Errors about arguments
// begin with class and name and then the path of the field.
func (s *step) refused(err error) *Finding {
	f := &Finding{Severity: Error, Pos: s.pos, Object: s.object, Message: err.Error()}
	if s.about == nil {
		return f
	}
	_, name, _ := strings.Cut(s.object, " ")
	if i := strings.Index(f.Message, " "+name+": "); i >= 0 && !strings.ContainsAny(f.Message[:i], " :") {
		f.Message = f.Message[i+len(name)+3:]
	}
	path, text, ok := strings.Cut(f.Message, ": ")
	if !ok {
		return f
	}
	if at, rest := s.about.locate("args."+path, false, s.pos); rest == "" {
		f.Pos, f.Field, f.Message = at, "args."+path, text
	}
	return f
}

// IsEmpty reports whether nothing is to be done.
func (p *Plan) IsEmpty() bool { return len(p.steps) == 0 }

// Affects reports whether any action is traffic-affecting.
func (p *Plan) Affects() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { return a.Disruption == Affecting })
}
