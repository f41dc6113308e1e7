// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowmeasure

import (
	"math"
	"slices"
	"testing"
)

func results(t *testing.T, latencies []uint64, arg *FlowMeasureCommandReadArg) *statistic {
	t.Helper()
	s, err := newSet(4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	for _, ns := range latencies {
		if !s.add(5, 7, ns, 60) {
			t.Fatal("no room")
		}
	}
	return describe(s.record(0), arg)
}

// M38 of the catalogue.
func TestM38Percentiles(t *testing.T) {
	for _, c := range []struct {
		percentiles     []float64
		latency, jitter []uint64
	}{
		{[]float64{40, 100}, []uint64{1000, 2000}, []uint64{0, 1000}},
		{[]float64{50, 100}, []uint64{2000, 2000}, []uint64{1000, 1000}},
		{[]float64{100, 0, 40}, []uint64{2000, 1000, 1000}, []uint64{1000, 0, 0}},
		{nil, nil, nil},
	} {
		s := results(t, []uint64{1500, 2500}, &FlowMeasureCommandReadArg{LatencyPercentiles: c.percentiles, JitterPercentiles: c.percentiles})
		if s.Fseid != 5 || s.Pdr != 7 || s.TotalPackets != 2 || s.TotalBytes != 120 {
			t.Errorf("%v", s)
		}
		if !slices.Equal(s.Latency.PercentileValuesNs, c.latency) || !slices.Equal(s.Jitter.PercentileValuesNs, c.jitter) {
			t.Errorf("%v: latency %v, jitter %v", c.percentiles, s.Latency.PercentileValuesNs, s.Jitter.PercentileValuesNs)
		}
	}
}

func TestAboveRange(t *testing.T) {
	s := results(t, []uint64{99_999, 100_000, math.MaxUint64 - 1}, &FlowMeasureCommandReadArg{LatencyPercentiles: []float64{100}})
	l := s.Latency
	if l.Count != 3 || l.AboveRange != 2 || l.MinNs != 99_000 || l.MaxNs != 100_000 || l.PercentileValuesNs[0] != 100_000 || l.AvgNs != 299_000/3 {
		t.Errorf("%v", l)
	}
}

// Flows are told apart wherever their hashes lead, up to the limit.
func TestManyFlows(t *testing.T) {
	const n = 5000
	s, err := newSet(n)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for range 2 {
		for i := range uint64(n) {
			if !s.add(i/3, i%3<<20, 10, i) {
				t.Fatalf("no room for flow %d", i)
			}
		}
	}
	if s.add(n, 0, 10, 1) || s.count.Load() != n {
		t.Error("more flows than there is room for")
	}
	for i := range n {
		if r := s.record(i); r[wordPackets] != 2 || r[wordBytes] != 2*uint64(i) || r[wordSession] != uint64(i)/3 {
			t.Fatalf("flow %d: %v", i, r[:5])
		}
	}
}
