// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package drr_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/drr"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", drr.Class) }

// frame returns packet n of a flow, size bytes long.
func frame(flow, n uint32, size int) []byte {
	f := make([]byte, max(size, 60))
	copy(f, moduletest.Frame("U1"))
	binary.BigEndian.PutUint32(f[26:], flow)
	binary.BigEndian.PutUint32(f[42:], n)
	return f[:size]
}

func status(t *testing.T, h *moduletest.Harness) *drr.Status {
	t.Helper()
	s, err := h.Command("d", "get_status", nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*drr.Status)
}

// Flows that always have packets waiting get the same share of bytes, whatever
// the size of their packets; batches that end within a turn change nothing.
func TestShares(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, &drr.DRRArg{Quantum: 1500})
	sizes := []int{60, 300, 1500, 700}
	for i, size := range sizes {
		for n := range 1000 {
			h.Send("d", 0, frame(uint32(i), uint32(n), size))
		}
	}
	sent := make([]int, len(sizes))
	next := make([]uint32, len(sizes))
	for range 10 {
		if r := h.RunTask("d", 0); r.Packets != packet.BatchSize {
			t.Fatalf("%d packets in a run", r.Packets)
		}
	}
	for _, f := range h.Out("d", 0) {
		flow := binary.BigEndian.Uint32(f[26:])
		if n := binary.BigEndian.Uint32(f[42:]); n != next[flow] {
			t.Fatalf("flow %d: packet %d, want %d", flow, n, next[flow])
		}
		next[flow]++
		sent[flow] += len(f)
	}
	if low, high := slices.Min(sent), slices.Max(sent); high-low > 2*1500 {
		t.Errorf("bytes by flow: %v", sent)
	}
}

// More packets than the original's first queues held, in one flow, in order.
func TestLongQueue(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, nil)
	const n = 5000
	for i := range uint32(n) {
		h.Send("d", 0, frame(1, i, 60))
	}
	for h.RunTask("d", 0).Packets > 0 {
	}
	for i, f := range h.Out("d", 0) {
		if binary.BigEndian.Uint32(f[42:]) != uint32(i) {
			t.Fatalf("packet %d is %d", i, binary.BigEndian.Uint32(f[42:]))
		}
	}
	if s := status(t, h); s.Dequeued != n || s.Flows != 0 {
		t.Error(s)
	}
}

// What waits at the end is freed; the harness counts buffers.
func TestCloseFreesWhatWaits(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, &drr.DRRArg{Quantum: 1})
	for i := range uint32(500) {
		h.Send("d", 0, frame(i%7, i, 60))
	}
}

// While a queue behind it is too full, nothing is sent.
func TestBackpressure(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, nil)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: 16, Backpressure: true})
	h.Connect("d", 0, "q", 0)
	for i := range uint32(30) {
		h.Send("d", 0, frame(1, i, 60))
	}
	h.RunTask("d", 0)
	h.Send("d", 0, frame(1, 99, 60))
	if r := h.RunTask("d", 0); r.Packets != 0 || !r.Blocked || r.Retry == 0 {
		t.Errorf("%+v", r)
	}
	h.RunTask("q", 0)
	if r := h.RunTask("d", 0); r.Packets != 1 {
		t.Errorf("%+v", r)
	}
}

func TestPlacement(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, nil)
	p := h.Instance("d").(module.Placer)
	for _, c := range []struct {
		feeders, own     int
		violation, fatal bool
	}{{1, 1, false, false}, {0, 1, true, false}, {64, 1, false, false}, {1, 2, false, true}} {
		if v, f := p.Placement(c.feeders, c.own); v != c.violation || f != c.fatal {
			t.Errorf("%+v: %v, %v", c, v, f)
		}
	}
}

// producer is a worker that puts numbered packets of many flows into a DRR.
type producer struct {
	module.NoInput
	m        module.Module
	id, next uint32
}

func (p *producer) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	for range 17 {
		if pkt := ctx.Cache.New(frame(p.id<<8|p.next%13, p.next, 60)); pkt != 0 {
			b.Add(pkt)
			p.next++
		}
	}
	n := b.Len()
	p.m.Process(ctx, b)
	return module.Result{Packets: uint64(n)}
}

// checker wants packets of a flow in order.
type checker struct {
	t    *testing.T
	next map[uint32]uint32
	n    uint64
}

func (c *checker) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		flow, n := binary.BigEndian.Uint32(p.Bytes()[26:]), binary.BigEndian.Uint32(p.Bytes()[42:])
		if n < c.next[flow] {
			c.t.Errorf("flow %x: packet %d after %d", flow, n, c.next[flow]-1)
		}
		c.next[flow] = n + 1
		c.n++
	}
	ctx.FreeBatch(b)
}

// Workers bring packets and take them while settings change: none is lost or
// doubled, and none overtakes another of its flow. The original shared its
// structures without a lock.
func TestManyWorkers(t *testing.T) {
	const producers, buffers = 3, 1 << 12
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, nil)
	m := h.Instance("d")
	pool, err := packet.NewPool(buffers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var wg sync.WaitGroup
	var left atomic.Int32
	left.Store(producers)
	var sent atomic.Uint64
	caches := make([]*packet.Cache, producers+1)
	for i := range caches {
		caches[i] = pool.NewCache()
	}
	run := func(id int, mod module.Module, outs []module.Out) (*module.Context, *module.Node) {
		return module.NewContext(id, caches[id], 1e9), &module.Node{Mod: mod, Cells: module.NewCells(2), Outs: outs}
	}
	for id := range producers {
		wg.Go(func() {
			defer left.Add(-1)
			p := &producer{m: m, id: uint32(id)}
			ctx, node := run(id, p, nil)
			for range 1000 {
				r, fault := ctx.RunTask(node, p, 0, 0)
				if fault != nil {
					t.Error(fault.Value)
					return
				}
				sent.Add(r.Packets)
			}
		})
	}
	c := &checker{t: t, next: map[uint32]uint32{}}
	wg.Go(func() {
		end := &module.Node{Mod: c, Cells: module.NewCells(0)}
		ctx, node := run(producers, m, []module.Out{{In: &module.In{Node: end, Single: true}}})
		for {
			last := left.Load() == 0
			r, fault := ctx.RunTask(node, m.(module.Runner), 0, 0)
			if fault != nil {
				t.Error(fault.Value)
				return
			}
			if last && r.Blocked {
				return
			}
		}
	})
	for i := 0; left.Load() > 0; i++ {
		if err := h.Update("d", &drr.DRRArg{NumFlows: uint32(1 + i%50), Quantum: uint64(1 + i%2000), MaxFlowQueueSize: uint32(1 + i%300)}); err != nil {
			t.Error(err)
		}
		status(t, h)
	}
	if err := h.Update("d", &drr.DRRArg{}); err != nil {
		t.Error(err)
	}
	wg.Wait()
	s := status(t, h)
	if s.Packets != 0 || s.Enqueued+s.Dropped != sent.Load() || s.Dequeued != c.n || s.Enqueued != s.Dequeued {
		t.Errorf("%d sent, %d received, but %v", sent.Load(), c.n, s)
	}
	for _, cache := range caches {
		cache.Close()
	}
	if n := pool.Available(); n != buffers {
		t.Errorf("%d packets leaked", buffers-n)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("d", drr.Class, &drr.DRRArg{MaxFlowQueueSize: 3})
	h.NoAllocs("d", moduletest.Frame("U1"), moduletest.Frame("T1"), moduletest.Frame("A1"))
	h.NoTaskAllocs("d", 0)
}

func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, drr.Class) }

// flows is a module that gives every packet the next of n source addresses.
type flows struct{ next, n uint32 }

func (m *flows) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		d := p.Bytes()
		copy(d, u1)
		binary.BigEndian.PutUint32(d[26:], m.next%m.n)
		m.next++
	}
	ctx.EmitBatch(b, 0)
}

var u1 = moduletest.Frame("U1")

// BenchmarkPipeline is Source, headers of n flows, DRR; and DRR's task, Sink.
func BenchmarkPipeline(b *testing.B) {
	for _, n := range []uint32{1, 64, 4000} {
		b.Run(fmt.Sprintf("%dflows", n), func(b *testing.B) {
			h := moduletest.New(b)
			h.MustCreate("src", source.Class, nil)
			h.MustCreate("flows", &module.Class{Name: "Flows", IGates: 1, OGates: 1,
				New: func(*module.Env, proto.Message) (module.Module, error) { return &flows{n: n}, nil }}, nil)
			h.MustCreate("d", drr.Class, nil)
			h.MustCreate("sink", sink.Class, nil)
			h.Connect("src", 0, "flows", 0)
			h.Connect("flows", 0, "d", 0)
			h.Connect("d", 0, "sink", 0)
			h.BenchTasks(b, "src", "d")
		})
	}
}
