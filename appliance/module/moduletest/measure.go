// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package moduletest

import (
	"math"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// quiet makes all taps free what they get.
func (h *Harness) quiet() {
	for _, t := range h.taps {
		t.silent = true
	}
}

// NoAllocs fails the test if a batch of the frames, arriving on input gate 0,
// makes anything allocate.
func (h *Harness) NoAllocs(name string, frames ...[]byte) {
	h.t.Helper()
	h.noAllocs(name, 0, frames...)
}

func (h *Harness) noAllocs(name string, igate int, frames ...[]byte) {
	h.t.Helper()
	h.tapAll(name)
	h.quiet()
	f := h.feed(name, igate)
	f.frames, f.keep = frames, true
	defer func() { f.keep = false }()
	h.lane(h.worker)
	if n := testing.AllocsPerRun(100, func() { h.run(f.task) }); n != 0 {
		h.t.Errorf("%s: %v allocations per batch", name, n)
	}
}

// NoTaskAllocs fails the test if a run of the task makes anything allocate.
func (h *Harness) NoTaskAllocs(name string, task int) {
	h.t.Helper()
	h.tapAll(name)
	h.quiet()
	t := h.module(name).Tasks[task]
	h.lane(h.worker)
	if n := testing.AllocsPerRun(100, func() { h.run(t) }); n != 0 {
		h.t.Errorf("%s: %v allocations per run of task %d", name, n, task)
	}
}

// NoAllocsInScript runs a script and then, with the pipeline in the state that
// it leaves, all it sends and runs once more: none of it may allocate. It
// returns how many statements it has looked at.
func NoAllocsInScript(t *testing.T, file string, ar *txtar.Archive, classes ...*module.Class) int {
	t.Helper()
	s := runScript(t, file, ar, classes...)
	for _, again := range s.sent {
		again()
	}
	return len(s.sent)
}

// Bench measures Process of an instance with full batches made of the frames
// in turn; the figure includes making and freeing the packets. ns/pkt is
// reported.
func Bench(b *testing.B, class *module.Class, arg proto.Message, frames ...[]byte) {
	h := New(b)
	h.MustCreate("m", class, arg)
	h.Bench(b, "m", frames...)
}

// Bench is the function Bench for an instance that has been set up.
func (h *Harness) Bench(b *testing.B, name string, frames ...[]byte) {
	h.tapAll(name)
	h.quiet()
	f := h.feed(name, 0)
	f.keep = true
	for i := range packet.BatchSize {
		f.frames = append(f.frames, frames[i%len(frames)])
	}
	h.lane(h.worker)
	b.ReportAllocs()
	for b.Loop() {
		h.run(f.task)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
}

// BenchTasks measures runs of the first tasks of modules in turn, with all that
// is behind them, in bursts of 500 rounds. ns/pkt and Mpps of the best burst are
// reported, counted at the last task, and allocations fail the benchmark.
func (h *Harness) BenchTasks(b *testing.B, names ...string) {
	h.tapAll("")
	h.quiet()
	var tasks []*graph.Task
	for _, name := range names {
		tasks = append(tasks, h.module(name).Tasks[0])
	}
	l := h.lane(h.worker)
	l.prog.Install(l.ctx)
	round := func() (packets uint64) {
		for _, t := range tasks {
			res, fault := t.RunIn(l.ctx, sys.Cycles())
			if fault != nil {
				b.Fatalf("module %s panicked: %v", fault.Module, fault.Value)
			}
			packets = res.Packets
		}
		return packets
	}
	if n := testing.AllocsPerRun(10, func() { round() }); n != 0 {
		b.Errorf("%v allocations per round", n)
	}
	best := math.Inf(1)
	for b.Loop() {
		// Other programs share the machine: the best burst is the one they
		// left alone.
		var packets uint64
		start := time.Now()
		for range 500 {
			packets += round()
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/float64(packets))
	}
	b.ReportMetric(best, "ns/pkt")
	b.ReportMetric(1e3/best, "Mpps")
	b.ReportMetric(0, "ns/op")
}
