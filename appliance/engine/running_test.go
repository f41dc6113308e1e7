// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"bytes"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/buffer"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// lines is a log destination.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// A task linked to a running module waited for the next unrelated call (spec:
// api.md section 6.5: connecting to an active module attaches orphans).
func TestConnectToARunningModuleStartsTheNewTask(t *testing.T) {
	e := newEngine(t)
	build(t, e, "src", "Source", "out", "Sink")
	e.ResumeAll()
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > 0 })
	_, err := e.CreateModule("late", "Source", nil)
	must(t, err)
	must(t, e.Connect("late", 0, "out", 0, false))
	await(t, "traffic of the new task", func() bool { return passed(t, e, "!leaf_late:0") > 0 })
}

// Every panic started a goroutine that logged, and named the task by what the
// control side may be changing; run with the race detector.
func TestPanicsWithEveryBatchAreReportedOnceASecond(t *testing.T) {
	log := &lines{}
	rigid := *source.Class
	rigid.Name = "Rigid"
	rigid.New = func(env *module.Env, a proto.Message) (module.Module, error) {
		m, err := source.Class.New(env, a)
		if err != nil {
			return nil, err
		}
		return struct {
			module.Module
			module.Runner
		}{m, m.(module.Runner)}, nil
	}
	f := &faulty{}
	f.broken.Store(true)
	class := &module.Class{Name: "Faulty", Prefix: "f", IGates: 1, OGates: 1, MaxWorkers: 64,
		New: func(*module.Env, proto.Message) (module.Module, error) { return f, nil }}
	e, err := engine.New(engine.Options{Classes: []*module.Class{&rigid, sink.Class, class}, Buffers: 4096,
		Log: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	t.Cleanup(e.Close)
	build(t, e, "src", "Rigid", "f", "Faulty", "out", "Sink")
	e.ResumeAll()
	panics := func() uint64 {
		c, err := e.ModuleCounters("f")
		must(t, err)
		return c.Panics
	}
	for range 20 { // a task that gets another instance while its runs panic
		how, err := e.UpdateModule("src", arg(t, &source.SourceArg{PktSize: 100}))
		if err != nil || how != engine.Rebuilt {
			t.Fatalf("%v %v", how, err)
		}
		n := panics()
		await(t, "panics", func() bool { return panics() > n+100 })
	}
	await(t, "a report", func() bool { return log.count("task=src:0") > 0 })
	e.PauseAll()
	if n, all := log.count("panicked"), panics(); uint64(n) > all/100 {
		t.Fatalf("%d reports of %d panics", n, all)
	}
}

// Configuring the other resume hook, or the same once more, took new offsets.
func TestFrozenMetadataStaysFrozen(t *testing.T) {
	attr := func(name, attr string, mode module.Mode) *module.Class {
		return &module.Class{Name: name, Prefix: "m", IGates: 1, OGates: 1,
			New: func(env *module.Env, _ proto.Message) (module.Module, error) {
				_, err := env.AddAttr(attr, 4, mode)
				return &faulty{}, err
			}}
	}
	e := newEngine(t, attr("WriteX", "x", module.Write), attr("ReadX", "x", module.Read))
	build(t, e, "w", "WriteX", "r", "ReadX")
	must(t, e.ConfigureResumeHook("setup_metadata", false, nil))
	_, err := e.CreateModule("late", "ReadX", nil)
	must(t, err)
	must(t, e.Connect("r", 0, "late", 0, false))
	offset := func(m string) int {
		i, err := e.ModuleInfo(m)
		must(t, err)
		return i.Attrs[0].Offset
	}
	if o := offset("late"); o >= 0 {
		t.Fatalf("offset %d of a module made after the freeze", o)
	}
	must(t, e.ConfigureResumeHook("setup_metadata", false, nil))
	must(t, e.ConfigureResumeHook("setup_taskgraph", false, nil))
	must(t, e.ConfigureResumeHook("setup_taskgraph", true, nil))
	_, err = e.CreateModule("more", "ReadX", nil)
	must(t, err)
	if o := offset("late"); o >= 0 {
		t.Fatalf("offset %d: frozen metadata was computed again", o)
	}
	must(t, e.ConfigureResumeHook("setup_metadata", true, nil))
	if o := offset("late"); o != 0 {
		t.Fatalf("offset %d after the hook came back, want 0", o)
	}
}

// Hook names were the only ones without limits.
func TestHookNamesAreChecked(t *testing.T) {
	h := &eye{}
	e := fullEngine(t, &binLog{}, h)
	build(t, e, "src", "Source", "out", "Sink")
	for _, name := range []string{strings.Repeat("x", 256), "a\nb"} {
		_, err := e.ConfigureHook(engine.HookSpec{Class: "Eye", Module: "src", Name: name}, true)
		if errno.Code(err) != errno.EINVAL {
			t.Errorf("name %.10q of %d bytes: %v", name, len(name), err)
		}
	}
	name, err := e.ConfigureHook(engine.HookSpec{Class: "Eye", Module: "src", Name: "my eye"}, true)
	if err != nil || name != "my eye" || len(e.ListHooks()) != 2 {
		t.Fatalf("%q, %v, hooks %+v", name, err, e.ListHooks())
	}
}

// Workers come first on their cores as long as the control side has a core of
// its own.
func TestWorkersHavePrecedence(t *testing.T) {
	e := newEngine(t)
	cores := e.AllowedCores()
	if os.Geteuid() != 0 || len(cores) < 2 {
		t.Skip("needs root and two cores")
	}
	// Not that of this process: its first thread may be a worker's.
	usual := sys.Nice(os.Getppid())
	first := func() (n int) {
		entries, err := os.ReadDir("/proc/self/task")
		must(t, err)
		for _, entry := range entries {
			tid, _ := strconv.Atoi(entry.Name())
			if sys.Nice(tid) < usual {
				n++
			}
		}
		return n
	}
	for i, c := range cores {
		want := i + 1
		if want == len(cores) {
			want = 0 // nothing is left for the control side
		}
		must(t, e.AddWorker(int64(i), int64(c), ""))
		if n := first(); n != want {
			t.Errorf("%d workers on %d cores: %d threads come first, want %d", i+1, len(cores), n, want)
		}
	}
	must(t, e.DestroyWorker(0))
	if n := first(); n != len(cores)-1 {
		t.Errorf("with a core free again %d threads come first, want %d", n, len(cores)-1)
	}
}

// Packets that do not fill a Buffer leave although no others come, whichever
// worker runs its task, and that task comes and goes with the timeout.
func TestBufferIsFlushed(t *testing.T) {
	e := newEngine(t, buffer.Class)
	must(t, e.AddWorker(0, 0, ""))
	must(t, e.AddWorker(1, 0, ""))
	timed := func(ns uint64) *anypb.Any { return arg(t, &buffer.BufferArg{FlushTimeoutNs: ns}) }
	build(t, e, "src", "Source", "b", "Buffer", "out", "Sink")
	must(t, e.AddTC(engine.TCSpec{Name: "rl", Policy: "rate_limit", Resource: "packet", Limit: map[string]int64{"packet": 200}, Worker: 0}))
	must(t, e.UpdateTCParent(engine.TCSpec{LeafModule: "src", Parent: "rl", Worker: -1}))
	_, err := e.Command("src", "set_burst", arg(t, &source.SourceCommandSetBurstArg{Burst: 1}))
	must(t, err)
	flushed := func() uint64 {
		c, err := e.ModuleCounters("b")
		must(t, err)
		return c.Values[0]
	}
	e.ResumeAll()
	for range 2 {
		how, err := e.UpdateModule("b", timed(100_000))
		if err != nil || how != engine.Rebuilt {
			t.Fatalf("%v %v", how, err)
		}
		for wid := range int64(2) {
			must(t, e.UpdateTCParent(engine.TCSpec{LeafModule: "b", Worker: wid}))
			if e.CheckConstraints().Fatal {
				t.Error("the placement is judged fatal")
			}
			n := flushed()
			await(t, "packets that were flushed", func() bool { return flushed() > n+3 })
		}
		if how, err := e.UpdateModule("b", timed(200_000)); err != nil || how != engine.InPlace {
			t.Fatalf("%v %v", how, err)
		}
		if how, err := e.UpdateModule("b", timed(0)); err != nil || how != engine.Rebuilt {
			t.Fatalf("%v %v", how, err)
		}
		if err := e.UpdateTCParent(engine.TCSpec{LeafModule: "b", Worker: 0}); err == nil {
			t.Error("a Buffer without timeout has a task")
		}
	}
}
