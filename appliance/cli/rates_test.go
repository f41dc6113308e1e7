// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func hist(n map[int]uint64) []uint64 {
	h := make([]uint64, 65)
	for i, c := range n {
		h[i] = c
	}
	return h
}

func TestRatePorts(t *testing.T) {
	old := []*portData{
		{Name: "a", Timestamp: 100, In: directionData{Packets: 1000, Bytes: 60_000, Dropped: 5, Actual: hist(map[int]uint64{0: 7, 32: 10})}},
		{Name: "b", Timestamp: 100, Out: directionData{Packets: 10}}, {Name: "stuck", Timestamp: 100}, {Name: "gone", Timestamp: 100},
	}
	next := []*portData{
		{Name: "a", Timestamp: 102, In: directionData{Packets: 3000, Bytes: 180_000, Dropped: 6, Actual: hist(map[int]uint64{0: 900, 32: 30, 64: 30})}},
		{Name: "b", Timestamp: 101, Out: directionData{Packets: 110}}, {Name: "stuck", Timestamp: 100}, {Name: "new", Timestamp: 102},
	}
	s := &span{}
	r := ratePorts(old, next, s)
	if len(r.Ports) != 2 || r.Timestamp != 102 || r.Seconds != 2 || s.backwards {
		t.Fatalf("%+v, %+v", r, s)
	}
	// 1000 packets and 60,000 bytes a second, 24 bytes more for each packet,
	// in 50 transfers that moved something.
	if want := (directionRates{1000, 8 * (60_000 + 24*1000), 0.5, 40}); r.Ports[0].In != want {
		t.Errorf("a: %+v, want %+v", r.Ports[0].In, want)
	}
	if want := (directionRates{PacketsPerSecond: 100}); r.Ports[1].Out != want {
		t.Errorf("b does not count bytes: %+v", r.Ports[1].Out)
	}
	if r.Total.In.PacketsPerSecond != 1000 || r.Total.Out.PacketsPerSecond != 100 || r.Total.In.DroppedPerSecond != 0.5 {
		t.Errorf("total: %+v", r.Total)
	}
	var b bytes.Buffer
	drawPortRates(&b, r)
	golden(t, "monitor_port.table", b.String())
}

// A counter that is smaller than before has started over: no rate is better
// than one of 2^64 packets per second.
func TestCounterStartsOver(t *testing.T) {
	s := &span{}
	r := ratePorts([]*portData{{Name: "a", Timestamp: 1, In: directionData{Packets: 1000}}},
		[]*portData{{Name: "a", Timestamp: 2, In: directionData{Packets: 10}}}, s)
	if !s.backwards || r.Ports[0].In.PacketsPerSecond != 0 {
		t.Errorf("%+v, %+v", s, r.Ports)
	}
}

func TestRateTCs(t *testing.T) {
	counts := func(t float64, n uint64) tcCounts {
		return tcCounts{Timestamp: t, Runs: n, Cycles: 6400 * n, Packets: 32 * n, Bits: 32 * 672 * n}
	}
	share := int64(2)
	old := []*tcData{{Name: "root", Policy: "round_robin", tcCounts: counts(10, 1000)}, {Name: "idle", Policy: "leaf", Parent: "root", tcCounts: counts(10, 0)}}
	next := []*tcData{{Name: "root", Policy: "round_robin", tcCounts: counts(10.5, 51_000)},
		{Name: "idle", Policy: "leaf", Parent: "root", Share: &share, tcCounts: counts(10.5, 0)}, {Name: "new", Parent: "root", tcCounts: counts(10.5, 7)}}
	r := rateTCs(old, next, &span{})
	want := taskRates{CPUMHz: 640, RunsPerSecond: 100_000, PacketsPerSecond: 3_200_000, BitsPerSecond: 3_200_000 * 672, PacketsPerRun: 32, CyclesPerPacket: 200}
	if len(r.Classes) != 2 || r.Classes[0].taskRates != want || r.Classes[1].taskRates != (taskRates{}) || r.Seconds != 0.5 {
		t.Errorf("%+v", r)
	}
	var b bytes.Buffer
	drawTCRates(&b, r)
	golden(t, "monitor_tc.table", b.String())
}

func TestRateWorkers(t *testing.T) {
	reading := func(at float64, n uint64, drops int64) *workerReading {
		return &workerReading{&workerData{Worker: 3, Core: 1, Running: true, SilentDrops: drops},
			map[string]tcCounts{"a": {Runs: n, Cycles: 1e6 * n, Packets: n, Bits: n}, "b": {Runs: 2 * n}}, at}
	}
	old := []*workerReading{reading(5, 10, 100)}
	next := []*workerReading{reading(7, 30, 108), {&workerData{Worker: 4}, nil, 7}}
	next[0].roots["new"] = tcCounts{Runs: 99}
	r := rateWorkers(old, next, &span{})
	want := workerRates{Worker: 3, Core: 1, Running: true, SilentDropsPerSecond: 4, state: "running",
		taskRates: taskRates{CPUMHz: 10, RunsPerSecond: 30, PacketsPerSecond: 10, BitsPerSecond: 10, PacketsPerRun: 1. / 3, CyclesPerPacket: 1e6}}
	if len(r.Workers) != 1 || r.Workers[0] != want {
		t.Errorf("%+v, want %+v", r.Workers, want)
	}
	var b bytes.Buffer
	drawWorkerRates(&b, r)
	golden(t, "monitor_worker.table", b.String())
}

func tracked(at float64, packets, batches, bytes uint64) countData {
	return countData{true, batches, packets, bytes, at}
}

func TestRatePipeline(t *testing.T) {
	p := func(at float64, n uint64) *pipelineData {
		g := graph("a:0>b:0 a:1>c:0 b:0>c:1 x:0>y:0")
		g.Links[0].countData = tracked(at, 64*n, n, 84*64*n)
		g.Links[1].countData = tracked(at, n, n, 0)
		g.Links[2].countData = tracked(at, 7, 7, 0)
		return g
	}
	r := ratePipeline(p(1, 100), p(3, 300), &span{})
	want := []linkRates{{"a", 0, "b", 0, gateRates{6400, 100, 64, 8 * 84 * 6400}}, {"a", 1, "c", 0, gateRates{100, 100, 1, 0}},
		{From: "b", To: "c", IGate: 1}}
	if len(r.Links) != 3 || r.Links[0] != want[0] || r.Links[1] != want[1] || r.Links[2] != want[2] {
		t.Errorf("%+v, want %+v", r.Links, want)
	}
	var b bytes.Buffer
	drawPipelineRates(&b, r)
	golden(t, "monitor_pipeline.table", b.String())
}

func TestRateModule(t *testing.T) {
	old := moduleReading{busyModule(), 2}
	m := busyModule()
	m.InputGates[0].countData = tracked(3.5, 640+2000, 10+50, 53760)
	m.OutputGates[0].countData = tracked(4, 100+2_000_000, 3+100_000, 0)
	m.Deadends += 10
	m.Counters[0].Value += 3
	m.Rules[1].Packets += 500_000
	r := rateModule(old, moduleReading{m, 4}, &span{})
	if len(r.InputGates) != 1 || r.InputGates[0].gateRates != (gateRates{1000, 25, 40, 0}) ||
		len(r.OutputGates) != 1 || r.OutputGates[0].gateRates != (gateRates{1_000_000, 50_000, 20, 0}) ||
		len(r.Rules) != 3 || r.Rules[1].PacketsPerSecond != 250_000 || len(r.Counters) != 3 || r.Counters[0].PerSecond != 5 ||
		r.Counters[1].PerSecond != 1.5 {
		t.Errorf("%+v", r)
	}
	var b bytes.Buffer
	drawModuleRates(&b, r)
	golden(t, "monitor_module.table", b.String())
	m.Rules = m.Rules[:1] // commands have changed the list: its counters mean something else now
	if r := rateModule(old, moduleReading{m, 4}, &span{}); len(r.Rules) != 0 {
		t.Errorf("%+v", r.Rules)
	}
}

// Rates are numbers that JSON can write, also when nothing happened.
func TestRatesOfNothing(t *testing.T) {
	s := &span{}
	for _, v := range []any{
		ratePorts(nil, nil, s), rateTCs(nil, nil, s), rateWorkers(nil, nil, s), ratePipeline(&pipelineData{}, &pipelineData{}, s),
		rateModule(moduleReading{&moduleData{}, 1}, moduleReading{&moduleData{}, 1}, s),
	} {
		text, err := json.Marshal(v)
		if err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%s, %v", text, err)
		}
	}
}
