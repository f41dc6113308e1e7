// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"errors"
	"reflect"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/bypass"
	"github.com/bessform/terraform-provider-bess/appliance/module/roundrobin"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// faulty panics when told to, and counts the packets it passes on.
type faulty struct {
	broken atomic.Bool
	closed atomic.Int32
}

func (f *faulty) Process(ctx *module.Context, b *packet.Batch) {
	for i, p := range b.Packets() {
		if i == 3 && f.broken.Load() {
			panic("as told")
		}
		ctx.Emit(p, 0)
	}
}

func (f *faulty) Close() { f.closed.Add(1) }

func newEngine(t *testing.T, extra ...*module.Class) *engine.Engine {
	t.Helper()
	classes := append([]*module.Class{source.Class, sink.Class, bypass.Class, roundrobin.Class}, extra...)
	e, err := engine.New(engine.Options{Classes: classes, Buffers: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func arg(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	must(t, err)
	return a
}

func build(t *testing.T, e *engine.Engine, names ...string) {
	t.Helper()
	for i := 0; i < len(names); i += 2 {
		_, err := e.CreateModule(names[i], names[i+1], nil)
		must(t, err)
		if i > 0 {
			must(t, e.Connect(names[i-2], 0, names[i], 0, false))
		}
	}
}

func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	testenv.Eventually(t, what+" happens", f)
}

func passed(t *testing.T, e *engine.Engine, tc string) uint64 {
	t.Helper()
	s, err := e.TCStats(tc)
	must(t, err)
	return s.Packets
}

func inUse(t *testing.T, e *engine.Engine) int {
	t.Helper()
	d, err := e.DumpMempool(-1)
	must(t, err)
	return d[0].Capacity - d[0].Available
}

func TestFailedTransactionLeavesEverythingAsItWas(t *testing.T) {
	e := newEngine(t)
	must(t, e.AddWorker(0, 0, ""))
	build(t, e, "src", "Source", "by", "Bypass", "out", "Sink")
	must(t, e.AddTC(engine.TCSpec{Name: "rl", Policy: "rate_limit", Resource: "packet", Limit: map[string]int64{"packet": 64000}, Worker: 0}))
	must(t, e.UpdateTCParent(engine.TCSpec{LeafModule: "src", Parent: "rl", Worker: -1}))
	e.ResumeAll()
	before := e.State()
	boom := errors.New("boom")
	err := e.Transaction(func(tx *engine.Tx) error {
		must(t, tx.AddWorker(5, 0, ""))
		must(t, tx.CreateModule("new", "Source", nil))
		must(t, tx.CreateModule("rr", "RoundRobin", nil))
		must(t, tx.Connect("new", 0, "rr", 0))
		must(t, tx.Disconnect("by", 0))
		must(t, tx.Connect("by", 0, "rr", 0))
		_, err := tx.UpdateModule("src", arg(t, &source.SourceArg{PktSize: 100}))
		must(t, err)
		must(t, tx.UpdateTCParams(engine.TCSpec{Name: "rl", Resource: "packet", Limit: map[string]int64{"packet": 5}}))
		must(t, tx.AddTC(engine.TCSpec{Name: "rr2", Policy: "round_robin", Worker: 0}))
		must(t, tx.UpdateTCParent(engine.TCSpec{LeafModule: "src", Parent: "rr2", Worker: -1}))
		must(t, tx.DeleteTC("rl"))
		must(t, tx.DestroyModule("out"))
		if errno.Code(tx.CreateModule("by", "Sink", nil)) != errno.EEXIST {
			t.Error("a name in use was accepted")
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v", err)
	}
	after := e.State()
	after.Generation = before.Generation
	for _, s := range []*engine.State{before, after} {
		s.TCs[0].Blocked = false // changes with every batch
	}
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("before %+v\nafter  %+v", before, after)
	}
	n := passed(t, e, "!leaf_src:0")
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > n })
	e.PauseAll()
	if n := inUse(t, e); n != 0 {
		t.Fatalf("%d packets are lost", n)
	}
}

func TestTransactionPublishesAllAtOnce(t *testing.T) {
	e := newEngine(t)
	must(t, e.Transaction(func(tx *engine.Tx) error {
		must(t, tx.AddWorker(0, 0, ""))
		must(t, tx.CreateModule("src", "Source", nil))
		must(t, tx.CreateModule("out", "Sink", nil))
		return tx.Connect("src", 0, "out", 0)
	}))
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > 0 })
	if w := e.ListWorkers(); len(w) != 1 || w[0].SilentDrops != 0 {
		t.Fatalf("workers %+v", w)
	}
}

func TestUpdateInPlaceAndRebuildKeepLinksTasksAndCounters(t *testing.T) {
	f := &faulty{}
	fresh := 0
	class := &module.Class{Name: "Faulty", Prefix: "f", IGates: 1, OGates: 1, MaxWorkers: 64,
		New: func(*module.Env, proto.Message) (module.Module, error) { fresh++; return f, nil }}
	e := newEngine(t, class)
	build(t, e, "src", "Source", "f", "Faulty", "out", "Sink")
	e.ResumeAll()
	how, err := e.UpdateModule("src", arg(t, &source.SourceArg{PktSize: 100}))
	if err != nil || how != engine.InPlace {
		t.Fatalf("%v %v", how, err)
	}
	if _, err := e.UpdateModule("src", arg(t, &source.SourceArg{PktSize: 5000})); errno.Code(err) != errno.EINVAL {
		t.Fatalf("error %v", err)
	}
	how, err = e.UpdateModule("f", nil)
	if err != nil || how != engine.Rebuilt || fresh != 2 || f.closed.Load() != 1 {
		t.Fatalf("%v %v: %d instances made, %d closed", how, err, fresh, f.closed.Load())
	}
	n := passed(t, e, "!leaf_src:0")
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > n+1000 })
	if w := e.ListWorkers(); w[0].SilentDrops != 0 {
		t.Fatalf("%d packets were dropped by the change", w[0].SilentDrops)
	}
	info, err := e.ModuleInfo("f")
	must(t, err)
	if len(info.Inputs) != 1 || info.Outputs[0].Peer.Module != "out" {
		t.Fatalf("links %+v", info)
	}
}

func TestRebuildOfATaskModuleGoesOnRunning(t *testing.T) {
	class := *source.Class
	class.Name = "Rigid"
	class.New = func(env *module.Env, a proto.Message) (module.Module, error) {
		m, err := source.Class.New(env, a)
		if err != nil {
			return nil, err
		}
		return struct {
			module.Module
			module.Runner
		}{m, m.(module.Runner)}, nil
	}
	e := newEngine(t, &class)
	build(t, e, "src", "Rigid", "out", "Sink")
	e.ResumeAll()
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > 0 })
	how, err := e.UpdateModule("src", arg(t, &source.SourceArg{PktSize: 1000}))
	if err != nil || how != engine.Rebuilt {
		t.Fatalf("%v %v", how, err)
	}
	n := passed(t, e, "!leaf_src:0")
	await(t, "traffic of the new instance", func() bool { return passed(t, e, "!leaf_src:0") > n })
}

func TestPanicDropsTheBatchCountsAndGoesOn(t *testing.T) {
	f := &faulty{}
	class := &module.Class{Name: "Faulty", Prefix: "f", IGates: 1, OGates: 1, MaxWorkers: 64,
		New: func(*module.Env, proto.Message) (module.Module, error) { return f, nil }}
	e := newEngine(t, class)
	build(t, e, "src", "Source", "f", "Faulty", "out", "Sink")
	e.ResumeAll()
	panics := func() uint64 {
		c, err := e.ModuleCounters("f")
		must(t, err)
		return c.Panics
	}
	f.broken.Store(true)
	await(t, "panics", func() bool { return panics() > 200 })
	f.broken.Store(false)
	n := passed(t, e, "!leaf_src:0")
	await(t, "traffic after the panics", func() bool { return passed(t, e, "!leaf_src:0") > n })
	e.PauseAll()
	if n := inUse(t, e); n != 0 {
		t.Fatalf("%d packets are lost", n)
	}
}
