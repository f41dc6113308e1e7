// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
	"github.com/bessform/terraform-provider-bess/appliance/worker"
)

// tcTable knows all traffic classes of all workers. Classes in a worker's
// tree are changed on that worker's thread; the table and orphans belong to
// the control side.
type tcTable struct {
	byName  map[string]sched.Class
	leaf    map[*graph.Task]*sched.Leaf
	orphans []orphan
	cursor  int // where the search for a worker goes on
}

// orphan is a class that waits for a worker, anyWorker or a certain one.
type orphan struct {
	class  sched.Class
	worker int
}

func (t *tcTable) init() {
	t.byName = map[string]sched.Class{}
	t.leaf = map[*graph.Task]*sched.Leaf{}
}

// leafName is the name of the traffic class of a task.
func leafName(t *graph.Task) string { return fmt.Sprintf("!leaf_%s:%d", t.Module.Name, t.ID) }

func taskOf(l *sched.Leaf) *graph.Task { return l.Task.(*graph.Task) }

// addLeaf makes the leaf of a new task; it waits for a worker.
func (t *tcTable) addLeaf(task *graph.Task) {
	l := sched.NewLeaf(leafName(task), task)
	t.byName[l.Name()] = l
	t.leaf[task] = l
	t.orphans = append(t.orphans, orphan{l, anyWorker})
}

// removeLeaf takes a task's leaf away and returns the way back.
func (t *tcTable) removeLeaf(e *Engine, task *graph.Task) (undo func()) {
	l := t.leaf[task]
	old := t.placeOf(l)
	t.detach(e, l)
	delete(t.byName, l.Name())
	delete(t.leaf, task)
	return func() {
		t.byName[l.Name()] = l
		t.leaf[task] = l
		t.attach(e, l, old)
	}
}

// do runs f where c may be changed: on its worker's thread, or here if it is
// an orphan.
func (t *tcTable) do(e *Engine, c sched.Class, f func()) {
	if wid := workerOf(c); wid != anyWorker {
		e.workers[wid].Do(f)
		return
	}
	f()
}

// attach gives the placeless class c a place that was checked before.
func (t *tcTable) attach(e *Engine, c sched.Class, p place) {
	if p.parent == nil {
		t.orphans = append(t.orphans, orphan{c, p.worker})
		return
	}
	t.do(e, p.parent, func() {
		if err := sched.Attach(p.parent, c, p.arg); err != nil {
			e.log.Error("attach", "tc", c.Name(), "error", err)
			return
		}
		if wid := workerOf(c); wid != anyWorker {
			t.enter(e, c, e.workers[wid])
		}
	})
	e.dirty = true
}

// enter puts the tasks below c under the worker; on the worker's thread.
func (t *tcTable) enter(e *Engine, c sched.Class, w *worker.Worker) {
	for k := range sched.All(c) {
		if l, ok := k.(*sched.Leaf); ok {
			taskOf(l).Enter(w.Ctx, w.Waker(), e.onFault)
		}
	}
}

// detach takes c, with everything below it, from where it is.
func (t *tcTable) detach(e *Engine, c sched.Class) {
	t.orphans = slices.DeleteFunc(t.orphans, func(o orphan) bool { return o.class == c })
	t.do(e, c, func() {
		sched.Detach(c)
		for k := range sched.All(c) {
			if l, ok := k.(*sched.Leaf); ok {
				taskOf(l).Enter(nil, nil, nil)
			}
		}
	})
	e.dirty = true
}

// placeOf returns where c is, for attach to put it back.
func (t *tcTable) placeOf(c sched.Class) place {
	if i := slices.IndexFunc(t.orphans, func(o orphan) bool { return o.class == c }); i >= 0 {
		return place{worker: t.orphans[i].worker}
	}
	p := place{parent: c.Parent(), worker: workerOf(c)}
	if s := c.Scheduler(); s != nil && p.parent != nil && p.parent.Name() == s.DefaultRootName() {
		p.parent = nil
	}
	if v, ok := c.Priority(); ok {
		p.arg = sched.WithPriority(int64(v))
	}
	if v, ok := c.Share(); ok {
		p.arg = sched.WithShare(int64(v))
	}
	return p
}

func (t *tcTable) isOrphan(c sched.Class) bool {
	return slices.ContainsFunc(t.orphans, func(o orphan) bool { return o.class == c })
}

// attachOrphans gives every orphan a worker, in order of creation; if there
// is none, the default worker is made (spec: scheduler.md section 3).
func (t *tcTable) attachOrphans(e *Engine) {
	if len(t.orphans) == 0 {
		return
	}
	if !e.hasWorkers() {
		if err := e.launchDefault(); err != nil {
			e.log.Error("default worker", "error", err)
			return
		}
	}
	waiting := t.orphans
	t.orphans = nil
	for _, o := range waiting {
		wid := o.worker
		if wid == anyWorker || e.workers[wid] == nil {
			wid = t.pick(e)
		}
		w := e.workers[wid]
		w.Do(func() {
			made, err := w.Sched.AddOrphanRoot(o.class)
			if err != nil {
				e.log.Error("attach", "tc", o.class.Name(), "worker", wid, "error", err)
				return
			}
			if made != nil {
				t.byName[made.Name()] = made
			}
			t.enter(e, o.class, w)
		})
	}
	e.dirty = true
}

// pick returns the next worker in turn. There is one.
func (t *tcTable) pick(e *Engine) int {
	for e.workers[t.cursor] == nil {
		t.cursor = (t.cursor + 1) % module.MaxWorkers
	}
	wid := t.cursor
	t.cursor = (wid + 1) % module.MaxWorkers
	return wid
}

// collapse removes automatic roots that have become superfluous.
func (t *tcTable) collapse(e *Engine) {
	for _, w := range e.workers {
		if w == nil {
			continue
		}
		w.Do(func() {
			if rr := w.Sched.CollapseDefaultRoot(); rr != nil {
				delete(t.byName, rr.Name())
			}
		})
	}
}

// tasksOf returns the tasks in the worker's tree.
func (t *tcTable) tasksOf(w *worker.Worker) []*graph.Task {
	leaves := w.Sched.Leaves()
	tasks := make([]*graph.Task, len(leaves))
	for i, l := range leaves {
		tasks[i] = taskOf(l)
	}
	return tasks
}

// attached returns how many of m's tasks hang in a worker's tree.
func (t *tcTable) attached(m *graph.Module) int {
	n := 0
	for _, task := range m.Tasks {
		if l := t.leaf[task]; l != nil && l.Scheduler() != nil {
			n++
		}
	}
	return n
}

// leafOf returns the name of a leaf in the worker's tree, "" if there is none.
func (t *tcTable) leafOf(w *worker.Worker) string {
	if leaves := w.Sched.Leaves(); len(leaves) > 0 {
		return leaves[0].Name()
	}
	return ""
}

// sizeOf returns the number of classes in the worker's tree.
func (t *tcTable) sizeOf(w *worker.Worker) int { return w.Sched.Size() }

// clearWorker forgets the inner classes of the worker's tree and makes its
// leaves orphans again. It returns the way back.
func (t *tcTable) clearWorker(e *Engine, w *worker.Worker) (undo func()) {
	root := w.Sched.Root()
	if root == nil {
		return func() {}
	}
	all := slices.Collect(sched.All(root))
	places := make([]place, len(all))
	for i, c := range slices.Backward(all) {
		places[i] = t.placeOf(c)
		t.detach(e, c)
		if l, ok := c.(*sched.Leaf); ok {
			t.orphans = append(t.orphans, orphan{l, anyWorker})
		} else {
			delete(t.byName, c.Name())
		}
	}
	return func() {
		for i, c := range all { // parents first
			if c.Name() == w.Sched.DefaultRootName() {
				continue // made again when it is needed
			}
			t.detach(e, c)
			t.byName[c.Name()] = c
			t.attach(e, c, places[i])
		}
	}
}

// forgetInner removes all inner classes. There are no leaves any more.
func (t *tcTable) forgetInner(e *Engine) {
	for _, c := range t.byName {
		if c.Parent() == nil {
			t.detach(e, c)
		}
	}
	t.init()
	t.orphans = nil
}

// onFault tells the operator about a panic in a module. It is called by the
// worker; the packets have been cleaned up. Traffic can make a module panic
// with every batch: one a second is reported, the module's counter has all.
func (e *Engine) onFault(t *graph.Task, f *module.Fault) {
	last, now := e.faultAt.Load(), time.Now().UnixNano()
	if last != 0 && now-last < int64(time.Second) || !e.faultAt.CompareAndSwap(last, now) {
		e.faults.Add(1)
		return
	}
	go e.log.Error("module panicked, its batch was dropped", "module", f.Module, "task", t.Label(),
		"panic", fmt.Sprint(f.Value), "dropped", f.Dropped, "lost", f.Lost, "unreported", e.faults.Swap(0))
}
