// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

func TestWorkerErrors(t *testing.T) {
	p := start(t)
	add := func(wid, core int64, sched string) (*api.EmptyResponse, error) {
		return p.AddWorker(p.ctx, &api.AddWorkerRequest{Wid: wid, Core: core, Scheduler: sched})
	}
	bad := func(code int, texts ...string) func(*api.EmptyResponse, error) {
		return refused[*api.EmptyResponse](p, code, texts...)
	}
	bad(einval, "Invalid worker id")(add(-1, 0, ""))
	bad(einval, "Invalid worker id")(add(64, 0, ""))
	bad(einval, "Invalid core 4095")(add(0, 4095, ""))
	bad(einval, "Invalid core -1")(add(0, -1, ""))
	bad(einval, "Invalid scheduler fifo")(add(0, 0, "fifo"))
	r, err := add(3, 0, "experimental")
	ok(p, r, err)
	bad(eexist, "worker:3 is already active")(add(3, 0, ""))
	w, err := p.ListWorkers(p.ctx, &api.EmptyRequest{})
	if st := ok(p, w, err).GetWorkersStatus(); len(st) != 1 || st[0].GetWid() != 3 || st[0].GetRunning() {
		t.Fatalf("a new worker is not paused: %v", st)
	}
	destroy := func(wid int64) (*api.EmptyResponse, error) {
		return p.DestroyWorker(p.ctx, &api.DestroyWorkerRequest{Wid: wid})
	}
	bad(einval, "Invalid worker id")(destroy(99))
	bad(enoent, "Worker 5 is not active")(destroy(5))
	p.make("src", "Source", nil)
	p.resume()
	bad(ebusy, "Worker 3 has active tasks: !leaf_src:0")(destroy(3))
	d, err := p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: "src"})
	ok(p, d, err)
	r, err = destroy(3)
	ok(p, r, err)
	for _, wid := range []int64{-1, 64} {
		bad(einval)(p.PauseWorker(p.ctx, &api.PauseWorkerRequest{Wid: wid}))
		bad(einval)(p.ResumeWorker(p.ctx, &api.ResumeWorkerRequest{Wid: wid}))
	}
	r, err = p.PauseWorker(p.ctx, &api.PauseWorkerRequest{Wid: 9})
	ok(p, r, err)
}

func TestPauseStopsTrafficAndResumeStartsIt(t *testing.T) {
	p := start(t)
	p.make("src", "Source", nil)
	p.make("sink", "Sink", nil)
	p.link("src", 0, "sink", 0)
	p.resume()
	const leaf = "!leaf_src:0"
	p.await("traffic", func() bool { return p.packets(leaf) > 0 })
	p.pause()
	n := p.packets(leaf)
	for range 20 {
		if p.packets(leaf) != n {
			t.Fatal("packets move while paused")
		}
	}
	r, err := p.ResumeWorker(p.ctx, &api.ResumeWorkerRequest{Wid: 0})
	ok(p, r, err)
	p.await("traffic", func() bool { return p.packets(leaf) > n })
}

func (p *peer) workers() []*api.ListWorkersResponse_WorkerStatus {
	p.t.Helper()
	r, err := p.ListWorkers(p.ctx, &api.EmptyRequest{})
	return ok(p, r, err).GetWorkersStatus()
}

func TestResetWorkers(t *testing.T) {
	p := start(t)
	reset := func() {
		t.Helper()
		r, err := p.ResetWorkers(p.ctx, &api.EmptyRequest{})
		ok(p, r, err)
	}
	none := func() {
		t.Helper()
		if w := p.workers(); len(w) != 0 {
			t.Fatalf("workers %v are left", w)
		}
	}
	reset()
	none()

	// Workers that run a task, and have classes and counters.
	p.worker(0)
	p.worker(1)
	top := &api.TrafficClass{Name: "top", Policy: "round_robin", Wid: 1}
	r, err := p.tc(top)
	ok(p, r, err)
	p.make("src", "Source", nil) // its gate leads nowhere
	r, err = p.move(&api.TrafficClass{LeafModuleName: "src", Parent: "top", Wid: -1})
	ok(p, r, err)
	p.resume()
	p.await("silent drops", func() bool { return p.workers()[1].GetSilentDrops() > 0 })
	reset()
	for _, w := range p.workers() { // a task without worker may get a new one
		if w.GetRunning() || w.GetSilentDrops() != 0 {
			t.Fatalf("worker %v has outlived the reset", w)
		}
	}
	if p.tcs()["top"] != nil {
		t.Fatal("a class has outlived its worker")
	}
	d, err := p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: "src"})
	ok(p, d, err)
	reset()
	none()
	if tcs := p.tcs(); len(tcs) != 0 {
		t.Fatalf("classes %v are left", tcs)
	}
	p.worker(1) // the ids and the names are free again
	r, err = p.tc(top)
	ok(p, r, err)
}

func TestConstraints(t *testing.T) {
	p := start(t)
	p.worker(0)
	p.worker(1)
	p.make("a", "Source", nil)
	p.make("b", "Source", nil)
	p.make("rr", "RoundRobin", nil) // one worker only
	p.link("a", 0, "rr", 0)
	p.link("b", 0, "rr", 0)
	c, err := p.CheckSchedulingConstraints(p.ctx, &api.EmptyRequest{})
	ok(p, c, err)
	if !c.GetFatal() || len(c.GetModules()) != 1 || c.GetModules()[0].GetName() != "rr" {
		t.Fatalf("constraints %v", c)
	}
	p.resume() // never refused
	r, err := p.move(&api.TrafficClass{LeafModuleName: "b", Wid: 0})
	ok(p, r, err)
	c, err = p.CheckSchedulingConstraints(p.ctx, &api.EmptyRequest{})
	if ok(p, c, err).GetFatal() || len(c.GetModules()) != 0 {
		t.Fatalf("constraints %v", c)
	}
}

func TestSystem(t *testing.T) {
	p := start(t)
	v, err := p.GetVersion(p.ctx, &api.EmptyRequest{})
	if ok(p, v, err).GetVersion() != "v1.2.3" {
		t.Fatalf("version %v", v)
	}
	refused[*api.EmptyResponse](p, enotsup, "/x.so", "C++ plugins")(p.ImportPlugin(p.ctx, &api.ImportPluginRequest{Path: "/x.so"}))
	refused[*api.EmptyResponse](p, enotsup, "/x.so")(p.UnloadPlugin(p.ctx, &api.UnloadPluginRequest{Path: "/x.so"}))
	l, err := p.ListPlugins(p.ctx, &api.EmptyRequest{})
	ok(p, l, err)
	d, err := p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: -1})
	ok(p, d, err)
	if m := d.GetDumps(); len(m) != 1 || m[0].GetMpSize() != 16384 || m[0].GetMpAvailableCount()+m[0].GetMpInUseCount() != 16384 ||
		m[0].GetRingBytes() == 0 || !m[0].GetInitialized() {
		t.Fatalf("mempool %v", d)
	}
	d, err = p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: 5})
	if len(ok(p, d, err).GetDumps()) != 0 {
		t.Fatal("a node without pool has one")
	}
	refused[*api.DumpMempoolResponse](p, einval, "99")(p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: 99}))
	hook := func(name string, on bool) (*api.CommandResponse, error) {
		return p.ConfigureResumeHook(p.ctx, &api.ConfigureResumeHookRequest{HookName: name, Enable: on})
	}
	refused[*api.CommandResponse](p, eexist, "Resume hook 'setup_metadata' is already installed")(hook("setup_metadata", true))
	refused[*api.CommandResponse](p, enoent, "No such resume hook 'x'")(hook("x", true))
	for _, on := range []bool{false, false, true} {
		r, err := hook("setup_metadata", on)
		ok(p, r, err)
	}
	r, err := p.KillBess(p.ctx, &api.EmptyRequest{})
	ok(p, r, err)
	<-p.killed
}

// A circle without a task makes the original's worker never return (spec:
// badinput.md row 5).
func TestCircleIsBounded(t *testing.T) {
	p := start(t)
	p.make("src", "Source", nil)
	p.make("m", "Merge", nil)
	p.make("b", "Bypass", nil)
	p.link("src", 0, "m", 0)
	p.link("m", 0, "b", 0)
	p.link("b", 0, "m", 1)
	p.resume()
	p.await("traffic", func() bool { return p.packets("!leaf_src:0") > 1000 })
	p.pause()
	w, err := p.ListWorkers(p.ctx, &api.EmptyRequest{})
	if ok(p, w, err).GetWorkersStatus()[0].GetSilentDrops() == 0 {
		t.Fatal("packets going round in circles are not counted as dropped")
	}
	d, err := p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: -1})
	if n := ok(p, d, err).GetDumps()[0].GetMpInUseCount(); n != 0 {
		t.Fatalf("%d packets are lost in the circle", n)
	}
}
