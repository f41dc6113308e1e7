// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sched"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// job is a task that has as much work as it is given.
type job struct {
	work  atomic.Int64
	runs  atomic.Int64
	retry uint64
	fd    int
	at    atomic.Uint64 // cycles when work was last taken
}

func (j *job) Run(now uint64) sched.Result {
	j.runs.Add(1)
	if j.work.Load() == 0 {
		return sched.Result{Blocked: true, Retry: j.retry}
	}
	j.at.Store(sys.Cycles())
	j.work.Add(-1)
	return sched.Result{Packets: 1, Bits: 8}
}

func (j *job) WaitFD() int { return j.fd }

func startWorker(t testing.TB, jobs ...*job) *Worker {
	t.Helper()
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	s := sched.New(sched.Options{})
	w, err := Start(0, sys.AllowedCores()[0], pool.NewCache(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Stop(); pool.Close() })
	w.Do(func() {
		for i, j := range jobs {
			if _, err := s.AddOrphanRoot(sched.NewLeaf(fmt.Sprint("leaf", i), j)); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

func await(t testing.TB, what string, f func() bool) {
	t.Helper()
	testenv.Eventually(t, what+" happens", f)
}

// asleep reports whether the kernel has put the worker's thread to sleep.
func asleep(w *Worker) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", w.ThreadID()))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "S")
}

func TestIdleWorkerSleepsAndIsWokenByATask(t *testing.T) {
	a, b := &job{fd: -1}, &job{fd: -1}
	w := startWorker(t, a, b)
	handle := &module.Task{}
	handle.SetWaker(w.Waker())
	w.Resume()
	for i := range int64(20) {
		await(t, "sleep", func() bool { return asleep(w) })
		b.work.Add(1)
		handle.Wake()
		await(t, fmt.Sprint("work ", i), func() bool { return b.work.Load() == 0 })
	}
}

func TestIdleWorkerIsWokenByADescriptor(t *testing.T) {
	ev, err := sys.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	j := &job{fd: ev.FD()}
	w := startWorker(t, j)
	w.Resume()
	for range 20 {
		await(t, "sleep", func() bool { return asleep(w) })
		j.work.Add(1)
		ev.Signal()
		await(t, "work", func() bool { return j.work.Load() == 0 })
		ev.Clear()
	}
}

func TestIdleWorkerPollsATaskThatAsksForIt(t *testing.T) {
	j := &job{fd: -1, retry: sys.CyclesOf(time.Millisecond, sys.CyclesPerSecond())}
	w := startWorker(t, j)
	w.Resume()
	await(t, "sleep", func() bool { return asleep(w) })
	n := j.runs.Load()
	await(t, "a further poll", func() bool { return j.runs.Load() > n+3 })
}

// Work that appears between the last look and the sleep must not be missed.
func TestNoWakeUpIsLost(t *testing.T) {
	j := &job{fd: -1}
	w := startWorker(t, j)
	handle := &module.Task{}
	handle.SetWaker(w.Waker())
	w.Resume()
	rounds := 20000
	if testing.Short() {
		rounds = 2000
	}
	for i := range rounds {
		j.work.Add(1)
		handle.Wake()
		if i%3 == 0 { // let it come to different points of falling asleep
			time.Sleep(time.Duration(i%90) * time.Microsecond)
		}
	}
	await(t, "all work", func() bool { return j.work.Load() == 0 })
}

func TestPauseResumeStopFromAnyState(t *testing.T) {
	j := &job{fd: -1}
	w := startWorker(t, j)
	if w.Running() {
		t.Fatal("a new worker runs")
	}
	w.Resume()
	await(t, "sleep", func() bool { return asleep(w) })
	w.Pause()
	n := j.runs.Load()
	j.work.Add(1)
	w.Do(func() {})
	if j.runs.Load() != n {
		t.Fatal("a paused worker runs tasks")
	}
	w.Resume()
	await(t, "work", func() bool { return j.work.Load() == 0 })
}

// The time a worker sleeps must not count as the time of the task it runs
// next.
func TestSleepIsNotChargedToTasks(t *testing.T) {
	j := &job{fd: -1}
	w := startWorker(t, j)
	handle := &module.Task{}
	handle.SetWaker(w.Waker())
	w.Resume()
	start := sys.Cycles()
	for range 50 {
		await(t, "sleep", func() bool { return asleep(w) })
		time.Sleep(2 * time.Millisecond)
		j.work.Add(1)
		handle.Wake()
		await(t, "work", func() bool { return j.work.Load() == 0 })
	}
	passed := sys.Cycles() - start
	var charged uint64
	w.Do(func() { charged = w.Sched.Root().Stats().Cycles })
	if charged > passed/2 {
		t.Fatalf("%d of %d cycles are charged to a task that slept most of the time", charged, passed)
	}
}

func TestWorkerIsPinned(t *testing.T) {
	w := startWorker(t)
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", w.ThreadID()))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("Cpus_allowed_list:\t%d\n", w.Core); !strings.Contains(string(b), want) {
		t.Fatalf("thread is not bound to core %d:\n%s", w.Core, b)
	}
}

func TestRoundsDoNotAllocate(t *testing.T) {
	j := &job{fd: -1}
	w := startWorker(t, j)
	w.Do(func() {
		j.work.Store(1 << 40)
		now := sys.Cycles()
		if n := testing.AllocsPerRun(1000, func() { now = w.round(now) }); n != 0 {
			t.Errorf("a busy round allocates %v times", n)
		}
		j.work.Store(0)
		j.retry = sys.CyclesOf(30*time.Microsecond, w.hz) // long enough to sleep
		for end := sys.Cycles() + 2*w.idle.spin; sys.Cycles() < end; {
			now = w.round(now)
		}
		if n := testing.AllocsPerRun(1000, func() { now = w.round(now) }); n != 0 {
			t.Errorf("an idle round allocates %v times", n)
		}
	})
}

// BenchmarkWake measures the time from handing work to a sleeping worker to
// the start of that work.
func BenchmarkWake(b *testing.B) {
	j := &job{fd: -1}
	w := startWorker(b, j)
	handle := &module.Task{}
	handle.SetWaker(w.Waker())
	w.Resume()
	hz := sys.CyclesPerSecond()
	var total uint64
	for b.Loop() {
		await(b, "sleep", func() bool { return asleep(w) })
		j.work.Store(1)
		start := sys.Cycles()
		handle.Wake()
		for j.work.Load() != 0 {
		}
		total += sys.Nanoseconds(j.at.Load()-start, hz)
	}
	b.ReportMetric(float64(total)/float64(b.N), "ns/wake")
}

func BenchmarkRound(b *testing.B) {
	j := &job{fd: -1}
	j.work.Store(1 << 60)
	w := startWorker(b, j)
	w.Do(func() {
		now := sys.Cycles()
		b.ReportAllocs()
		for b.Loop() {
			now = w.round(now)
		}
	})
}

// A worker that cannot be pinned left its descriptor and its cache behind.
func TestFailedStartLeavesNothing(t *testing.T) {
	pool, err := packet.NewPool(1024)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	descriptors := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(d)
	}
	before := descriptors()
	for range 20 {
		cache := pool.NewCache()
		if p := cache.Alloc(); p == 0 {
			t.Fatal("no packet")
		} else {
			cache.Free(p)
		}
		if _, err := Start(0, 1<<15, cache, sched.New(sched.Options{})); err == nil {
			t.Fatal("a worker started on a core that does not exist")
		}
	}
	if n := descriptors(); n > before+5 {
		t.Fatalf("%d descriptors before, %d after", before, n)
	}
	p := pool.NewCache()
	defer p.Close()
	for range 1024 {
		if p.Alloc() == 0 {
			t.Fatal("packets stayed in caches of workers that never were")
		}
	}
}
