// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"runtime"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/worker"
)

// anyWorker is the worker id that leaves the choice to the engine.
const anyWorker = -1

// experimental is the name of the scheduler that backs off from idle tasks.
const experimental = "experimental"

// controlThreads is how many threads the control side can use at once.
const controlThreads = 2

// AddWorker creates a worker, paused. Errors: EINVAL for an id outside 0..63,
// a core the machine does not have or an unknown scheduler, EEXIST for an id
// in use.
func (e *Engine) AddWorker(wid, core int64, scheduler string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.addWorker(wid, core, scheduler)
}

func (e *Engine) addWorker(wid, core int64, scheduler string) error {
	if wid < 0 || wid >= module.MaxWorkers {
		return errno.Errorf(errno.EINVAL, "Invalid worker id: %d must be 0..%d", wid, module.MaxWorkers-1)
	}
	if core < 0 || core > 1<<16 || !sys.CoreExists(int(core)) {
		return errno.Errorf(errno.EINVAL, "Invalid core %d", core)
	}
	if e.workers[wid] != nil {
		return errno.Errorf(errno.EEXIST, "worker:%d is already active", wid)
	}
	if scheduler != "" && scheduler != experimental {
		return errno.Errorf(errno.EINVAL, "Invalid scheduler %s: must be empty or %q", scheduler, experimental)
	}
	s := sched.New(sched.Options{Worker: int(wid), Backoff: scheduler == experimental})
	w, err := worker.Start(int(wid), int(core), e.pool.NewCache(), s)
	if err != nil {
		return errno.Wrap(err, "worker %d", wid)
	}
	e.workers[wid] = w
	e.separateThreads()
	e.undo.add(func() { e.endWorker(w) })
	e.changed()
	return nil
}

// separateThreads keeps the control side's threads off the workers' cores
// while there are others. Then the workers also come before what other
// processes the kernel puts there; without a core of their own for the control
// side that would starve it.
func (e *Engine) separateThreads() {
	keep, used := map[int]bool{}, map[int]bool{}
	for _, w := range e.workers {
		if w != nil {
			keep[w.ThreadID()] = true
			used[w.Core] = true
		}
	}
	var free []int
	for _, c := range e.cores {
		if !used[c] {
			free = append(free, c)
		}
	}
	apart := len(free) > 0
	if !apart {
		free = e.cores
	}
	sys.PinOthers(keep, free)
	for tid := range keep {
		sys.Prefer(tid, apart)
	}
	// A worker never gives its place in the Go scheduler away.
	if n := len(keep) + controlThreads; runtime.GOMAXPROCS(0) < n {
		runtime.GOMAXPROCS(n)
	}
}

// worker returns an existing worker or says why there is none.
func (e *Engine) worker(wid int64) (*worker.Worker, error) {
	if wid < 0 || wid >= module.MaxWorkers {
		return nil, errno.Errorf(errno.EINVAL, "Invalid worker id: %d must be 0..%d", wid, module.MaxWorkers-1)
	}
	w := e.workers[wid]
	if w == nil {
		return nil, errno.Errorf(errno.ENOENT, "Worker %d is not active", wid)
	}
	return w, nil
}

// DestroyWorker ends a worker with its remaining traffic classes. Errors:
// EINVAL for a bad id, ENOENT, EBUSY while a task hangs in its tree.
func (e *Engine) DestroyWorker(wid int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, err := e.worker(wid)
	if err != nil {
		return err
	}
	if leaf := e.tcs.leafOf(w); leaf != "" {
		return errno.Errorf(errno.EBUSY, "Worker %d has active tasks: %s", wid, leaf)
	}
	e.endWorker(w)
	return nil
}

// endWorker stops w and forgets the traffic classes in its tree; leaves
// become orphans. It returns the way back for the classes, which then wait for
// the worker of the same id.
func (e *Engine) endWorker(w *worker.Worker) (restore func()) {
	restore = e.tcs.clearWorker(e, w)
	w.Stop()
	e.workers[w.ID] = nil
	e.separateThreads()
	e.changed()
	return restore
}

// ResetWorkers ends all workers with their trees of traffic classes.
func (e *Engine) ResetWorkers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resetWorkers()
	e.settle()
}

func (e *Engine) resetWorkers() {
	for _, w := range e.workers {
		if w != nil {
			e.endWorker(w)
		}
	}
}

// stopWorkers pauses all workers.
func (e *Engine) stopWorkers() {
	for _, w := range e.workers {
		if w != nil && w.Running() {
			w.Pause()
		}
	}
}

// WorkerStatus is a line of ListWorkers.
type WorkerStatus struct {
	ID, Core, NumTCs int
	Running          bool
	// SilentDrops counts packets that ended in unconnected gates or were
	// dropped by modules, LoopDrops those that went round in circles, since
	// the worker was created.
	SilentDrops, LoopDrops uint64
}

// ListWorkers returns the workers by id.
func (e *Engine) ListWorkers() []WorkerStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []WorkerStatus{}
	for _, w := range e.workers {
		if w != nil {
			list = append(list, WorkerStatus{ID: w.ID, Core: w.Core, NumTCs: e.tcs.sizeOf(w), Running: w.Running(),
				SilentDrops: w.Ctx.SilentDrops.Load(), LoopDrops: w.Ctx.LoopDrops.Load()})
		}
	}
	return list
}

// PauseAll stops all workers; when it returns none touches a module, a port
// or a traffic class.
func (e *Engine) PauseAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopWorkers()
}

// PauseWorker stops one worker; one that does not exist is no error. Errors:
// EINVAL for an id outside 0..63.
func (e *Engine) PauseWorker(wid int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, err := e.worker(wid)
	if errno.Code(err) == errno.EINVAL {
		return err
	}
	if w != nil {
		w.Pause()
	}
	return nil
}

// ResumeAll attaches orphan traffic classes if no worker runs, publishes the
// graph, simplifies automatic roots and starts every paused worker. It never
// fails (spec: api.md section 6.2).
func (e *Engine) ResumeAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resumeAll()
}

func (e *Engine) resumeAll() {
	if !e.anyRunning() {
		e.tcs.attachOrphans(e)
	}
	e.tcs.collapse(e)
	e.dirty = true
	e.publish()
	for _, w := range e.workers {
		if w != nil && !w.Running() {
			e.start(w)
		}
	}
}

func (e *Engine) anyRunning() bool {
	for _, w := range e.workers {
		if w != nil && w.Running() {
			return true
		}
	}
	return false
}

// ResumeWorker starts one worker if it is paused. Errors: EINVAL for an id
// outside 0..63.
func (e *Engine) ResumeWorker(wid int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, err := e.worker(wid)
	if errno.Code(err) == errno.EINVAL {
		return err
	}
	if w != nil && !w.Running() {
		e.start(w)
	}
	return nil
}
