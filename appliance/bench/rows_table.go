// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/binary"
	"fmt"
)

// Offsets into an untagged frame of IPv4 without options.
const (
	offDst     = 0
	offSrcIP   = 26
	offDstIP   = 30
	offSrcPort = 34
	offDstPort = 36
)

// dropGate is the gate that drops (spec: modules/classify.md).
const dropGate = 8192

func tableRows() []Row {
	var rows []Row
	for _, n := range []int{1000, 100000} {
		rows = append(rows, Row{Name: "iplookup-" + short(n), Title: fmt.Sprintf("IPLookup, %d routes, random destinations", n),
			build: func(p *pipeline) { ipLookup(p, n) }})
	}
	for _, side := range [][2]int{{25, 40}, {250, 400}} {
		n := side[0] * side[1]
		rows = append(rows, Row{Name: "exact-" + short(n), Title: fmt.Sprintf("ExactMatch, %d rules on two fields", n),
			build: func(p *pipeline) { exactMatch(p, side[0], side[1]) }})
	}
	for _, n := range []int{10, 1000} {
		rows = append(rows, Row{Name: "wildcard-" + short(n), Title: fmt.Sprintf("WildcardMatch, %d rules over 8 masks", n),
			build: func(p *pipeline) { wildcardMatch(p, n) }})
	}
	return append(rows,
		Row{Name: "hashlb", Title: "HashLB l4, 4 gates", build: hashLB},
		Row{Name: "l2forward", Title: "L2Forward, 1,000 entries", build: l2Forward},
		Row{Name: "split", Title: "Split by a field, 4 gates", build: split},
		Row{Name: "bpf", Title: "BPF, udp", build: bpf},
		Row{Name: "replicate", Title: "Replicate, 3 copies", build: replicate},
		Row{Name: "roundrobin", Title: "RoundRobin, 4 gates, per packet", build: roundRobin},
		Row{Name: "randomsplit", Title: "RandomSplit, 4 gates", build: randomSplit},
	)
}

// ipLookup sends to n routes of length 24 that follow each other.
func ipLookup(p *pipeline, n int) {
	const first = 10 << 24
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame))
	last := uint64(first + n<<8 - 1)
	p.random(map[string]any{"offset": offDstIP, "size": 4, "min": first, "max": last})
	p.add("lpm", "IPLookup", map[string]any{"max_rules": 2 * n})
	for i := range n {
		a := first>>8 + i
		p.command("lpm", "add", map[string]any{"prefix": fmt.Sprintf("%d.%d.%d.0", a>>16, a>>8&255, a&255), "prefix_len": 24, "gate": 0})
	}
	p.sink(1, within(offDstIP, 4, first, last))
}

// exactMatch has a rule for each of a addresses with each of b ports.
func exactMatch(p *pipeline, a, b int) {
	const addr, port = 10 << 24, 1000
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame))
	p.random(
		map[string]any{"offset": offDstIP, "size": 4, "min": addr, "max": addr + a - 1},
		map[string]any{"offset": offDstPort, "size": 2, "min": port, "max": port + b - 1})
	p.add("em", "ExactMatch", map[string]any{"entries": max(2*a*b, 1024), "fields": []any{
		map[string]any{"offset": offDstIP, "num_bytes": 4}, map[string]any{"offset": offDstPort, "num_bytes": 2}}})
	var rules []any
	for i := range a {
		for j := range b {
			rules = append(rules, map[string]any{"gate": 0, "fields": []any{
				map[string]any{"value_bin": binary.BigEndian.AppendUint32(nil, uint32(addr+i))},
				map[string]any{"value_bin": binary.BigEndian.AppendUint16(nil, uint16(port+j))}}})
		}
	}
	// All in one call: some engines copy the table for each rule that is added.
	p.command("em", "set_runtime_config", map[string]any{"default_gate": dropGate, "rules": rules})
	p.sink(1, all(within(offDstIP, 4, addr, addr+uint64(a)-1), within(offDstPort, 2, port, port+uint64(b)-1)))
}

// wildcardMasks are the 8 masks on source and destination address and ports.
var wildcardMasks = [][4]uint64{
	{0xffffffff, 0, 0, 0}, {0xffffff00, 0, 0, 0}, {0, 0xffffffff, 0, 0}, {0, 0xffffff00, 0, 0},
	{0xffff0000, 0, 0, 0xffff}, {0, 0xffffffff, 0, 0xffff}, {0xffffff00, 0xffffff00, 0, 0}, {0, 0, 0xffff, 0xffff},
}

// wildcardMatch sends packets of random addresses to rules of which some
// match: gate 0 with a rule, gate 1 without.
func wildcardMatch(p *pipeline, n int) {
	const src, dst = 0x0a010000, 0x0a020000
	p.source(p.frame("udp", "10.1.0.1", "10.2.0.1", minFrame))
	p.random(
		map[string]any{"offset": offSrcIP + 2, "size": 2, "min": 0, "max": 0xffff},
		map[string]any{"offset": offDstIP + 2, "size": 2, "min": 0, "max": 0xffff})
	p.add("wm", "WildcardMatch", map[string]any{"fields": []any{
		map[string]any{"offset": offSrcIP, "num_bytes": 4}, map[string]any{"offset": offDstIP, "num_bytes": 4},
		map[string]any{"offset": offSrcPort, "num_bytes": 2}, map[string]any{"offset": offDstPort, "num_bytes": 2}}})
	var rules [][8]uint64 // values, masks
	for i := range n {
		m := wildcardMasks[i%len(wildcardMasks)]
		k := uint64(i * 37 & 0xffff)
		v := [4]uint64{src | k, dst | k, 20000 + uint64(i), 10002}
		if m[0] == 0xffff0000 {
			v[0], v[3] = 0x0a030000+k<<16, uint64(i)
		}
		var r [8]uint64
		for f := range 4 {
			r[f], r[4+f] = v[f]&m[f], m[f]
		}
		rules = append(rules, r)
		p.command("wm", "add", map[string]any{"gate": 0, "priority": i, "values": fieldData(r[:4]), "masks": fieldData(r[4:])})
	}
	p.command("wm", "set_default_gate", map[string]any{"gate": 1})
	p.sink(2, nil)
	for g := range p.exits {
		p.exits[g].check = func(pkt []byte) error {
			if got := wildcardHit(rules, pkt); got != (g == 0) {
				return fmt.Errorf("packet % x at gate %d; a rule matches it: %v", pkt, g, got)
			}
			return nil
		}
	}
}

func fieldData(v []uint64) []any {
	return []any{
		map[string]any{"value_bin": binary.BigEndian.AppendUint32(nil, uint32(v[0]))},
		map[string]any{"value_bin": binary.BigEndian.AppendUint32(nil, uint32(v[1]))},
		map[string]any{"value_bin": binary.BigEndian.AppendUint16(nil, uint16(v[2]))},
		map[string]any{"value_bin": binary.BigEndian.AppendUint16(nil, uint16(v[3]))},
	}
}

// wildcardHit tells the slow and sure way whether a rule matches.
func wildcardHit(rules [][8]uint64, p []byte) bool {
	k := [4]uint64{number(p[offSrcIP:][:4]), number(p[offDstIP:][:4]), number(p[offSrcPort:][:2]), number(p[offDstPort:][:2])}
	for _, r := range rules {
		hit := true
		for f := range 4 {
			hit = hit && k[f]&r[4+f] == r[f]
		}
		if hit {
			return true
		}
	}
	return false
}

func hashLB(p *pipeline) {
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame))
	p.random(
		map[string]any{"offset": offSrcIP + 2, "size": 2, "min": 0, "max": 0xffff},
		map[string]any{"offset": offSrcPort, "size": 2, "min": 1024, "max": 65535})
	p.add("lb", "HashLB", map[string]any{"gates": []any{0, 1, 2, 3}, "mode": "l4"})
	p.sink(4, within(offSrcPort, 2, 1024, 65535))
	p.shares(0.25)
}

// shares says that equal parts leave through all exits.
func (p *pipeline) shares(part float64) {
	for i := range p.exits {
		p.exits[i].share = part
	}
}

func l2Forward(p *pipeline) {
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame))
	p.random(map[string]any{"offset": offDst + 4, "size": 2, "min": 0, "max": 999})
	p.add("l2", "L2Forward", map[string]any{"size": 4096, "bucket": 4})
	var entries []any
	for i := range 1000 {
		entries = append(entries, map[string]any{"addr": fmt.Sprintf("06:16:3e:1b:%02x:%02x", i>>8, i&255), "gate": 0})
	}
	p.command("l2", "add", map[string]any{"entries": entries})
	p.sink(1, within(offDst+4, 2, 0, 999))
}

func split(p *pipeline) {
	p.source(p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame))
	p.random(map[string]any{"offset": offDst + 5, "size": 1, "min": 0, "max": 3})
	p.add("split", "Split", map[string]any{"size": 1, "offset": offDst + 5})
	p.sink(4, nil)
	p.shares(0.25)
	for g := range p.exits {
		p.exits[g].check = within(offDst+5, 1, uint64(g), uint64(g))
	}
}

func bpf(p *pipeline) {
	udp, tcp := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame), p.frame("tcp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(udp, tcp)
	p.add("bpf", "BPF", map[string]any{"filters": []any{map[string]any{"priority": 1, "filter": "udp", "gate": 1}}})
	p.sink(2, nil)
	p.shares(0.5)
	p.exits[0].check, p.exits[1].check = equal(tcp), equal(udp)
}

func replicate(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("repl", "Replicate", map[string]any{"gates": []any{0, 1, 2}})
	p.sink(3, equal(f))
	p.factor = 3
	p.shares(1.0 / 3)
}

func roundRobin(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("rr", "RoundRobin", map[string]any{"gates": []any{0, 1, 2, 3}, "mode": "packet"})
	p.sink(4, equal(f))
	p.shares(0.25)
}

func randomSplit(p *pipeline) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	p.add("rs", "RandomSplit", map[string]any{"drop_rate": 0, "gates": []any{0, 1, 2, 3}})
	p.sink(4, equal(f))
	p.shares(0.25)
}
