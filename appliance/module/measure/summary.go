// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// totals are sums over all workers.
type totals struct {
	packets, bytes  uint64
	latency, jitter []uint64 // per bucket, without the zeros at the end
}

// totals adds up the recorders as they are now.
func (m *Measure) totals() totals {
	var t totals
	for i := range m.cells {
		if r := m.cells[i].Load(); r != nil {
			t.bytes += r.bytes.Load()
			t.jitter = r.jitter.addTo(t.jitter)
			t.latency = r.latency.addTo(t.latency)
			t.packets += r.packets.Load() // last: see recorder.begin
		}
	}
	return t
}

// addTo adds the buckets to sum and returns it.
func (h *histogram) addTo(sum []uint64) []uint64 {
	n := int(h.used.Load())
	if n > len(sum) {
		grown := make([]uint64, n)
		copy(grown, sum)
		sum = grown
	}
	for i := range n {
		sum[i] += h.buckets[i].Load()
	}
	return sum
}

// since returns what came on top of base.
func (t totals) since(base totals) totals {
	return totals{
		packets: t.packets - base.packets,
		bytes:   t.bytes - base.bytes,
		latency: minus(t.latency, base.latency),
		jitter:  minus(t.jitter, base.jitter),
	}
}

// minus returns a - b; a is at least as long as b.
func minus(a, b []uint64) []uint64 {
	d := make([]uint64, len(a))
	copy(d, a)
	for i, n := range b {
		d[i] -= n
	}
	return d
}

// checkPercentiles verifies that all are in 0..100 and ascend.
func checkPercentiles(field string, ps []float64) error {
	for i, p := range ps {
		if !(p >= 0 && p <= 100) {
			return module.Invalid(field, p, "invalid '%s': must be 0..100", field)
		}
		if i > 0 && p < ps[i-1] {
			return module.Invalid(field, p, "invalid '%s': must ascend, but follows %v", field, ps[i-1])
		}
	}
	return nil
}

func (m *Measure) getSummary(arg *MeasureCommandGetSummaryArg) (*MeasureCommandGetSummaryResponse, error) {
	if err := checkPercentiles("latency_percentiles", arg.GetLatencyPercentiles()); err != nil {
		return nil, err
	}
	if err := checkPercentiles("jitter_percentiles", arg.GetJitterPercentiles()); err != nil {
		return nil, err
	}
	all := m.totals()
	t := all.since(m.base)
	if arg.GetClear() {
		m.startFrom(all)
	}
	return &MeasureCommandGetSummaryResponse{
		Timestamp: float64(time.Now().UnixMicro()) / 1e6,
		Packets:   t.packets,
		Bits:      (t.bytes + packet.Overhead*t.packets) * 8,
		Latency:   m.summarize(t.latency, arg.GetLatencyPercentiles()),
		Jitter:    m.summarize(t.jitter, arg.GetJitterPercentiles()),
	}, nil
}

func (m *Measure) clear(*api.EmptyArg) error {
	m.startFrom(m.totals())
	return nil
}

// startFrom makes later summaries begin at t.
func (m *Measure) startFrom(t totals) {
	m.base = t
	m.epoch.Add(1)
}

// summarize describes a histogram. A time stands for the lower end of its
// bucket.
func (m *Measure) summarize(counts []uint64, percentiles []float64) *MeasureCommandGetSummaryResponse_Histogram {
	width := m.cfg.resolution
	h := &MeasureCommandGetSummaryResponse_Histogram{
		ResolutionNs:       width,
		PercentileValuesNs: make([]uint64, len(percentiles)),
	}
	if len(counts) > m.cfg.buckets {
		h.AboveRange = counts[m.cfg.buckets]
	}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		ns := uint64(i) * width
		if h.Count == 0 {
			h.MinNs = ns
		}
		h.Count += n
		h.MaxNs = ns
		h.TotalNs += n * ns
	}
	if h.Count == 0 {
		return h
	}
	h.AvgNs = h.TotalNs / h.Count
	fillPercentiles(h.PercentileValuesNs, percentiles, counts, h.Count, width)
	return h
}

// fillPercentiles sets, for each of the ascending percentiles, the time below
// or at which more than that share of all count samples lies; for 100 the
// time at which all do.
func fillPercentiles(dst []uint64, percentiles []float64, counts []uint64, count, width uint64) {
	next, seen := 0, uint64(0)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		seen += n
		for next < len(dst) && (seen == count || float64(seen)*100 > percentiles[next]*float64(count)) {
			dst[next] = uint64(i) * width
			next++
		}
	}
}
