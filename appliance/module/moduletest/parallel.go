// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package moduletest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Storm lets workers 0..n-1 send the frames to input gate 0 of a module over
// and over, each from a task of its own, while change runs, and returns how
// many packets were sent. What leaves the module is only freed.
func (h *Harness) Storm(name string, n int, frames [][]byte, change func()) (sent uint64) {
	h.t.Helper()
	h.tapAll(name)
	h.quiet()
	tasks := map[int][]*graph.Task{}
	for id := range n {
		h.lane(id)
		f := h.newFeed(fmt.Sprintf("storm %d %s", id, name), name, 0)
		f.frames, f.keep = frames, true
		tasks[id] = []*graph.Task{f.task}
	}
	h.graph.Propagate(tasks)
	for id := range n {
		h.workers[id].prog = h.graph.Compile(id, tasks[id])
	}
	var stop atomic.Bool
	var total atomic.Uint64
	var wg, started sync.WaitGroup
	started.Add(n)
	for id := range n {
		l, task := h.workers[id], tasks[id][0]
		wg.Go(func() {
			up := sync.OnceFunc(started.Done)
			defer up()
			l.prog.Install(l.ctx)
			for !stop.Load() {
				res, fault := task.RunIn(l.ctx, sys.Cycles())
				if fault != nil {
					h.t.Errorf("module %s panicked: %v", fault.Module, fault.Value)
					return
				}
				total.Add(res.Packets)
				up()
			}
		})
	}
	started.Wait() // else a quick change is over before the first packet
	change()
	stop.Store(true)
	wg.Wait()
	h.version = 0 // the tasks are everybody's again
	return total.Load()
}

// Stage is a module of a pipeline.
type Stage struct {
	Class *module.Class
	Arg   proto.Message
}

// BenchPipeline measures, as BenchTasks does, one worker that runs a chain of
// modules, the first of which has a task. setup, if not nil, is called with the
// harness when the modules exist; stage i is named "0", "1" and so on. Gates
// 0..gates-1 of the last but one lead to the last.
func BenchPipeline(b *testing.B, gates int, setup func(h *Harness), stages ...Stage) {
	h := New(b)
	name := func(i int) string { return string(rune('0' + i)) }
	for i, s := range stages {
		h.MustCreate(name(i), s.Class, s.Arg)
	}
	last := len(stages) - 1
	for i := range last {
		for g := range gates {
			if g == 0 || i == last-1 {
				h.Connect(name(i), g, name(i+1), 0)
			}
		}
	}
	if setup != nil {
		setup(h)
	}
	h.BenchTasks(b, "0")
}
