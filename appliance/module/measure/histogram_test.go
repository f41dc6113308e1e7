// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// instance returns one with a recorder for worker 0, and the recorder.
func instance(t testing.TB, limit uint64, resolution uint32) (*Measure, *recorder) {
	t.Helper()
	c, err := validate(&MeasureArg{LatencyNsMax: limit, LatencyNsResolution: resolution, JitterSampleProb: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := &Measure{cfg: c}
	m.setProb(c.prob)
	m.SetWorkers([]int{0})
	return m, m.cells[0].Load()
}

// record lets one batch of latencies arrive.
func record(m *Measure, r *recorder, ns ...uint64) {
	var rnd module.Rand
	r.begin(len(ns), m.epoch.Load(), m.prob.Load(), &rnd)
	for _, n := range ns {
		r.add(n, 60)
	}
	r.end()
}

func get(t testing.TB, m *Measure, arg *MeasureCommandGetSummaryArg) *MeasureCommandGetSummaryResponse {
	t.Helper()
	s, err := m.getSummary(arg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// S38 of the catalogue.
func TestS38Summary(t *testing.T) {
	m, r := instance(t, 0, 100)
	record(m, r, 150, 250, 250)
	s := get(t, m, &MeasureCommandGetSummaryArg{LatencyPercentiles: []float64{50, 100}})
	l := s.Latency
	if l.Count != 3 || l.AboveRange != 0 || l.MinNs != 100 || l.MaxNs != 200 || l.TotalNs != 500 || l.AvgNs != 166 ||
		l.ResolutionNs != 100 || !slices.Equal(l.PercentileValuesNs, []uint64{200, 200}) {
		t.Errorf("latency: %v", l)
	}
	if j := s.Jitter; j.Count != 2 || j.MinNs != 0 || j.MaxNs != 100 || j.TotalNs != 100 {
		t.Errorf("jitter: %v", j)
	}
	if s.Packets != 3 || s.Bits != 3*84*8 {
		t.Errorf("packets %d bits %d", s.Packets, s.Bits)
	}
}

func TestPercentiles(t *testing.T) {
	for _, c := range []struct {
		samples     []uint64
		percentiles []float64
		want        []uint64
	}{
		{[]uint64{10, 20}, []float64{0, 49.9, 50, 50.1, 100}, []uint64{10, 10, 20, 20, 20}},
		{[]uint64{10, 10, 10, 20}, []float64{50, 74, 75, 99}, []uint64{10, 10, 20, 20}},
		{[]uint64{5}, []float64{0, 0, 100, 100}, []uint64{0, 0, 0, 0}},
		{[]uint64{1000, 5000}, []float64{10, 90}, []uint64{100, 100}},
		{nil, []float64{1, 2}, []uint64{0, 0}},
		{[]uint64{10}, nil, nil},
	} {
		m, r := instance(t, 100, 10)
		record(m, r, c.samples...)
		got := get(t, m, &MeasureCommandGetSummaryArg{LatencyPercentiles: c.percentiles}).Latency.PercentileValuesNs
		if !slices.Equal(got, c.want) {
			t.Errorf("%v of %v: %v, want %v", c.percentiles, c.samples, got, c.want)
		}
	}
}

// BESS left out percentiles that fell on one bucket.
func TestPercentilesAreCompleteAndInOrder(t *testing.T) {
	m, r := instance(t, 1_000_000, 100)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		record(m, r, uint64(rng.ExpFloat64()*1000))
	}
	var ps []float64
	for p := 0.0; p <= 100; p += 0.25 {
		ps = append(ps, p)
	}
	s := get(t, m, &MeasureCommandGetSummaryArg{LatencyPercentiles: ps, JitterPercentiles: ps})
	for _, h := range []*MeasureCommandGetSummaryResponse_Histogram{s.Latency, s.Jitter} {
		v := h.PercentileValuesNs
		if len(v) != len(ps) || !slices.IsSorted(v) || v[0] != h.MinNs || v[len(v)-1] != h.MaxNs {
			t.Errorf("%d values for %d percentiles, %d..%d", len(v), len(ps), v[0], v[len(v)-1])
		}
	}
}

func TestAboveRange(t *testing.T) {
	m, r := instance(t, 1000, 300) // 4 buckets, up to 1200
	record(m, r, 1199, 1200, 5000, math.MaxUint64)
	l := get(t, m, &MeasureCommandGetSummaryArg{}).Latency
	if l.Count != 4 || l.AboveRange != 3 || l.MinNs != 900 || l.MaxNs != 1200 || l.TotalNs != 900+3*1200 {
		t.Errorf("%v", l)
	}
}

// BESS added a bucket with every clear.
func TestClearKeepsTheBuckets(t *testing.T) {
	m, r := instance(t, 1000, 100)
	for range 50 {
		record(m, r, 100_000)
		s := get(t, m, &MeasureCommandGetSummaryArg{Clear: true})
		if s.Latency.MaxNs != 1000 || s.Latency.Count != 1 || s.Latency.AboveRange != 1 {
			t.Fatalf("%v", s.Latency)
		}
	}
}

// BESS compared the first packet after a clear with the last one before it.
func TestClearForgetsTheLastSample(t *testing.T) {
	m, r := instance(t, 1000, 100)
	record(m, r, 100, 500)
	if err := m.clear(nil); err != nil {
		t.Fatal(err)
	}
	record(m, r, 900, 800)
	if j := get(t, m, &MeasureCommandGetSummaryArg{}).Jitter; j.Count != 1 || j.MaxNs != 100 {
		t.Errorf("%v", j)
	}
}

// BESS added up in 32 bits.
func TestCountsBeyond32Bits(t *testing.T) {
	m, r := instance(t, 1000, 100)
	r.latency.buckets[3].Set(3 << 32)
	r.latency.used.Set(4)
	r.packets.Set(3 << 32)
	l := get(t, m, &MeasureCommandGetSummaryArg{LatencyPercentiles: []float64{50}}).Latency
	if l.Count != 3<<32 || l.AvgNs != 300 || l.PercentileValuesNs[0] != 300 {
		t.Errorf("%v", l)
	}
}

func TestWorkersAddUp(t *testing.T) {
	m, r := instance(t, 10000, 100)
	m.SetWorkers([]int{0, 7})
	if m.cells[0].Load() != r {
		t.Fatal("the recorder of worker 0 was exchanged")
	}
	record(m, r, 100)
	record(m, m.cells[7].Load(), 5000, 300)
	m.SetWorkers([]int{7}) // worker 0 leaves; what it saw stays
	l := get(t, m, &MeasureCommandGetSummaryArg{}).Latency
	if l.Count != 3 || l.MinNs != 100 || l.MaxNs != 5000 || l.TotalNs != 5400 {
		t.Errorf("%v", l)
	}
}

// The reciprocal must give what a division gives.
func TestBucketsMatchDivision(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	widths := []uint64{1, 2, 3, 7, 10, 100, 1000, 1 << 16, 1<<31 - 1, 1 << 31, math.MaxUint32}
	for range 200 {
		widths = append(widths, 1+uint64(rng.Uint32()>>(rng.IntN(32))))
	}
	for _, w := range widths {
		h := newHistogram(1000, w)
		times := []uint64{0, 1, w - 1, w, w + 1, 2*w - 1, 2 * w, 999*w + w - 1, 1000 * w, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64}
		for range 200 {
			times = append(times, rng.Uint64N(1001*w), uint64(rng.Uint32()))
		}
		for _, ns := range times {
			i := min(ns/w, 1000)
			before := h.buckets[i].Load()
			h.add(ns)
			if h.buckets[i].Load() != before+1 || h.used.Load() <= i {
				t.Fatalf("%d ns with width %d is not in bucket %d", ns, w, i)
			}
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	m, r := instance(b, 0, 100)
	m.setProb(defaultProb)
	var rnd module.Rand
	rnd.Seed(1)
	b.ReportAllocs()
	for b.Loop() {
		r.begin(64, 0, m.prob.Load(), &rnd)
		for i := range uint64(64) {
			r.add(20000+i*300, 60)
		}
		r.end()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/pkt")
}

func BenchmarkSummary(b *testing.B) {
	m, r := instance(b, 0, 100)
	for i := range uint64(100_000) {
		r.latency.add(i * 1000)
	}
	for b.Loop() {
		get(b, m, &MeasureCommandGetSummaryArg{LatencyPercentiles: []float64{50, 99}})
	}
}
