// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package worker runs the pinned threads that move packets (spec: scheduler.md
// sections 2 and 5).
//
// A worker owns its context, its tree of traffic classes and its snapshot of
// the graph. The control side never touches them: it sends a function to Do,
// which the worker runs between two batches. That one mechanism publishes
// snapshots, changes the tree, pauses and stops.
package worker

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Worker is one pinned thread.
type Worker struct {
	// ID is the worker id, 0..63; Core the CPU core.
	ID, Core int
	// Ctx and Sched belong to the worker's thread: use them inside Do only,
	// but for their counters, which anybody may read.
	Ctx   *module.Context
	Sched *sched.Scheduler

	waker   *module.Waker
	hz      uint64
	tid     int
	running atomic.Bool // not paused
	stop    bool        // owned by the worker's thread

	hasMail atomic.Bool
	mu      sync.Mutex
	mail    []letter
	ended   chan struct{}

	idle idler
}

type letter struct {
	f    func()
	done chan struct{}
}

// Start creates a worker, paused, on the given core. Errors come from the
// kernel; the cache, which is the worker's now, is closed then.
func Start(id, core int, cache *packet.Cache, s *sched.Scheduler) (*Worker, error) {
	waker, err := module.NewWaker()
	if err != nil {
		cache.Close()
		return nil, fmt.Errorf("worker %d: %w", id, err)
	}
	hz := sys.CyclesPerSecond()
	w := &Worker{ID: id, Core: core, Sched: s, waker: waker, hz: hz,
		Ctx: module.NewContext(id, cache, hz), ended: make(chan struct{})}
	w.idle.init(w)
	started := make(chan error)
	go w.main(started)
	if err := <-started; err != nil {
		waker.Event().Close()
		cache.Close()
		return nil, fmt.Errorf("worker %d: core %d: %w", id, core, err)
	}
	return w, nil
}

// Waker wakes the worker when one of its tasks has work again.
func (w *Worker) Waker() *module.Waker { return w.waker }

// ThreadID is the kernel's id of the worker's thread.
func (w *Worker) ThreadID() int { return w.tid }

// Running reports whether the worker is not paused.
func (w *Worker) Running() bool { return w.running.Load() }

// Do runs f on the worker's thread between two batches, at once if it is
// paused, and waits for it. Calls from several goroutines run in the order
// in which they arrive. f must not call Do.
func (w *Worker) Do(f func()) { <-w.post(f) }

// Ping returns a channel that is closed when the worker has read its mail,
// paused or not. A worker that hangs in a module never does.
func (w *Worker) Ping() <-chan struct{} { return w.post(func() {}) }

func (w *Worker) post(f func()) <-chan struct{} {
	l := letter{f: f, done: make(chan struct{})}
	w.mu.Lock()
	w.mail = append(w.mail, l)
	w.hasMail.Store(true)
	w.mu.Unlock()
	w.waker.Event().Signal()
	return l.done
}

// Pause makes the worker stop between two batches and returns when it has.
func (w *Worker) Pause() { w.Do(func() { w.running.Store(false) }) }

// Resume lets a paused worker run.
func (w *Worker) Resume() { w.Do(func() { w.running.Store(true) }) }

// Stop ends the worker. Its tasks must have been taken away.
func (w *Worker) Stop() {
	w.Do(func() { w.stop = true })
	<-w.ended
	w.waker.Event().Close()
}

// main is the worker's thread. It is never unlocked from its goroutine, so
// that the pinned thread ends with it.
func (w *Worker) main(started chan<- error) {
	runtime.LockOSThread()
	defer close(w.ended)
	if err := sys.PinThread(0, w.Core); err != nil {
		started <- err
		return
	}
	sys.FineTimers()
	w.tid = sys.ThreadID()
	started <- nil
	now := sys.Cycles()
	for !w.stop {
		if w.hasMail.Load() {
			w.readMail()
			now = sys.Cycles()
			continue
		}
		if !w.running.Load() {
			w.idle.sleepUntilMail()
			continue
		}
		now = w.round(now)
	}
	w.Ctx.Cache.Close()
	sys.Prefer(0, false) // the thread ends, unless it is the process's first
}

// round schedules once and returns the time at its end.
func (w *Worker) round(now uint64) uint64 {
	leaf := w.Sched.Next(now)
	if leaf == nil {
		w.idle.nothing(now)
		return sys.Cycles()
	}
	res := leaf.Task.Run(now)
	end := sys.Cycles()
	w.Sched.Done(leaf, res, end-now, end)
	if res.Packets == 0 && res.Blocked {
		if w.idle.nothing(end) {
			return sys.Cycles() // the time asleep is nobody's
		}
		return end
	}
	w.idle.worked(end)
	return end
}

func (w *Worker) readMail() {
	w.mu.Lock()
	mail := w.mail
	w.mail = nil
	w.hasMail.Store(false)
	w.mu.Unlock()
	for _, l := range mail {
		l.f()
		close(l.done)
	}
	// Whatever was done may have brought work.
	w.idle.worked(sys.Cycles())
}
