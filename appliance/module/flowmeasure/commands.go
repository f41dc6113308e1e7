// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowmeasure

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

type (
	statistic = FlowMeasureReadResponse_Statistic
	histogram = FlowMeasureReadResponse_Statistic_Histogram
)

// drain is how long flip waits for packets on their way to the followers.
const drain = 10 * time.Millisecond

// patience is how long an emptied set may still be in use by the worker, which
// is in it for some microseconds at a time.
const patience = time.Second

func (m *FlowMeasure) flip(*FlowMeasureCommandFlipArg) (*FlowMeasureFlipResponse, error) {
	if !m.leader {
		return nil, errno.Errorf(errno.EINVAL, "only leaders can flip the flag: this instance follows another one")
	}
	old := m.current.Load()
	m.current.Store(setA + setB - old)
	time.Sleep(drain)
	return &FlowMeasureFlipResponse{OldFlag: old}, nil
}

// checkPercentiles verifies that all are in 0..100. Their order is free.
func checkPercentiles(name string, ps []float64) error {
	for i, p := range ps {
		if !(p >= 0 && p <= 100) {
			return module.Invalid(fmt.Sprintf("%s[%d]", name, i), p, "must be 0..100")
		}
	}
	return nil
}

func (m *FlowMeasure) read(arg *FlowMeasureCommandReadArg) (*FlowMeasureReadResponse, error) {
	flag := arg.GetFlagToRead()
	if flag != setA && flag != setB {
		return nil, module.Invalid("flag_to_read", flag, "invalid flag value: must be %d or %d", setA, setB)
	}
	if err := checkPercentiles("latency_percentiles", arg.GetLatencyPercentiles()); err != nil {
		return nil, err
	}
	if err := checkPercentiles("jitter_percentiles", arg.GetJitterPercentiles()); err != nil {
		return nil, err
	}
	place := &m.sets[flag-setA]
	s := place.Load()
	if arg.GetClear() {
		empty, err := newSet(m.entries)
		if err != nil {
			return nil, err
		}
		place.Store(empty)
		if m.outside() {
			defer s.close()
		} else {
			defer m.domain.Retire(s.close)
		}
	}
	r := &FlowMeasureReadResponse{}
	for i := range int(s.count.Load()) {
		r.Statistics = append(r.Statistics, describe(s.record(i), arg))
	}
	return r, nil
}

// outside waits until the worker can no longer be in what was taken out, so
// that no packet is missing in it, and reports whether that is so.
func (m *FlowMeasure) outside() bool {
	left := false
	m.domain.Retire(func() { left = true })
	for end := time.Now().Add(patience); !left && time.Now().Before(end); {
		m.domain.Flush()
	}
	return left
}

// describe returns the results of one flow.
func describe(r []uint64, arg *FlowMeasureCommandReadArg) *statistic {
	s := &statistic{
		Fseid: r[wordSession], Pdr: r[wordRule],
		TotalPackets: atomic.LoadUint64(&r[wordPackets]), TotalBytes: atomic.LoadUint64(&r[wordBytes]),
	}
	s.Latency = summarize(r[wordLatency:wordLatency+buckets+1], arg.GetLatencyPercentiles())
	s.Jitter = summarize(r[wordJitter:wordJitter+buckets+1], arg.GetJitterPercentiles())
	return s
}

// summarize describes a histogram. A time stands for the lower end of its
// bucket.
func summarize(live []uint64, percentiles []float64) *histogram {
	var counts [buckets + 1]uint64
	h := &histogram{ResolutionNs: resolution, PercentileValuesNs: make([]uint64, len(percentiles))}
	for i := range counts {
		n := atomic.LoadUint64(&live[i])
		if counts[i] = n; n == 0 {
			continue
		}
		ns := uint64(i) * resolution
		if h.Count == 0 {
			h.MinNs = ns
		}
		h.Count += n
		h.MaxNs = ns
		h.TotalNs += n * ns
	}
	h.AboveRange = counts[buckets]
	if h.Count > 0 {
		h.AvgNs = h.TotalNs / h.Count
	}
	for i, p := range percentiles {
		h.PercentileValuesNs[i] = percentile(&counts, h.Count, p)
	}
	return h
}

// percentile returns the time below or at which more than p percent of all
// count samples lie; for 100 the time at which all do.
func percentile(counts *[buckets + 1]uint64, count uint64, p float64) uint64 {
	seen := uint64(0)
	for i, n := range counts {
		seen += n
		if n > 0 && (seen == count || float64(seen)*100 > p*float64(count)) {
			return uint64(i) * resolution
		}
	}
	return 0
}
