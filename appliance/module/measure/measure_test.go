// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/measure"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/timestamp"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", measure.Class, timestamp.Class, setmetadata.Class)
}

func inPacket(offset uint64) *measure.MeasureArg {
	return &measure.MeasureArg{Type: &measure.MeasureArg_Offset{Offset: offset}, JitterSampleProb: 1}
}

// marked returns a frame of n bytes with a mark of time zero at offset 14.
func marked(n int) []byte {
	f := make([]byte, n)
	copy(f[14:], "\x55\xbe\xc5\x54")
	return f
}

func summary(t testing.TB, h *moduletest.Harness, arg *measure.MeasureCommandGetSummaryArg) *measure.MeasureCommandGetSummaryResponse {
	t.Helper()
	r, err := h.Command("m", "get_summary", arg)
	if err != nil {
		t.Fatal(err)
	}
	return r.(*measure.MeasureCommandGetSummaryResponse)
}

// BESS answered seconds since boot in some places; the spec says since 1970.
func TestTimestampIsWallClock(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", measure.Class, nil)
	before := float64(time.Now().UnixMicro()) / 1e6
	s := summary(t, h, &measure.MeasureCommandGetSummaryArg{})
	if after := float64(time.Now().UnixMicro()) / 1e6; s.Timestamp < before || s.Timestamp > after {
		t.Errorf("%f is not in %f..%f", s.Timestamp, before, after)
	}
}

func TestNotANumber(t *testing.T) {
	h := moduletest.New(t)
	if err := h.Create("m", measure.Class, &measure.MeasureArg{JitterSampleProb: math.NaN()}); err == nil {
		t.Error("a probability that is not a number was accepted")
	}
	h.MustCreate("m", measure.Class, nil)
	for _, a := range []*measure.MeasureCommandGetSummaryArg{
		{LatencyPercentiles: []float64{math.NaN()}}, {JitterPercentiles: []float64{1, math.NaN()}},
	} {
		if _, err := h.Command("m", "get_summary", a); err == nil {
			t.Errorf("%v was accepted", a)
		}
	}
}

func TestBadPercentilesDoNotClear(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", measure.Class, nil)
	h.Send("m", 0, moduletest.Frame("U1"))
	if _, err := h.Command("m", "get_summary", &measure.MeasureCommandGetSummaryArg{Clear: true, JitterPercentiles: []float64{2, 1}}); err == nil {
		t.Fatal("accepted")
	}
	if s := summary(t, h, &measure.MeasureCommandGetSummaryArg{}); s.Packets != 1 {
		t.Errorf("%d packets, want 1", s.Packets)
	}
}

func TestUpdate(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", measure.Class, inPacket(14))
	h.Send("m", 0, marked(60), marked(60))
	for _, c := range []struct {
		arg  *measure.MeasureArg
		want error
	}{
		{&measure.MeasureArg{Type: inPacket(14).Type, JitterSampleProb: 0.5}, nil},
		{inPacket(15), module.ErrRebuild},
		{&measure.MeasureArg{}, module.ErrRebuild},
		{&measure.MeasureArg{Type: inPacket(14).Type, LatencyNsMax: 5}, module.ErrRebuild},
		{&measure.MeasureArg{Type: inPacket(14).Type, LatencyNsResolution: 5000}, module.ErrRebuild},
	} {
		if err := h.Update("m", c.arg); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.arg, err, c.want)
		}
	}
	if s := summary(t, h, &measure.MeasureCommandGetSummaryArg{}); s.Packets != 2 || s.Jitter.Count != 1 {
		t.Errorf("after the update: %v", s)
	}
}

func TestSampleProbability(t *testing.T) {
	const batches = 400
	for _, p := range []float64{0.05, 0.5, 1} {
		h := moduletest.New(t)
		arg := inPacket(14)
		arg.JitterSampleProb = p
		h.MustCreate("m", measure.Class, arg)
		var frames [][]byte
		for range packet.BatchSize {
			frames = append(frames, marked(60))
		}
		for range batches {
			h.Send("m", 0, frames...)
			h.Out("m", 0)
		}
		s := summary(t, h, &measure.MeasureCommandGetSummaryArg{})
		const n = batches * packet.BatchSize
		sampled := s.Jitter.Count + 1 // the first has none to differ from
		// Six standard deviations: chance alone fails one run in 500 million.
		if d := math.Abs(float64(sampled) - n*p); d > 6*math.Sqrt(n*p*(1-p)) {
			t.Errorf("probability %v: %d of %d packets were sampled", p, sampled, n)
		}
	}
}

// alone runs an instance without graph: what is emitted is dropped.
type alone struct {
	module.NoInput
	m     module.Module
	n     int
	frame []byte
}

func (a *alone) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	for range a.n {
		p := ctx.Cache.New(a.frame)
		b.Add(p)
	}
	a.m.Process(ctx, b)
	return module.Result{}
}

// Several workers record while the control side reads and clears: in the end
// every packet was in exactly one summary.
func TestClearLosesNothingWhileWorkersRun(t *testing.T) {
	const workers, batches = 4, 3000
	h := moduletest.New(t)
	h.MustCreate("m", measure.Class, inPacket(14))
	m := h.Instance("m")
	m.(module.WorkerObserver).SetWorkers([]int{0, 1})
	pool, err := packet.NewPool(1 << 14)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var wg sync.WaitGroup
	caches := make([]*packet.Cache, workers)
	for w := range workers {
		caches[w] = pool.NewCache()
	}
	m.(module.WorkerObserver).SetWorkers([]int{0, 1, 2, 3})
	for w := range workers {
		wg.Go(func() {
			ctx := module.NewContext(w, caches[w], 1e9)
			a := &alone{m: m, n: 10, frame: marked(60)}
			n := &module.Node{Mod: a, Cells: module.NewCells(0)}
			for range batches {
				if _, fault := ctx.RunTask(n, a, 0, 0); fault != nil {
					t.Error(fault.Value)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var packets, bits, latencies, jitters uint64
	add := func() {
		s := summary(t, h, &measure.MeasureCommandGetSummaryArg{Clear: true, LatencyPercentiles: []float64{1, 50, 99}})
		packets, bits, latencies = packets+s.Packets, bits+s.Bits, latencies+s.Latency.Count
		jitters += s.Jitter.Count
		if latencies > packets || jitters > latencies {
			t.Errorf("%d packets, but %d latencies and %d jitters", packets, latencies, jitters)
		}
		if len(s.Latency.PercentileValuesNs) != 3 {
			t.Errorf("%d percentiles", len(s.Latency.PercentileValuesNs))
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		add()
	}
	add()
	if want := uint64(workers * batches * 10); packets != want || latencies != want || bits != want*84*8 {
		t.Errorf("%d packets, %d latencies, %d bits; want %d, %d, %d", packets, latencies, bits, want, want, want*84*8)
	}
}

// A worker that nobody announced must not be a crash.
func TestUnknownWorkerForwards(t *testing.T) {
	pool, err := packet.NewPool(64)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	h := moduletest.New(t)
	h.MustCreate("m", measure.Class, inPacket(14))
	ctx := module.NewContext(9, pool.NewCache(), 1e9)
	a := &alone{m: h.Instance("m"), n: 5, frame: marked(60)}
	if _, fault := ctx.RunTask(&module.Node{Mod: a, Cells: module.NewCells(0)}, a, 0, 0); fault != nil {
		t.Fatal(fault.Value)
	}
	if got := ctx.SilentDrops.Load(); got != 5 {
		t.Errorf("%d packets emitted, want 5", got)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", measure.Class, inPacket(14))
	h.NoAllocs("m", marked(60), moduletest.Frame("U1"), []byte{1})
	g := moduletest.New(t)
	g.MustCreate("m", measure.Class, nil)
	g.NoAllocs("m", moduletest.Frame("U1"))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, measure.Class, func(seed []byte) proto.Message {
		a := &measure.MeasureArg{JitterSampleProb: 1, LatencyNsMax: 1000}
		if len(seed) >= 2 {
			a.Type = &measure.MeasureArg_Offset{Offset: uint64(binary.LittleEndian.Uint16(seed)) % 2100}
		}
		return a
	})
}

func BenchmarkProcess(b *testing.B) {
	b.Run("marked", func(b *testing.B) {
		arg := inPacket(14)
		arg.JitterSampleProb = 0
		moduletest.Bench(b, measure.Class, arg, marked(60))
	})
	b.Run("unmarked", func(b *testing.B) { moduletest.Bench(b, measure.Class, nil, moduletest.Frame("U1")) })
}

// FuzzAll lets commands and new arguments happen between the packets.
func FuzzAll(f *testing.F) { moduletest.FuzzAll(f, measure.Class) }

// BenchmarkPipeline is Source, Rewrite, Timestamp, Measure, Sink on one core, and
// the same without the two.
func BenchmarkPipeline(b *testing.B) {
	src, out := moduletest.Stage{Class: source.Class}, moduletest.Stage{Class: sink.Class}
	rw := moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: [][]byte{make([]byte, 100)}}}
	b.Run("both", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, src, rw, moduletest.Stage{Class: timestamp.Class}, moduletest.Stage{Class: measure.Class}, out)
	})
	b.Run("mark", func(b *testing.B) {
		moduletest.BenchPipeline(b, 1, nil, src, rw, moduletest.Stage{Class: timestamp.Class}, out)
	})
	b.Run("without", func(b *testing.B) { moduletest.BenchPipeline(b, 1, nil, src, rw, out) })
}
