// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// hostOf offers a pool to the constructor.
type hostOf struct {
	module.Host
	pool *packet.Pool
}

func (h hostOf) Pool() *packet.Pool { return h.pool }

// newInstance returns an instance; it ends with the test and fails it if
// packets were leaked.
func newInstance(t *testing.T, timeout uint64) (*Timed, *packet.Pool) {
	t.Helper()
	const size = 1 << 12
	pool, err := packet.NewPool(size)
	if err != nil {
		t.Fatal(err)
	}
	m, err := create(module.NewEnv("m", nil, hostOf{pool: pool}), &BufferArg{FlushTimeoutNs: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.(*Timed).Close()
		if n := pool.Available(); n != size {
			t.Errorf("%d packets leaked", size-n)
		}
		pool.Close()
	})
	return m.(*Timed), pool
}

// lane is a worker without graph, whose time the test makes: one cycle is a
// nanosecond.
type lane struct {
	t    *testing.T
	m    *Timed
	ctx  *module.Context
	node *module.Node
	next uint32 // what the packets that come carry, and how many
	n    int
	got  func(p uint32)
	left int // packets that left
}

func newLane(t *testing.T, m *Timed, pool *packet.Pool, id int) *lane {
	l := &lane{t: t, m: m, ctx: module.NewContext(id, pool.NewCache(), 1e9), got: func(uint32) {}}
	out := module.Out{In: &module.In{Node: &module.Node{Mod: (*end)(l), Cells: module.NewCells(0)}, Single: true}}
	l.node = &module.Node{Mod: m, Cells: module.NewCells(len(Class.Counters)), Outs: []module.Out{out}}
	t.Cleanup(l.ctx.Cache.Close)
	return l
}

// feed is the task that brings packets.
type feed lane

func (f *feed) RunTask(ctx *module.Context, _ int) module.Result {
	for range f.n {
		ctx.Batch().Add(ctx.Cache.New(binary.BigEndian.AppendUint32(nil, f.next)))
		f.next++
	}
	f.m.Process(ctx, ctx.Batch())
	return module.Result{}
}

// end is where packets leave.
type end lane

func (e *end) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		e.left++
		e.got(binary.BigEndian.Uint32(p.Bytes()))
	}
	ctx.FreeBatch(b)
}

func (l *lane) run(r module.Runner, now uint64) module.Result {
	res, fault := l.ctx.RunTask(l.node, r, 0, now)
	if fault != nil {
		l.t.Error(fault.Value)
	}
	return res
}

func (l *lane) bring(n int, now uint64) { l.n = n; l.run((*feed)(l), now) }

// The wait is counted from the first packet that waits, and the task says when
// it wants to look again, so that its worker can sleep.
func TestFlush(t *testing.T) {
	m, pool := newInstance(t, 1000)
	l := newLane(t, m, pool, 0)
	step := func(now uint64, left int, retry uint64) {
		t.Helper()
		before := l.left
		res := l.run(m, now)
		if got := l.left - before; got != left || res.Packets != uint64(left) || res.Blocked != (left == 0) || res.Retry != retry {
			t.Errorf("at %d: %d left, %+v, want %d and retry %d", now, got, res, left, retry)
		}
	}
	step(5, 0, 0) // nothing waits: until it is woken
	l.bring(10, 100)
	step(100, 0, 1000)
	l.bring(10, 600) // does not prolong the wait
	step(1099, 0, 1)
	step(1100, 20, 0)
	step(1101, 0, 0)

	l.bring(40, 2000)
	l.bring(40, 2500) // 64 leave at once, the others came now
	if l.left != 84 {
		t.Errorf("%d left", l.left)
	}
	step(3499, 0, 1)
	step(3500, 16, 0)
	l.bring(64, 4000)
	step(9000, 0, 0)
	l.bring(1, 9000)
	step(8999, 0, 1000) // a worker whose run began earlier
	if n := l.node.Cells.Own[countFlushed].Load(); n != 36 {
		t.Errorf("flushed %d", n)
	}
}

// Without a task nothing can be flushed, so turning the timeout on or off
// needs another instance.
func TestUpdate(t *testing.T) {
	m, pool := newInstance(t, 1000)
	if err := m.Update(&BufferArg{}); !errors.Is(err, module.ErrRebuild) {
		t.Errorf("off: %v", err)
	}
	plain := &Buffer{pool: pool}
	if err := plain.Update(&BufferArg{FlushTimeoutNs: 1}); !errors.Is(err, module.ErrRebuild) {
		t.Errorf("on: %v", err)
	}
	l := newLane(t, m, pool, 0)
	l.bring(1, 100)
	if err := m.Update(&BufferArg{FlushTimeoutNs: 50}); err != nil {
		t.Fatal(err)
	}
	if l.run(m, 150); l.left != 1 {
		t.Error("the new timeout does not apply to what waits")
	}
}

// Three workers bring packets while a fourth runs the task; each packet leaves
// once.
func TestSeveralWorkers(t *testing.T) {
	const workers, batches = 3, 3000
	m, pool := newInstance(t, 1)
	var seen [workers * batches * 2]atomic.Uint32
	var bringing, flushing sync.WaitGroup
	var ended atomic.Bool
	lanes := make([]*lane, workers+1)
	for id := range lanes {
		lanes[id] = newLane(t, m, pool, id)
		lanes[id].next = uint32(id * batches * 2)
		lanes[id].got = func(p uint32) { seen[p].Add(1) }
	}
	for _, l := range lanes[:workers] {
		bringing.Go(func() {
			for i := range batches {
				l.bring(1+i%3, uint64(i))
			}
		})
	}
	flushing.Go(func() {
		for now := uint64(0); !ended.Load(); now++ {
			lanes[workers].run(m, now)
		}
	})
	bringing.Wait()
	ended.Store(true)
	flushing.Wait()
	lanes[workers].run(m, 1<<40)
	for i := range seen {
		if n := seen[i].Load(); n != 1 {
			t.Fatalf("packet %d left %d times", i, n)
		}
	}
}
