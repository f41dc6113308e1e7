// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"cmp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	"gopkg.in/yaml.v3"
)

// Pipeline is a declaration, or what runs in the form of one.
type Pipeline struct {
	// Name and Labels are for people; the engine does not know them.
	Name    string
	Labels  map[string]string
	Workers map[int]*Worker
	Ports   map[string]*Port
	Modules map[string]*Module
	Links   []*Link
	TCs     map[string]*TC
	Tasks   map[TaskID]*Task
}

func newPipeline() *Pipeline {
	return &Pipeline{Labels: map[string]string{}, Workers: map[int]*Worker{}, Ports: map[string]*Port{},
		Modules: map[string]*Module{}, TCs: map[string]*TC{}, Tasks: map[TaskID]*Task{}}
}

// Worker is a thread pinned to a core.
type Worker struct {
	Pos       Position
	fields    places
	ID, Core  int
	Scheduler string // "" or "experimental"
}

// Port is a port. Queue counts and sizes of 0 are not declared.
type Port struct {
	Pos                              Position
	fields                           places
	Name, Driver                     string
	NumInc, NumOut, SizeInc, SizeOut uint64
	args
}

// Module is an instance of a class.
type Module struct {
	Pos         Position
	fields      places
	Name, Class string
	args
	updates bool // takes other arguments in place
}

// args is the argument of a module or port: as it was written, and as a
// message once the class is known.
type args struct {
	node  *yaml.Node
	value any
	// Arg is the argument's message; nil before the declaration was checked.
	Arg proto.Message
	src *source
}

// Link leads from an output gate to an input gate.
type Link struct {
	Pos          Position
	From, To     string
	OGate, IGate int
	bad          bool // reported
}

// String returns "fw:0 -> 0:out".
func (l *Link) String() string {
	return l.From + ":" + strconv.Itoa(l.OGate) + " -> " + strconv.Itoa(l.IGate) + ":" + l.To
}

// TC is a traffic class with a policy.
type TC struct {
	Pos                    Position
	fields                 places
	Name, Policy, Resource string
	// Limit is in units of the resource per second, MaxBurst in units.
	Limit, MaxBurst int64
	Place
	limited bool // limit was given
}

// Place is where a traffic class or task hangs: below Parent, or at the root
// of Worker, or (neither) wherever the engine puts it.
type Place struct {
	Parent          string
	Worker          *int
	Priority, Share *int64
}

// TaskID names a task: the module and the number of the task.
type TaskID struct {
	Module string
	Task   int
}

// String returns "rx" for task 0 and "rx:1" for others, as in a declaration.
func (t TaskID) String() string {
	if t.Task == 0 {
		return t.Module
	}
	return t.Module + ":" + strconv.Itoa(t.Task)
}

// Task is the place of a task.
type Task struct {
	Pos    Position
	fields places
	ID     TaskID
	Place
}

func (w *Worker) at() (Position, string) { return w.Pos, strconv.Itoa(w.ID) }
func (p *Port) at() (Position, string)   { return p.Pos, p.Name }
func (m *Module) at() (Position, string) { return m.Pos, m.Name }
func (t *TC) at() (Position, string)     { return t.Pos, t.Name }
func (t *Task) at() (Position, string)   { return t.Pos, t.ID.String() }

// placed is an object with a place in a document.
type placed interface{ at() (Position, string) }

// ordered returns the objects in the order they were written; those that
// were not written by name.
func ordered[K comparable, V placed](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b V) int {
		ap, an := a.at()
		bp, bn := b.at()
		return cmp.Or(ap.compare(bp), cmp.Compare(an, bn))
	})
	return list
}

func itoa(i int) string { return strconv.Itoa(i) }
