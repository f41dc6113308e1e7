// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// producer is a worker without graph that puts numbered packets into a queue.
type producer struct {
	module.NoInput
	m     module.Module
	id, n int
	next  uint32
}

func (p *producer) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	if !ctx.Cache.AllocBatch(b, p.n, 8) {
		return module.Result{Blocked: true}
	}
	for i, pkt := range b.Packets() {
		binary.BigEndian.PutUint32(pkt.Bytes(), uint32(p.id))
		binary.BigEndian.PutUint32(pkt.Bytes()[4:], p.next+uint32(i))
	}
	p.m.Process(ctx, b)
	p.next += uint32(p.n)
	return module.Result{Packets: uint64(p.n)}
}

// checker is what the queue's task sends to: per producer the numbers must
// rise.
type checker struct {
	t    *testing.T
	next []uint32
	n    int
}

func (c *checker) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		id, no := binary.BigEndian.Uint32(p.Bytes()), binary.BigEndian.Uint32(p.Bytes()[4:])
		if no < c.next[id] {
			c.t.Errorf("producer %d: packet %d after %d", id, no, c.next[id]-1)
		}
		c.next[id] = no + 1
		c.n++
	}
	ctx.FreeBatch(b)
}

// race runs several producers and the consumer at once, with control called
// again and again meanwhile, and checks that no packet was lost or doubled.
func race(t *testing.T, size uint64, cut bool, control func(h *moduletest.Harness, i int)) {
	const producers, batches = 4, 4000
	h := moduletest.New(t)
	h.MustCreate("q", queue.Class, &queue.QueueArg{Size: size, Backpressure: true})
	m := h.Instance("q")
	pool, err := packet.NewPool(1 << 15)
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
	for id := range producers {
		wg.Go(func() {
			defer left.Add(-1)
			ctx := module.NewContext(id+1, caches[id], 1e9)
			p := &producer{m: m, id: id}
			node := &module.Node{Mod: p, Cells: module.NewCells(2)}
			for i := range batches {
				p.n = 1 + (i*13+id)%packet.BatchSize
				r, fault := ctx.RunTask(node, p, 0, 0)
				if fault != nil {
					t.Error(fault.Value)
					return
				}
				sent.Add(r.Packets)
			}
		})
	}
	c := &checker{t: t, next: make([]uint32, producers)}
	cells := module.NewCells(2)
	wg.Go(func() {
		ctx := module.NewContext(0, caches[producers], 1e9)
		end := &module.Node{Mod: c, Cells: module.NewCells(0)}
		node := &module.Node{Mod: m, Cells: cells, Outs: []module.Out{{In: &module.In{Node: end, Single: true}}}}
		for {
			last := left.Load() == 0
			r, fault := ctx.RunTask(node, m.(module.Runner), 0, 0)
			if fault != nil {
				t.Error(fault.Value)
				return
			}
			if last && r.Packets == 0 {
				return
			}
		}
	})
	for i := 0; left.Load() > 0; i++ {
		control(h, i)
	}
	wg.Wait()
	s := status(t, h)
	lost := cells.Own[1].Load()
	if s.Count != 0 || s.Enqueued+s.Dropped != sent.Load() || s.Dequeued != uint64(c.n) || s.Enqueued != s.Dequeued+lost {
		t.Errorf("%d sent, %d received, %d cut, but %v", sent.Load(), c.n, lost, s)
	}
	if !cut && lost > 0 {
		t.Errorf("%d packets cut", lost)
	}
	if overloaded(h, "q") {
		t.Error("the empty queue is overloaded")
	}
	for _, cache := range caches {
		cache.Close()
	}
	if n := pool.Available(); n != 1<<15 {
		t.Errorf("%d packets leaked", 1<<15-n)
	}
}

func TestManyProducers(t *testing.T) {
	for _, size := range []uint64{4, 64, 1024} {
		race(t, size, false, func(h *moduletest.Harness, _ int) {
			if s := status(t, h); s.Count > s.Size || s.Enqueued < s.Dequeued {
				t.Errorf("%v", s)
			}
			h.Desc("q")
		})
	}
}

// A resize while everybody runs loses nothing if the queue grows.
func TestGrowWhileWorkersRun(t *testing.T) {
	race(t, 4, false, func(h *moduletest.Harness, i int) {
		size := uint64(4) << min(i/50, 12)
		if _, err := h.Command("q", "set_size", &queue.QueueCommandSetSizeArg{Size: size}); err != nil && errno.Code(err) != errno.EBUSY {
			t.Error(err)
		}
	})
}

func TestResizeUpAndDownWhileWorkersRun(t *testing.T) {
	race(t, 1024, true, func(h *moduletest.Harness, i int) {
		arg := &queue.QueueArg{Size: 4 << (i * 5 % 13), Backpressure: i%3 > 0}
		if err := h.Update("q", arg); err != nil && errno.Code(err) != errno.EBUSY {
			t.Error(err)
		}
		status(t, h)
	})
}
