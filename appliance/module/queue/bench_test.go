// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/queue"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// bare is an engine without anything.
type bare struct{ pool *packet.Pool }

func (bare) DeclareAttr(d []module.Attr, a module.Attr) ([]module.Attr, error) {
	return append(d, a), nil
}
func (bare) ReleaseAttrs([]module.Attr)     {}
func (bare) Port(string) (*port.Port, bool) { return nil, false }
func (b bare) Pool() *packet.Pool           { return b.pool }
func nodeOf(m module.Module) *module.Node   { return &module.Node{Mod: m, Cells: module.NewCells(4)} }
func link(a, b *module.Node) {
	a.Outs = []module.Out{{In: &module.In{Node: b, Single: true}}}
}

func build(b *testing.B, pool *packet.Pool, c *module.Class, arg proto.Message) *module.Node {
	b.Helper()
	m, err := c.New(module.NewEnv("m", slog.New(slog.DiscardHandler), bare{pool}), arg)
	if err != nil {
		b.Fatal(err)
	}
	return nodeOf(m)
}

// chain is source -> queue -> sink.
type chain struct {
	pool       *packet.Pool
	src, queue *module.Node
}

func newChain(b *testing.B, size uint64) *chain {
	b.Helper()
	pool, err := packet.NewPool(1 << 16)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	c := &chain{pool: pool}
	c.src = build(b, pool, source.Class, &source.SourceArg{})
	c.queue = build(b, pool, queue.Class, &queue.QueueArg{Size: size})
	// What comes in and what goes out have different nodes, as on workers.
	in := nodeOf(c.queue.Mod)
	link(c.src, in)
	link(c.queue, build(b, pool, sink.Class, &api.EmptyArg{}))
	return c
}

func report(b *testing.B, packets uint64) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/pkt")
	b.ReportMetric(float64(packets)*1e3/float64(b.Elapsed().Nanoseconds()), "Mpps")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOneCore runs source and queue in turn on one worker.
func BenchmarkOneCore(b *testing.B) {
	c := newChain(b, 1024)
	ctx := module.NewContext(0, c.pool.NewCache(), sys.CyclesPerSecond())
	src, out := c.src.Mod.(module.Runner), c.queue.Mod.(module.Runner)
	var n uint64
	b.ReportAllocs()
	for b.Loop() {
		now := sys.Cycles()
		ctx.RunTask(c.src, src, 0, now)
		r, _ := ctx.RunTask(c.queue, out, 0, sys.Cycles())
		n += r.Packets
	}
	report(b, n)
}

// BenchmarkSourceSink is what a core does without the queue.
func BenchmarkSourceSink(b *testing.B) {
	c := newChain(b, 1024)
	link(c.src, build(b, c.pool, sink.Class, &api.EmptyArg{}))
	ctx := module.NewContext(0, c.pool.NewCache(), sys.CyclesPerSecond())
	src := c.src.Mod.(module.Runner)
	var n uint64
	b.ReportAllocs()
	for b.Loop() {
		r, _ := ctx.RunTask(c.src, src, 0, sys.Cycles())
		n += r.Packets
	}
	report(b, n)
}

// BenchmarkTwoCores runs the source on one thread and the queue on another;
// packets that found the queue full do not count.
func BenchmarkTwoCores(b *testing.B) {
	c := newChain(b, 1024)
	src, out := c.src.Mod.(module.Runner), c.queue.Mod.(module.Runner)
	var stop atomic.Bool
	ended := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		ctx := module.NewContext(1, c.pool.NewCache(), sys.CyclesPerSecond())
		for !stop.Load() {
			ctx.RunTask(c.src, src, 0, sys.Cycles())
		}
	}()
	ctx := module.NewContext(0, c.pool.NewCache(), sys.CyclesPerSecond())
	var n uint64
	b.ReportAllocs()
	for b.Loop() {
		for got := uint64(0); got < 64; {
			r, _ := ctx.RunTask(c.queue, out, 0, sys.Cycles())
			got += r.Packets
			n += r.Packets
		}
	}
	report(b, n)
	stop.Store(true)
	<-ended
}
