// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/worker"
)

// How a change reaches the workers
//
// A verb changes the graph and marks the engine dirty. publish then compiles a
// snapshot for every running worker and lets each install it between two
// batches; a paused worker gets its snapshot when it starts. Modules and hooks
// that left the graph are closed once no worker can have them in its snapshot.
// Within a transaction nothing is published before the commit.

// settle ends every call that in the original engine pauses the workers: all
// orphan traffic classes find a worker, and the change is published.
func (e *Engine) settle() {
	if e.undo == nil {
		e.tcs.attachOrphans(e)
	}
	e.publish()
}

// publish brings the current graph to the running workers.
func (e *Engine) publish() {
	if e.undo == nil && e.isDirty() {
		e.publishNow()
	}
}

// publishNow is publish without asking whether it is needed or allowed. While
// no worker runs there is nobody to tell: building a pipeline of thousands of
// modules call by call then costs nothing but the calls.
func (e *Engine) publishNow() {
	e.installAll()
	e.dirty = false
	e.published = e.graph.Version()
	if e.undo == nil {
		e.bury()
	}
}

// installAll gives all running workers the current graph.
func (e *Engine) installAll() {
	if !e.anyRunning() {
		return
	}
	e.propagate()
	for _, w := range e.workers {
		if w != nil && w.Running() {
			e.install(w)
		}
	}
}

func (e *Engine) isDirty() bool {
	return e.dirty || e.published != e.graph.Version() || len(e.retired)+len(e.oldHooks) > 0
}

// install compiles the worker's snapshot and waits until it runs it.
func (e *Engine) install(w *worker.Worker) {
	prog := e.graph.Compile(w.ID, e.tcs.tasksOf(w))
	w.Do(func() { prog.Install(w.Ctx) })
}

// start gives a paused worker its snapshot and lets it run.
func (e *Engine) start(w *worker.Worker) {
	e.propagate()
	e.install(w)
	w.Resume()
}

// bury closes what left the graph.
func (e *Engine) bury() {
	retired, hooks := e.retired, e.oldHooks
	e.retired, e.oldHooks = nil, nil
	for _, h := range hooks {
		h.Impl.Close()
	}
	for _, m := range retired {
		delete(e.calls, m)
		m.Close()
	}
}

// propagate recomputes which workers reach which modules.
func (e *Engine) propagate() {
	tasks := map[int][]*graph.Task{}
	for _, w := range e.workers {
		if w != nil {
			tasks[w.ID] = e.tcs.tasksOf(w)
		}
	}
	e.graph.Propagate(tasks)
}

// quiesce runs f while the given workers wait at a batch boundary. Workers
// that do not run are left alone.
func (e *Engine) quiesce(wids []int, f func()) {
	release := make(chan struct{})
	var waiting []chan struct{}
	for _, wid := range wids {
		w := e.workers[wid]
		if w == nil || !w.Running() {
			continue
		}
		parked := make(chan struct{})
		left := make(chan struct{})
		go w.Do(func() {
			close(parked)
			<-release
			close(left)
		})
		<-parked
		waiting = append(waiting, left)
	}
	f()
	close(release)
	for _, left := range waiting {
		<-left
	}
}

// reroute gives workers that wait at a batch boundary a snapshot in which m
// separates workers as it does now, so that they find the gates they are sent
// to. Within a transaction the snapshot comes at its end.
func (e *Engine) reroute(m *graph.Module, waiting []int) {
	if _, ok := m.Impl.(module.WorkerRouter); !ok {
		return
	}
	e.graph.Touch()
	if e.undo != nil {
		return
	}
	e.propagate()
	for _, wid := range waiting {
		if w := e.workers[wid]; w != nil && w.Running() {
			e.graph.Compile(w.ID, e.tcs.tasksOf(w)).Install(w.Ctx)
		}
	}
}

// rebuild puts a new instance with the given argument in m's place: the same
// name, links, hooks and tasks.
func (e *Engine) rebuild(m *graph.Module, arg *anypb.Any) error {
	m.Env.Release()
	fresh, err := e.construct(m.Class, m.Name, arg)
	if err != nil {
		if rerr := m.Env.Reclaim(); rerr != nil {
			e.log.Error("reclaim", "module", m.Name, "error", rerr)
		}
		return err
	}
	var undo []func()
	kept := min(len(m.Tasks), len(fresh.Tasks))
	oldTasks, newTasks := slices.Clone(m.Tasks), slices.Clone(fresh.Tasks)
	for _, t := range oldTasks[:kept] {
		undo = append(undo, t.Rebind(fresh))
	}
	for _, t := range oldTasks[kept:] {
		undo = append(undo, e.tcs.removeLeaf(e, t))
	}
	e.graph.Replace(m, fresh)
	undo = append(undo, e.renewHooks(m, fresh))
	for _, t := range newTasks[kept:] {
		e.tcs.addLeaf(t)
	}
	e.retired = append(e.retired, m)
	e.undo.add(func() {
		for _, t := range newTasks[kept:] {
			e.tcs.removeLeaf(e, t)
		}
		e.graph.Replace(fresh, m)
		fresh.Env.Release()
		e.retired = append(e.retired, fresh)
		if err := m.Env.Reclaim(); err != nil {
			e.log.Error("reclaim", "module", m.Name, "error", err)
		}
		for _, f := range slices.Backward(undo) {
			f()
		}
		e.unretire(m)
	})
	e.changed()
	return nil
}
