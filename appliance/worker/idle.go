// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

const (
	// spin is how long a worker polls without finding work before it thinks
	// of sleeping: long enough never to sleep between the packets of a busy
	// port, short enough to cost nothing.
	spin = 50 * time.Microsecond
	// shortest is the shortest sleep worth a system call.
	shortest = 20 * time.Microsecond
	// longest bounds every sleep, in case a task forgot to say what it waits
	// for.
	longest = time.Second
)

// waiting is a task that can name a descriptor.
type waiting interface{ WaitFD() int }

// idler decides when the worker sleeps, and for how long: until a descriptor
// of one of its tasks is readable, a task is woken, a throttled traffic class
// may go on, a task wants to be polled again, or mail arrives.
type idler struct {
	w        *Worker
	poll     sys.Waiter
	since    uint64 // when work was last seen, in cycles
	spin     uint64 // in cycles
	shortest uint64
	longest  uint64
	sleeps   uint64 // how often it has slept
}

func (i *idler) init(w *Worker) {
	i.w = w
	i.spin = sys.CyclesOf(spin, w.hz)
	i.shortest = sys.CyclesOf(shortest, w.hz)
	i.longest = sys.CyclesOf(longest, w.hz)
}

// worked notes that there was work.
func (i *idler) worked(now uint64) { i.since = now }

// nothing notes a round without work and sleeps if every task has had its
// turn in vain and the polling time is over. It reports whether time has
// passed.
func (i *idler) nothing(now uint64) bool {
	if now-i.since < i.spin || i.w.Sched.IdleRuns() < uint64(len(i.w.Sched.Leaves())) {
		return false
	}
	_, idle := i.w.Sched.Idle()
	if idle {
		i.sleep(now)
	}
	return idle
}

// sleep announces the sleep, then looks at every task once more, since one
// that was given work before the announcement was not woken.
func (i *idler) sleep(now uint64) {
	waker := i.w.waker
	waker.SetAsleep(true)
	if !i.lastLook(now) && !i.w.hasMail.Load() {
		if ns := i.howLong(sys.Cycles()); ns > 0 {
			i.poll.Reset()
			i.poll.Add(waker.Event().FD())
			i.addDescriptors()
			i.sleeps++
			i.poll.Wait(ns)
		}
	}
	waker.SetAsleep(false)
	waker.Event().Clear()
}

// addDescriptors adds those of all tasks that could run.
func (i *idler) addDescriptors() {
	for _, l := range i.w.Sched.Leaves() {
		if t, ok := l.Task.(waiting); ok && l.Runnable() {
			i.poll.Add(t.WaitFD())
		}
	}
}

// lastLook runs scheduling rounds until every leaf had a turn, and reports
// whether one of them found work.
func (i *idler) lastLook(now uint64) bool {
	for range 2 * len(i.w.Sched.Leaves()) {
		leaf := i.w.Sched.Next(now)
		if leaf == nil {
			return false
		}
		res := leaf.Task.Run(now)
		end := sys.Cycles()
		i.w.Sched.Done(leaf, res, end-now, end)
		now = end
		if res.Packets > 0 || !res.Blocked {
			i.worked(end)
			return true
		}
	}
	return false
}

// howLong returns the longest permissible sleep in nanoseconds, 0 if it is
// not worth it.
func (i *idler) howLong(now uint64) int64 {
	limit := i.longest
	if t, ok := i.w.Sched.NextWake(); ok {
		if t <= now {
			return 0
		}
		limit = min(limit, t-now)
	}
	retry, idle := i.w.Sched.Idle()
	if !idle {
		return 0
	}
	if retry > 0 {
		limit = min(limit, retry)
	}
	if limit < i.shortest {
		return 0
	}
	return int64(sys.Nanoseconds(limit, i.w.hz))
}

// sleepUntilMail sleeps until Do is called.
func (i *idler) sleepUntilMail() {
	i.poll.Reset()
	i.poll.Add(i.w.waker.Event().FD())
	i.poll.Wait(-1)
	i.w.waker.Event().Clear()
}
