// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
)

func stateRows() []Row {
	rows := []Row{
		{Name: "queue-1", Title: "Queue on one core", build: func(p *pipeline) { queue(p) }},
		{Name: "queue-2", Title: "Queue between two workers on two cores", cores: 2, build: func(p *pipeline) {
			queue(p)
			p.second, p.waits = []string{"q"}, true
		}},
		{Name: "staticnat", Title: "StaticNAT", build: staticNAT},
		{Name: "measure", Title: "Timestamp; Measure", build: measure},
	}
	for _, n := range []int{4000, 50000} {
		rows = append(rows, Row{Name: "flowgen-" + short(n), Title: fmt.Sprintf("FlowGen, %d flows at once", n),
			build: func(p *pipeline) { flowGen(p, n) }})
	}
	for _, n := range []int{1, 1000, 10000} {
		rows = append(rows, Row{Name: "nat-" + short(n), Title: fmt.Sprintf("NAT, one direction, %d flows", n),
			build: func(p *pipeline) { nat(p, n) }})
	}
	return rows
}

// queue measures what comes out of a queue; what does not fit is dropped there.
func queue(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("q", "Queue", map[string]any{"size": 4096})
	p.sink(1, equal(f))
	p.measured, p.factor = "q", 0
}

func staticNAT(p *pipeline) {
	p.source(p.frame("udp", "10.0.0.7", "12.34.56.78", minFrame))
	p.apart("nat", "StaticNAT", map[string]any{"pairs": []any{map[string]any{
		"int_range": map[string]any{"start": "10.0.0.0", "end": "10.0.0.255"},
		"ext_range": map[string]any{"start": "192.0.2.0", "end": "192.0.2.255"}}}})
	p.link("rw", 0, "nat", 0)
	p.outside(all(l4, within(offSrcIP, 4, 0xc0000207, 0xc0000207)))
}

// outside leads gate 1 of the last module, the outside of a NAT, to a sink.
func (p *pipeline) outside(check func([]byte) error) {
	last := p.modules[len(p.modules)-1].name
	p.apart("sink", "Sink", nil)
	p.link(last, 1, "sink", 0)
	p.exits = append(p.exits, exit{module: last, ogate: 1, check: check})
}

func measure(p *pipeline) {
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", 100))
	p.add("ts", "Timestamp", nil)
	p.add("ms", "Measure", nil)
	p.sink(1, within(offDstIP, 4, 0x0a000001, 0x0a000001))
}

// flowGen asks for more packets than anything can make, from n flows at once.
func flowGen(p *pipeline, n int) {
	const duration, pps = 10.0, 1e9
	p.measured, p.factor = "src", 1
	p.apart("src", "FlowGen", map[string]any{"template": p.frame("udp", "10.0.0.1", "10.16.0.1", minFrame), "pps": pps,
		"flow_rate": float64(n) / duration, "flow_duration": duration, "quick_rampup": true,
		"ip_src_range": 100000, "ip_dst_range": 100000, "port_src_range": 20000, "port_dst_range": 20000})
	p.sink(1, all(l4, within(offSrcIP, 4, 0x0a000001, 0x0a000001+100000)))
}

func nat(p *pipeline, n int) {
	p.source(p.frame("udp", "10.0.0.7", "12.34.56.78", minFrame))
	if n > 1 {
		p.random(map[string]any{"offset": offSrcPort, "size": 2, "min": 2000, "max": 2000 + n - 1})
	}
	before := p.modules[len(p.modules)-1].name
	p.apart("nat", "NAT", map[string]any{"ext_addrs": []any{map[string]any{"ext_addr": "192.0.2.1"}}})
	p.link(before, 0, "nat", 0)
	check := l4
	if n > 1 { // random ports leave the checksum of UDP as wrong as they made it
		check = func(pkt []byte) error { _, err := ip4(pkt); return err }
	}
	p.outside(all(check, within(offSrcIP, 4, 0xc0000201, 0xc0000201)))
}
