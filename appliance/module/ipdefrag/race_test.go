// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipdefrag

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// hostOf offers a pool to the constructor.
type hostOf struct {
	module.Host
	pool *packet.Pool
}

func (h hostOf) Pool() *packet.Pool { return h.pool }

// bench is an instance whose time the test makes.
type bench struct {
	t    testing.TB
	pool *packet.Pool
	m    *IPDefrag
}

func newBench(t testing.TB, flows uint32) *bench {
	t.Helper()
	return newBenchArg(t, &IPDefragArg{NumFlows: flows})
}

func newBenchArg(t testing.TB, arg *IPDefragArg) *bench {
	t.Helper()
	pool, err := packet.NewPool(1 << 14)
	if err != nil {
		t.Fatal(err)
	}
	m, err := create(module.NewEnv("m", nil, hostOf{pool: pool}), arg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Close()
		if n := pool.Available(); n != 1<<14 {
			t.Errorf("%d packets leaked", 1<<14-n)
		}
		pool.Close()
	})
	return &bench{t, pool, m}
}

// worker is a worker without graph that sends batches of frames.
type worker struct {
	module.NoInput
	b      *bench
	ctx    *module.Context
	node   *module.Node
	frames [][]byte
	got    [][]byte
}

func (b *bench) worker(id int) *worker {
	w := &worker{b: b, ctx: module.NewContext(id, b.pool.NewCache(), 1e9)}
	end := &module.Node{Mod: (*sink)(w), Cells: module.NewCells(0)}
	out := module.Out{In: &module.In{Node: end, Single: true}}
	w.node = &module.Node{Mod: b.m, Cells: module.NewCells(len(Class.Counters)), Outs: []module.Out{{}, out}}
	b.t.Cleanup(w.ctx.Cache.Close)
	return w
}

func (w *worker) RunTask(ctx *module.Context, _ int) module.Result {
	for _, f := range w.frames {
		ctx.Batch().Add(ctx.Cache.New(f))
	}
	w.b.m.Process(ctx, ctx.Batch())
	return module.Result{}
}

func (w *worker) send(now uint64, frames ...[]byte) {
	w.b.t.Helper()
	w.frames = frames
	if _, fault := w.ctx.RunTask(w.node, w, 0, now); fault != nil {
		w.b.t.Error(fault.Value)
	}
}

func (w *worker) count(i int) uint64 { return w.node.Cells.Own[i].Load() }

// sink keeps what left gate 1.
type sink worker

func (s *sink) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		f := make([]byte, p.TotalLen())
		p.CopyOut(f)
		s.got = append(s.got, f)
	}
	ctx.FreeBatch(b)
}

// fragments returns a packet of n bytes of payload, and the same in pieces of
// at most per bytes.
func fragments(id uint16, n, per int) (whole []byte, pieces [][]byte) {
	frame := func(from, to int, field uint16) []byte {
		f := make([]byte, 34+to-from)
		header.Ethernet(f).Encode(&header.EthernetFields{Type: header.TypeIPv4})
		header.IPv4(f[14:]).Encode(&header.IPv4Fields{TotalLen: uint16(20 + to - from), ID: id, TTL: 64, Fragment: field,
			Protocol: header.ProtoUDP, Src: 1, Dst: 2})
		for i := from; i < to; i++ {
			f[34+i-from] = byte(i*i>>4) + byte(id)
		}
		return f
	}
	for from := 0; from < n; from += per {
		field := uint16(from / 8)
		if from+per < n {
			field |= header.IPv4MoreFragments
		}
		pieces = append(pieces, frame(from, min(from+per, n), field))
	}
	return frame(0, n, 0), pieces
}

// BESS gave up after as many milliseconds as there were flows.
func TestIncompletePacketsExpireAfter30Seconds(t *testing.T) {
	b := newBench(t, 10)
	w := b.worker(0)
	whole, p := fragments(1, 200, 80)
	_, q := fragments(2, 200, 80)
	const second = 1e9
	w.send(5*second, p[0])
	w.send(20*second, p[1], q[0])
	w.send(34*second, p[2])
	if len(w.got) != 1 || !bytes.Equal(w.got[0], whole) {
		t.Fatalf("%d packets after 29 s", len(w.got))
	}
	w.send(49*second, p[0]) // other traffic sweeps, too
	if n := w.count(countTimeout); n != 0 {
		t.Errorf("%d fragments expired early", n)
	}
	w.send(50*second, moduleFrame)
	if n := w.count(countTimeout); n != 1 {
		t.Errorf("%d fragments expired after 30 s", n)
	}
	w.send(60*second, q[1], q[2])
	if len(w.got) != 2 {
		t.Errorf("%d packets: an expired fragment was used", len(w.got)-1)
	}
}

var moduleFrame = []byte{1, 2, 3}

// A new timeout applies to fragments that wait, longer or shorter.
func TestTimeoutChangesInPlace(t *testing.T) {
	b := newBenchArg(t, &IPDefragArg{NumFlows: 10, TimeoutMs: 100})
	w := b.worker(0)
	set := func(ms uint32) {
		t.Helper()
		if err := b.m.Update(&IPDefragArg{NumFlows: 10, TimeoutMs: ms}); err != nil {
			t.Fatal(err)
		}
	}
	expired := func(want uint64) {
		t.Helper()
		if n := w.count(countTimeout); n != want {
			t.Errorf("%d fragments expired, want %d", n, want)
		}
	}
	const ms = 1e6
	_, p := fragments(1, 200, 80)
	_, q := fragments(2, 200, 80)
	w.send(1000*ms, p[0])
	w.send(1099*ms, moduleFrame)
	expired(0)
	w.send(1100*ms, moduleFrame)
	expired(1)
	w.send(2000*ms, p[0])
	w.send(2050*ms, q[0])
	set(1000)
	w.send(2999*ms, moduleFrame)
	expired(1)
	set(960)
	w.send(2999*ms, moduleFrame)
	expired(2)
	set(0) // 30 s
	w.send(3100*ms, q[1], q[2])
	expired(2)
	if len(w.got) != 5 {
		t.Errorf("%d frames passed", len(w.got))
	}
	if err := b.m.Update(&IPDefragArg{NumFlows: 11}); !errors.Is(err, module.ErrRebuild) {
		t.Errorf("another table: %v", err)
	}
}

// Results that fit are in one buffer, whatever came first; longer ones are in
// segments of which the first has all headers. BESS left chains, or gave up.
func TestEveryLength(t *testing.T) {
	b := newBench(t, 10)
	w := b.worker(0)
	for _, n := range []int{16, 1000, 1886, 1887, 2500, 9000, 40000, 65515} {
		for _, per := range []int{8, 1480, 1992, 4000, 9000} {
			if (n+per-1)/per > maxPieces || n <= per {
				continue
			}
			whole, p := fragments(7, n, per)
			for turn := range 3 { // in order, backwards, mixed
				w.got = nil
				for i := range p {
					at := []int{i, len(p) - 1 - i, (i*7 + 3) % len(p)}[turn]
					if turn == 2 && len(p)%7 == 0 {
						at = i
					}
					w.send(1, p[at])
				}
				if len(w.got) != 1 || !bytes.Equal(w.got[0], whole) {
					t.Fatalf("%d bytes in pieces of %d, turn %d: %d packets", n, per, turn, len(w.got))
				}
			}
		}
	}
}

func TestMoreThan64Fragments(t *testing.T) {
	b := newBench(t, 10)
	w := b.worker(0)
	_, p := fragments(7, 8*(maxPieces+1), 8)
	w.send(1, p[:64]...)
	w.send(1, p[64])
	if n := w.count(countTooMany); n != maxPieces+1 || len(w.got) != 0 {
		t.Errorf("%d fragments dropped, %d packets", n, len(w.got))
	}
}

// Fragments must not use up all packet buffers, whatever num_flows says.
func TestFragmentsLeaveBuffersToOthers(t *testing.T) {
	b := newBench(t, maxFlows)
	w := b.worker(0)
	for id := range 10_000 {
		_, p := fragments(uint16(id), 16, 8)
		w.send(1, p[0])
	}
	if free := b.pool.Available(); free < 3<<12 {
		t.Errorf("%d of %d buffers are free", free, 1<<14)
	}
	if n := w.count(countEvicted); n != 10_000-1<<12 {
		t.Errorf("%d fragments evicted", n)
	}
}

// BESS shared its table between workers without a lock. Here the fragments of
// each packet arrive at different workers.
func TestSeveralWorkers(t *testing.T) {
	const workers, packets, kinds = 4, 400, 4
	b := newBench(t, 1000)
	var wg sync.WaitGroup
	var done atomic.Uint64
	for id := range workers {
		w := b.worker(id)
		wg.Go(func() {
			for i := range packets {
				_, p := fragments(uint16(i), 1000, 256)
				w.send(1, p[(id+i)%kinds])
				if i%16 == 0 {
					w.send(1, moduleFrame)
				}
			}
			for _, f := range w.got {
				if len(f) == len(moduleFrame) {
					continue
				}
				whole, _ := fragments(binary.BigEndian.Uint16(f[18:]), 1000, 256)
				if !bytes.Equal(f, whole) {
					t.Error("a packet has other bytes")
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if done.Load() != packets {
		t.Errorf("%d of %d packets were put together", done.Load(), packets)
	}
}

func TestJoiningDoesNotAllocate(t *testing.T) {
	b := newBench(t, 10)
	w := b.worker(0)
	_, p := fragments(7, 4000, 1480)
	drop := &module.Node{Mod: drop{}, Cells: module.NewCells(0)}
	w.node.Outs[1].In = &module.In{Node: drop, Single: true}
	if n := testing.AllocsPerRun(100, func() { w.send(1, p...) }); n > 1 { // the list of frames is the test's
		t.Errorf("%v allocations", n)
	}
	if w.count(countDone) < 100 {
		t.Error("nothing was put together")
	}
}

// drop frees everything.
type drop struct{}

func (drop) Process(ctx *module.Context, b *packet.Batch) { ctx.FreeBatch(b) }

func BenchmarkJoin(b *testing.B) {
	x := newBench(b, 100)
	w := x.worker(0)
	_, p := fragments(7, 1400, 720)
	end := &module.Node{Mod: drop{}, Cells: module.NewCells(0)}
	w.node.Outs[1].In = &module.In{Node: end, Single: true}
	b.ReportAllocs()
	for b.Loop() {
		w.send(1, p...)
	}
}
