// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", Class) }

const (
	syn = header.TCPSyn
	fin = header.TCPFin
	ack = header.TCPAck
)

// S33: a TCP flow of ten packets, 100 ms apart, with growing sequence numbers.
func TestTCPFlow(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoTCP, 100), Pps: 10, FlowRate: 1, FlowDuration: 1})
	if d := r.m.Desc(); d != "1 flows" {
		t.Error(d)
	}
	start := r.now
	var got []seg
	for i := range 10 {
		r.got = nil
		r.now = start + uint64(i)*100_000_000
		if res := r.run(); res.Packets != 1 {
			t.Fatalf("packet %d: %+v", i, res)
		}
		got = append(got, read(t, r.got[0]))
		if res := r.run(); res.Packets != 0 || !res.Blocked || res.Retry != 100_000_000 {
			t.Fatalf("after packet %d: %+v", i, res)
		}
	}
	for i, s := range got {
		want := seg{got[0].src, got[0].dst, got[0].sport, got[0].dport, ack, 12346 + 46*uint32(i-1), 100, 86}
		switch i {
		case 0:
			want.flags, want.seq, want.size, want.total = syn, 12345, 60, 40
		case 9:
			want.flags, want.size, want.total = fin|ack, 60, 40
		}
		if s != want {
			t.Errorf("packet %d: %+v, want %+v", i, s, want)
		}
	}
	if got[0].src != 0x0a000001 || got[0].dst != 0x0b000001 {
		t.Errorf("addresses %x, %x", got[0].src, got[0].dst)
	}
	// Not the template's payload, but zeros, behind a bare header.
	r.now += 100_000_000
	r.got = nil
	r.run()
	if s := read(t, r.got[0]); s.flags != syn || !bytes.Equal(r.got[0][54:], make([]byte, 6)) {
		t.Errorf("%+v: padding %x", s, r.got[0][54:])
	}
}

// A flow of one packet is SYN and FIN.
func TestFlowOfOnePacket(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoTCP, 100), Pps: 10, FlowRate: 10, FlowDuration: 1})
	got := r.until(1)
	if len(got) != 11 {
		t.Fatalf("%d packets", len(got))
	}
	for _, f := range got {
		if s := read(t, f); s.flags != syn|fin || s.size != 60 {
			t.Errorf("%+v", s)
		}
	}
	if d := r.m.Desc(); d != "1 flows" {
		t.Error(d)
	}
}

// In the original a flow that turned out to have no packets was the last one.
func TestFlowsWithoutPacketsDoNotEndIt(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoUDP, 60), Pps: 100, FlowRate: 100, FlowDuration: 5})
	r.m.conf.packets = 0.25
	if n := len(r.until(40)); n < 900 || n > 1100 {
		t.Errorf("%d packets of 4000 flows with a quarter each", n)
	}
}

// S34: UDP packets are as long as the template, and ranges count from it.
func TestUDPAndRanges(t *testing.T) {
	for _, c := range []struct {
		name string
		arg  *FlowGenArg
		want [4]int // ranges
	}{
		{"none", &FlowGenArg{}, [4]int{1, 1, 20000, 20000}},
		{"addresses", &FlowGenArg{IpSrcRange: 5, IpDstRange: 3}, [4]int{5, 3, 1, 1}},
		{"ports", &FlowGenArg{PortSrcRange: 4, PortDstRange: 65535}, [4]int{1, 1, 4, 65535}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.arg.Template, c.arg.Pps, c.arg.FlowRate, c.arg.FlowDuration = frame(header.ProtoUDP, 77), 2000, 1000, 0.002
			var seen [4]map[int]bool
			for i := range seen {
				seen[i] = map[int]bool{}
			}
			for _, f := range newRig(t, c.arg).until(3) {
				s := read(t, f)
				if s.size != 77 {
					t.Fatalf("%+v", s)
				}
				for i, v := range []int{int(s.src) - 0x0a000001, int(s.dst) - 0x0b000001, int(s.sport - 1000), int(s.dport - 2000)} {
					if v < 0 || v >= c.want[i] {
						t.Fatalf("%+v is out of range", s)
					}
					seen[i][v] = true
				}
			}
			for i, n := range c.want {
				if len(seen[i]) < min(n, 1000) {
					t.Errorf("range %d: %d of %d values seen", i, len(seen[i]), n)
				}
			}
		})
	}
}

// The sequence of flows is the same every time.
func TestSameSequence(t *testing.T) {
	arg := &FlowGenArg{Template: frame(header.ProtoTCP, 80), Pps: 5000, FlowRate: 100, FlowDuration: 1, Arrival: "exponential", Duration: "pareto", QuickRampup: true, IpSrcRange: 1000}
	a, b := newRig(t, arg).until(2), newRig(t, arg).until(2)
	if len(a) < 5000 || !slices.EqualFunc(a, b, bytes.Equal) {
		t.Errorf("%d and %d packets, or others", len(a), len(b))
	}
}

// Rates and the number of flows are what was asked for, with all distributions.
func TestRates(t *testing.T) {
	for _, arrival := range []string{"uniform", "exponential"} {
		for _, duration := range []string{"uniform", "pareto"} {
			t.Run(arrival+"-"+duration, func(t *testing.T) {
				r := newRig(t, &FlowGenArg{Template: frame(header.ProtoTCP, 60), Pps: 20000, FlowRate: 500, FlowDuration: 2,
					Arrival: arrival, Duration: duration, QuickRampup: true})
				syns := 0
				got := r.until(4)
				for _, f := range got {
					if read(t, f).flags&syn != 0 {
						syns++
					}
				}
				if syns < 1700 || syns > 2300 {
					t.Errorf("%d flows began in 4 s, want about 2000", syns)
				}
				if n := len(got); n < 65000 || n > 95000 {
					t.Errorf("%d packets in 4 s, want about 80000", n)
				}
				if n := r.m.active.Load(); n < 800 || n > 1250 {
					t.Errorf("%d flows at the end, want about 1000", n)
				}
			})
		}
	}
}

// quick_rampup begins in the midst of flows, without SYN.
func TestQuickRampup(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoTCP, 60), Pps: 1000, FlowRate: 10, FlowDuration: 10, QuickRampup: true})
	if d := r.m.Desc(); d != "100 flows" {
		t.Error(d)
	}
	got := r.until(0.1)
	if n := len(got); n < 95 || n > 110 {
		t.Errorf("%d packets in 100 ms", n)
	}
	syns, old := 0, 0
	for _, f := range got {
		s := read(t, f)
		if s.flags&syn != 0 {
			syns++
		}
		if s.seq == 56789 {
			old++
		}
	}
	if syns > 2 || old < 90 {
		t.Errorf("%d flows began, %d were there", syns, old)
	}
}

// Arguments that made the original loop or fill memory without end.
func TestBounds(t *testing.T) {
	tmpl := frame(header.ProtoUDP, 60)
	for _, arg := range []*FlowGenArg{
		{Template: tmpl, Pps: 1e9, FlowRate: 1e9, FlowDuration: 1, QuickRampup: true},
		{Template: tmpl, Pps: 1e300, FlowRate: 1e290, FlowDuration: 1e-280, QuickRampup: true},
		{Template: tmpl, Pps: 1e12, FlowRate: 1e6, FlowDuration: 1e4, QuickRampup: true},
	} {
		if _, err := create(module.NewEnv("f", nil, host{}), arg); errno.Code(err) != errno.EINVAL && err != nil {
			t.Errorf("%v: %v", arg, err)
		}
	}
	// Flows that never end: there is room for four million; here for a few.
	r := newRig(t, &FlowGenArg{Template: tmpl, Pps: 1e6, FlowRate: 1e6, FlowDuration: 0.0001})
	r.m.conf.packets = 1e9
	r.until(0.01)
	if n, refused := r.m.active.Load(), r.node.Cells.Own[countRefused].Load(); n != minFlows+1 || refused < 5000 {
		t.Errorf("%d flows, %d refused", n, refused)
	}
	// Extremes that are allowed.
	for _, arg := range []*FlowGenArg{
		{Template: tmpl, Pps: math.MaxFloat64, FlowRate: math.MaxFloat64, FlowDuration: math.MaxFloat64},
		{Template: tmpl, Pps: math.SmallestNonzeroFloat64, FlowRate: math.SmallestNonzeroFloat64, FlowDuration: math.SmallestNonzeroFloat64, Duration: "pareto", Arrival: "exponential"},
		{Template: tmpl, Pps: 1e300, FlowRate: 1e290, FlowDuration: 1e-300},
	} {
		r := newRig(t, arg)
		for range 20 {
			r.now += 1e9
			r.run()
		}
	}
}

// Without free buffers nothing is lost but time.
func TestNoBuffers(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoTCP, 60), Pps: 100, FlowRate: 10, FlowDuration: 1})
	var all packet.Batch
	cache := r.pool.NewCache()
	var held []packet.Packet
	for cache.AllocBatch(&all, 64, 60) {
		held = append(held, all.Packets()...)
	}
	r.now += 1e9
	if res := r.run(); res.Packets != 0 || !res.Blocked || res.Retry == 0 {
		t.Errorf("%+v", res)
	}
	for _, p := range held {
		cache.Free(p)
	}
	cache.Close()
	if s := func() seg { r.run(); return read(t, r.got[0]) }(); s.flags != syn || s.seq != 12345 {
		t.Errorf("%+v", s)
	}
}

// IP and TCP options: in the original lengths were those of headers without.
func TestOptions(t *testing.T) {
	f := make([]byte, 14+24+32+100)
	header.Ethernet(f).SetType(header.TypeIPv4)
	ip := header.IPv4(f[14:])
	ip.Encode(&header.IPv4Fields{TotalLen: uint16(len(ip)), TTL: 9, Protocol: header.ProtoTCP, Src: 1, Dst: 2})
	f[14] = 0x46
	copy(f[34:], []byte{1, 1, 1, 0})
	header.TCP(f[38:]).Encode(&header.TCPFields{SrcPort: 1, DstPort: 2})
	f[50] = 8 << 4
	copy(f[58:], []byte{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8})
	r := newRig(t, &FlowGenArg{Template: f, Pps: 30, FlowRate: 10, FlowDuration: 1})
	got := r.until(0.99)
	first := read(t, got[0])
	if first.size != 70 || first.total != 56 || !bytes.Equal(got[0][58:70], f[58:70]) {
		t.Errorf("%+v", first)
	}
	for _, f := range got {
		if s := read(t, f); s.sport == first.sport && s.flags == ack && (s.seq != 12346 || s.size != 170) {
			t.Errorf("%+v", s)
		}
	}
}

// Templates whose headers do not fit are refused: the original read beyond.
func TestTemplateErrors(t *testing.T) {
	good := frame(header.ProtoTCP, 80)
	with := func(at int, v byte) []byte { f := slices.Clone(good); f[at] = v; return f }
	for name, f := range map[string][]byte{
		"empty": {}, "short": good[:13], "cut in IPv4": good[:33], "cut in TCP": good[:50], "long": make([]byte, 1537),
		"ARP": with(13, 6), "ICMP": with(23, 1), "version": with(14, 0x65), "IHL 15": with(14, 0x4f), "fragment": with(20, 0x20),
		"total length": with(16, 1), "total length of 10": with(17, 10), "data offset": with(46, 0xf0), "data offset 4": with(46, 0x40),
		"UDP length": with(23, 17),
	} {
		if _, err := create(module.NewEnv("f", nil, host{}), &FlowGenArg{Template: f}); errno.Code(err) != errno.EINVAL {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// update changes what is given; a bad update changes nothing.
func TestUpdateCommand(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoUDP, 60), Pps: 10, FlowRate: 10, FlowDuration: 1, IpSrcRange: 9})
	r.until(1)
	for _, bad := range []*FlowGenArg{{Pps: 5}, {FlowRate: 20}, {Pps: math.NaN()}, {FlowRate: -1}, {FlowDuration: math.Inf(1)},
		{Arrival: "x"}, {Duration: "x"}, {Template: frame(header.ProtoTCP, 60)}, {Template: []byte{1}, Pps: 100}} {
		if err := r.m.update(bad); errno.Code(err) != errno.EINVAL || r.m.conf.pps != 10 || r.m.conf.template.proto != header.ProtoUDP {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if n := len(r.until(2)); n < 19 || n > 22 {
		t.Errorf("%d packets in 2 s", n)
	}
	if err := r.m.update(&FlowGenArg{Pps: 1000, Template: frame(header.ProtoUDP, 90)}); err != nil {
		t.Fatal(err)
	}
	r.until(2) // flows of one packet go, others come
	got := r.until(2)
	if n := len(got); n < 1800 || n > 2200 {
		t.Errorf("%d packets in 2 s", n)
	}
	if s := read(t, got[len(got)-1]); s.size != 90 {
		t.Errorf("%+v", s)
	}
	// A template whose first byte is 0 is one, and none keeps it.
	zero := frame(header.ProtoUDP, 70)
	zero[0] = 0
	for _, arg := range []*FlowGenArg{{Template: zero}, {Duration: "pareto"}} {
		if err := r.m.update(arg); err != nil {
			t.Error(err)
		}
	}
	if got := r.until(1); read(t, got[0]).size != 70 {
		t.Error("template lost")
	}
}

// Fewer packets of each flow, or more: the order of time is kept.
func TestRetimeKeepsOrder(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoUDP, 60), Pps: 1000, FlowRate: 10, FlowDuration: 10, QuickRampup: true})
	for i := range 50 {
		r.until(0.3)
		if err := r.m.update(&FlowGenArg{Pps: []float64{100, 5000, 333}[i%3]}); err != nil {
			t.Fatal(err)
		}
		last := uint64(0)
		for j := range r.m.gen.flows.len() {
			f := r.m.gen.flows.at(j)
			if f.time < last {
				t.Fatal("a packet is planned before the one in front")
			}
			last = f.time
		}
	}
	if n := r.m.active.Load(); n < 10 || n > 300 {
		t.Errorf("%d flows", n)
	}
}

// A new argument applies in place unless it says how to begin.
func TestUpdateArgument(t *testing.T) {
	arg := &FlowGenArg{Template: frame(header.ProtoUDP, 60), Pps: 10}
	r := newRig(t, arg)
	if err := r.m.Update(&FlowGenArg{Template: arg.Template, FlowRate: 7}); err != nil || r.m.conf.pps != 1000 || r.m.conf.rate != 7 {
		t.Errorf("%v, %v", err, r.m.conf)
	}
	for _, a := range []*FlowGenArg{{Template: arg.Template, QuickRampup: true}, {Template: arg.Template, IpSrcRange: 1},
		{Template: arg.Template, PortDstRange: 1}, {Template: frame(header.ProtoTCP, 60)}} {
		if err := r.m.Update(a); !errors.Is(err, module.ErrRebuild) {
			t.Errorf("%v", err)
		}
	}
	if err := r.m.Update(&FlowGenArg{}); errno.Code(err) != errno.EINVAL {
		t.Error(err)
	}
}

// Settings change while the worker runs.
func TestUpdateWhileRunning(t *testing.T) {
	r := newRig(t, &FlowGenArg{Template: frame(header.ProtoTCP, 100), Pps: 1e5, FlowRate: 1000, FlowDuration: 0.1})
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop.Store(true)
		for i := range 500 {
			if err := r.m.update(&FlowGenArg{Template: frame(header.ProtoTCP, 60+i%1000), Pps: 1e5 + float64(i)*100, FlowRate: float64(1 + i*10)}); err != nil {
				t.Error(err)
			}
			if err := r.m.setBurst(&FlowGenCommandSetBurstArg{Burst: uint64(i % 65)}); err != nil {
				t.Error(err)
			}
			r.m.Desc()
		}
	})
	for !stop.Load() {
		r.now += 1e6
		r.run()
		for _, f := range r.got {
			read(t, f)
		}
		r.got = nil
	}
	wg.Wait()
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("f", Class, &FlowGenArg{Template: frame(header.ProtoTCP, 60), Pps: 1e9, FlowRate: 1e6, FlowDuration: 0.01, Arrival: "exponential", Duration: "pareto"})
	h.NoTaskAllocs("f", 0)
}

// FuzzAll draws templates and rates, runs the task, and changes both.
func FuzzAll(f *testing.F) {
	f.Add(frame(header.ProtoTCP, 100), 100.0, 10.0, 1.0, true)
	f.Add(frame(header.ProtoUDP, 60), 1e9, 1e9, 1e-9, false)
	f.Fuzz(func(t *testing.T, tmpl []byte, pps, rate, duration float64, rampup bool) {
		pool, err := packet.NewPool(256)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		arg := &FlowGenArg{Template: tmpl, Pps: pps, FlowRate: rate, FlowDuration: duration, QuickRampup: rampup && rate*duration < 1e4}
		m, err := create(module.NewEnv("f", nil, host{pool}), arg)
		if err != nil {
			return
		}
		m.Close()
		r := newRig(t, arg)
		for i := range 6 {
			r.run()
			r.now += 1e8
			if i == 2 {
				_ = r.m.update(&FlowGenArg{Template: tmpl[:len(tmpl)-1], Pps: duration, FlowDuration: pps, Arrival: "exponential"})
				_ = r.m.Update(&FlowGenArg{Template: tmpl, Pps: pps * 2, FlowRate: rate / 3, Duration: "pareto"})
				_ = r.m.setBurst(&FlowGenCommandSetBurstArg{Burst: uint64(rate)})
			}
		}
		for _, f := range r.got {
			read(t, f)
		}
	})
}

// BenchmarkPipeline is FlowGen, Sink with that many flows at the same time,
// always late.
func BenchmarkPipeline(b *testing.B) {
	for _, proto := range []uint8{header.ProtoUDP, header.ProtoTCP} {
		for _, n := range []float64{4000, 50000} {
			b.Run(fmt.Sprintf("proto%d/%.0fflows", proto, n), func(b *testing.B) {
				h := moduletest.New(b)
				h.MustCreate("f", Class, &FlowGenArg{Template: frame(proto, 60), Pps: 1e9, FlowRate: n, FlowDuration: 1, QuickRampup: true})
				h.MustCreate("sink", sink.Class, nil)
				h.Connect("f", 0, "sink", 0)
				h.BenchTasks(b, "f")
			})
		}
	}
}
