// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// newWorkers plans the workers that do not run yet.
func (d *differ) newWorkers() {
	for _, w := range ordered(d.want.Workers) {
		if d.cur.Workers[w.ID] == nil {
			a := Action{Verb: verbCreate, Object: workerObject(w.ID), Disruption: None, Detail: "core " + itoa(w.Core)}
			d.plan.then(a, w.Pos, addWorker(w))
		}
	}
}

func addWorker(w *Worker) func(tx *engine.Tx) error {
	return func(tx *engine.Tx) error { return tx.AddWorker(int64(w.ID), int64(w.Core), w.Scheduler) }
}

// schedule plans workers, traffic classes and the places of tasks. A class
// that is part of a worker cannot be moved, it is deleted and made again with
// all that is below it; and a class or worker can only go when it is empty. So
// first tasks leave, then classes go from the leaves to the roots, then
// workers; and everything comes back the other way round.
func (d *differ) schedule() {
	d.sortWorkers()
	d.sortTCs()
	d.evictTasks()
	d.deleteTCs()
	d.changeWorkers()
	d.createTCs()
	d.placeTasks()
}

// sortWorkers finds out which workers end. Without a declared one, worker 0
// with the usual scheduler is the engine's own and stays.
func (d *differ) sortWorkers() {
	for id, c := range d.cur.Workers {
		w := d.want.Workers[id]
		switch {
		case w != nil:
			d.lost[id] = w.Core != c.Core || w.Scheduler != c.Scheduler
		case len(d.want.Workers) == 0:
			d.lost[id] = id != 0 || c.Scheduler != ""
		default:
			d.lost[id] = true
		}
	}
}

// changeWorkers ends workers, and starts those again that only changed.
func (d *differ) changeWorkers() {
	for _, c := range ordered(d.cur.Workers) {
		if !d.lost[c.ID] {
			continue
		}
		end := func(tx *engine.Tx) error { return tx.DestroyWorker(int64(c.ID)) }
		w := d.want.Workers[c.ID]
		if w == nil {
			d.plan.then(Action{Verb: verbDelete, Object: workerObject(c.ID), Disruption: Affecting}, Position{}, end)
			continue
		}
		detail := "core " + itoa(c.Core) + " -> " + itoa(w.Core)
		if c.Core == w.Core {
			detail = "scheduler " + show(c.Scheduler) + " -> " + show(w.Scheduler)
		}
		d.plan.then(Action{Verb: verbRebuild, Object: workerObject(c.ID), Disruption: Affecting, Detail: detail}, w.Pos,
			func(tx *engine.Tx) error {
				if err := end(tx); err != nil {
					return err
				}
				return addWorker(w)(tx)
			})
	}
}

// byDepth returns classes with parents before children, otherwise in the
// order they were written.
func (p *Pipeline) byDepth() []*TC {
	list := make([]*TC, 0, len(p.TCs))
	done := make(map[string]bool, len(p.TCs))
	for _, t := range ordered(p.TCs) {
		start := len(list)
		for n := t; n != nil && !done[n.Name]; n = p.TCs[n.Parent] {
			done[n.Name] = true
			list = append(list, n)
		}
		slices.Reverse(list[start:])
	}
	return list
}

// sortTCs finds out which classes must be deleted, maybe to be made again.
func (d *differ) sortTCs() {
	for _, c := range d.cur.byDepth() {
		w := d.want.TCs[c.Name]
		d.goneTCs[c.Name] = w == nil || w.Policy != c.Policy || d.displaced(&c.Place) || !samePlace(&c.Place, &w.Place)
	}
}

// displaced reports whether the class or worker that something hangs on goes.
func (d *differ) displaced(p *Place) bool {
	return p.Parent != "" && d.goneTCs[p.Parent] || p.Worker != nil && d.lost[*p.Worker]
}

// samePlace reports whether what hangs at have is where want says. A root
// that wants no certain worker is right at any.
func samePlace(have, want *Place) bool {
	if have.Parent != want.Parent {
		return false
	}
	if want.Parent == "" {
		return want.Worker == nil || have.Worker != nil && *have.Worker == *want.Worker
	}
	return sameNumber(have.Priority, want.Priority) && sameNumber(have.Share, want.Share)
}

func sameNumber(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func (d *differ) deleteTCs() {
	list := d.cur.byDepth()
	for _, c := range slices.Backward(list) {
		if !d.goneTCs[c.Name] {
			continue
		}
		do := func(tx *engine.Tx) error { return tx.DeleteTC(c.Name) }
		if w := d.want.TCs[c.Name]; w != nil {
			d.plan.quietly(tcObject(c.Name), w.Pos, do)
			continue
		}
		d.plan.then(Action{Verb: verbDelete, Object: tcObject(c.Name), Disruption: Affecting, Detail: c.text()}, Position{}, do)
	}
}

// createTCs plans new classes and new parameters of others.
func (d *differ) createTCs() {
	for _, w := range d.want.byDepth() {
		c := d.cur.TCs[w.Name]
		switch {
		case c == nil:
			d.plan.then(Action{Verb: verbCreate, Object: tcObject(w.Name), Disruption: None, Detail: w.text()}, w.Pos, w.add)
		case d.goneTCs[w.Name]:
			a := Action{Verb: verbRebuild, Object: tcObject(w.Name), Disruption: Affecting, Detail: tcChanges(c, w)}
			d.plan.then(a, w.Pos, w.add)
		case c.text() != w.text():
			a := Action{Verb: verbUpdate, Object: tcObject(w.Name), Disruption: InPlace, Detail: tcChanges(c, w)}
			d.plan.then(a, w.Pos, w.update)
		}
	}
}

// tcChanges describes how two classes differ.
func tcChanges(c, w *TC) string {
	var list []string
	if x, y := c.text(), w.text(); x != y {
		list = append(list, x+" -> "+y)
	}
	if !samePlace(&c.Place, &w.Place) {
		list = append(list, c.Place.text()+" -> "+w.Place.text())
	}
	if len(list) == 0 {
		return "what it hangs on is made anew"
	}
	return join(list)
}

func (t *TC) spec() engine.TCSpec {
	s := t.Place.spec()
	s.Name, s.Policy, s.Resource = t.Name, t.Policy, t.Resource
	if t.Policy == rateLimit {
		s.Limit, s.MaxBurst = map[string]int64{t.Resource: t.Limit}, map[string]int64{t.Resource: t.MaxBurst}
	}
	return s
}

func (t *TC) add(tx *engine.Tx) error    { return tx.AddTC(t.spec()) }
func (t *TC) update(tx *engine.Tx) error { return tx.UpdateTCParams(t.spec()) }

// anyWorker leaves the choice to the engine.
const anyWorker = -1

// spec returns the place in the words of the engine.
func (p *Place) spec() engine.TCSpec {
	s := engine.TCSpec{Parent: p.Parent, Worker: anyWorker, Priority: p.Priority, Share: p.Share}
	if p.Worker != nil {
		s.Worker = int64(*p.Worker)
	}
	return s
}

// taskPlan is what happens to a task of a module that stays.
type taskPlan struct {
	leaves bool // it must leave its place first
	moves  bool // its place is declared and another than now
	freed  bool // its place is not declared any more
}

func (d *differ) taskPlan(c *Task) taskPlan {
	w := d.want.Tasks[c.ID]
	var t taskPlan
	if w == nil || w.Parent == "" && w.Worker == nil {
		t.freed = c.Parent != ""
		t.leaves = t.freed || d.displaced(&c.Place)
		return t
	}
	t.moves = !samePlace(&c.Place, &w.Place)
	t.leaves = t.moves && c.Parent != "" || d.displaced(&c.Place)
	return t
}

// evictTasks takes tasks from places that go or that others may need.
func (d *differ) evictTasks() {
	for _, c := range ordered(d.cur.Tasks) {
		if d.gone[c.ID.Module] {
			continue
		}
		t := d.taskPlan(c)
		if !t.leaves {
			continue
		}
		leave := (&Task{ID: c.ID}).place
		if t.freed {
			a := Action{Verb: verbMove, Object: taskObject(c.ID), Disruption: InPlace, Detail: c.Place.text() + " -> any worker"}
			d.plan.then(a, Position{}, leave)
			continue
		}
		d.plan.quietly(taskObject(c.ID), Position{}, func(tx *engine.Tx) error {
			if err := leave(tx); errno.Code(err) != errno.ENOENT { // a module that was rebuilt may have fewer tasks
				return err
			}
			return nil
		})
	}
}

// placeTasks puts tasks where they are declared.
func (d *differ) placeTasks() {
	for _, w := range ordered(d.want.Tasks) {
		if w.Parent == "" && w.Worker == nil {
			continue
		}
		c := d.cur.Tasks[w.ID]
		a := Action{Verb: verbMove, Object: taskObject(w.ID), Disruption: InPlace}
		switch {
		case c == nil:
			a.Disruption, a.Detail = None, w.Place.text()
			d.plan.then(a, w.Pos, w.place)
		case !samePlace(&c.Place, &w.Place):
			a.Detail = c.Place.text() + " -> " + w.Place.text()
			d.plan.then(a, w.Pos, w.place)
		case d.gone[c.ID.Module] || d.displaced(&c.Place):
			d.plan.quietly(taskObject(w.ID), w.Pos, w.place)
		}
	}
}

func (t *Task) place(tx *engine.Tx) error {
	s := t.Place.spec()
	s.LeafModule, s.LeafTask = t.ID.Module, uint64(t.ID.Task)
	return tx.UpdateTCParent(s)
}
