// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/roundrobin"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

// Several clients create, link, command, inspect and destroy while two workers
// run; afterwards everything still works and no packet is lost. Run with the
// race detector this is the proof that control and workers keep apart.
func TestStorm(t *testing.T) {
	p := start(t)
	p.worker(0)
	p.worker(1)
	for i := range 2 {
		src, rr, sink := fmt.Sprintf("src%d", i), fmt.Sprintf("rr%d", i), fmt.Sprintf("sink%d", i)
		p.make(src, "Source", nil)
		p.make(rr, "RoundRobin", &roundrobin.RoundRobinArg{Gates: []int64{0, 1}, Mode: "packet"})
		p.make(sink, "Sink", nil)
		p.link(src, 0, rr, 0)
		p.link(rr, 0, sink, 0)
		r, err := p.move(&api.TrafficClass{LeafModuleName: src, Wid: int64(i)})
		ok(p, r, err)
	}
	p.resume()
	var wg sync.WaitGroup
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	client := func(f func(i int)) {
		wg.Go(func() {
			for i := range rounds {
				f(i)
			}
		})
	}
	must := func(r failing, err error) {
		if err != nil {
			t.Errorf("gRPC status: %v", err)
		} else if e := r.GetError(); e != nil {
			t.Errorf("error %d: %s", e.GetCode(), e.GetErrmsg())
		}
	}
	for c := range 2 {
		client(func(i int) { // grows and shrinks branches under traffic
			name := fmt.Sprintf("rw%d", c)
			r, err := p.module(name, "Rewrite", &rewrite.RewriteArg{Templates: [][]byte{make([]byte, 60+i%10)}})
			must(r, err)
			must(p.connect(fmt.Sprintf("rr%d", c), 1, name, 0))
			must(p.connect(name, 0, fmt.Sprintf("sink%d", c), 0))
			must(p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: name}))
		})
	}
	client(func(i int) { // commands
		must(p.command("src0", "set_burst", &source.SourceCommandSetBurstArg{Burst: uint64(1 + i%64)}))
		must(p.command("rr1", "set_gates", &roundrobin.RoundRobinCommandSetGatesArg{Gates: []int64{int64(i % 3), 0}}))
	})
	client(func(int) { // looks
		must(p.ListTcs(p.ctx, &api.ListTcsRequest{Wid: -1}))
		must(p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{Name: "rr0"}))
		must(p.ListWorkers(p.ctx, &api.EmptyRequest{}))
		must(p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: -1}))
		must(p.CheckSchedulingConstraints(p.ctx, &api.EmptyRequest{}))
	})
	client(func(i int) { // moves a task between the workers
		must(p.move(&api.TrafficClass{LeafModuleName: "src1", Wid: int64(i % 2)}))
	})
	client(func(i int) { // hooks
		must(p.ConfigureGateHook(p.ctx, &api.ConfigureGateHookRequest{Enable: i%2 == 0, Hook: &api.GateHookInfo{
			ClassName: "Track", ModuleName: "src0", Gate: &api.GateHookInfo_Igate{Igate: -1},
			Arg: pack(t, &api.TrackArg{Bits: true})}}))
	})
	wg.Wait()
	before := []uint64{p.packets("!leaf_src0:0"), p.packets("!leaf_src1:0")}
	p.await("traffic", func() bool {
		return p.packets("!leaf_src0:0") > before[0] && p.packets("!leaf_src1:0") > before[1]
	})
	p.pause()
	d, err := p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: -1})
	if n := ok(p, d, err).GetDumps()[0].GetMpInUseCount(); n != 0 {
		t.Fatalf("%d packets are lost", n)
	}
}

// A thousand pipelines come and go without anything being left.
func TestCyclesLeaveNothing(t *testing.T) {
	p := start(t)
	cycles := 1000
	if testing.Short() {
		cycles = 50
	}
	arg := proto.Message(&rewrite.RewriteArg{Templates: [][]byte{make([]byte, 60)}})
	var early uint64
	for i := range cycles {
		if i == cycles/5 {
			early = heap()
		}
		p.make("src", "Source", nil)
		p.make("rw", "Rewrite", arg)
		p.make("sink", "Sink", nil)
		p.link("src", 0, "rw", 0)
		p.link("rw", 0, "sink", 0)
		p.resume()
		r, err := p.ResetAll(p.ctx, &api.EmptyRequest{})
		ok(p, r, err)
	}
	d, err := p.DumpMempool(p.ctx, &api.DumpMempoolRequest{Socket: -1})
	if n := ok(p, d, err).GetDumps()[0].GetMpInUseCount(); n != 0 {
		t.Fatalf("%d packets in use after everything was reset", n)
	}
	if c := p.tcs(); len(c) != 0 {
		t.Fatalf("traffic classes left: %v", c)
	}
	if late := heap(); late > early+2<<20 {
		t.Fatalf("the heap grew from %d to %d bytes", early, late)
	}
}

// heap returns the bytes in use on the heap after a collection, and a second
// one: what is pooled outlives the first.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
