// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Row is a pipeline of the suite.
type Row struct {
	// Name is what --only takes.
	Name string
	// Title says what is between source and sink.
	Title string
	build func(p *pipeline)
	// cores is how many workers it needs; 0 means one.
	cores int
}

// Rows are all pipelines, in the order in which they run.
func Rows() []Row {
	return slices.Concat(basicRows(), tableRows(), headerRows(), stateRows())
}

// ofLength returns a check that a packet has n bytes.
func ofLength(n int) func([]byte) error {
	return func(p []byte) error {
		if len(p) != n {
			return fmt.Errorf("packet of %d bytes instead of %d", len(p), n)
		}
		return nil
	}
}

// equal returns a check that a packet is one of the given frames.
func equal(frames ...[]byte) func([]byte) error {
	return func(p []byte) error {
		for _, f := range frames {
			if bytes.Equal(p, f) {
				return nil
			}
		}
		return fmt.Errorf("packet % x is none of the expected", p)
	}
}

// tutorial are the six frames of the well-known first pipeline.
func tutorial(p *pipeline) [][]byte {
	var out [][]byte
	for _, f := range [][3]string{
		{"udp", "172.16.100.1", "10.0.0.1"}, {"udp", "172.12.55.99", "12.34.56.78"}, {"udp", "172.12.55.99", "10.0.0.1"},
		{"udp", "172.16.100.1", "12.34.56.78"}, {"tcp", "172.12.55.99", "12.34.56.78"}, {"udp", "192.168.1.123", "12.34.56.78"},
	} {
		out = append(out, p.frame(f[0], f[1], f[2], minFrame))
	}
	return out
}

func basicRows() []Row {
	rows := []Row{
		{Name: "empty", Title: "nothing between", build: func(p *pipeline) {
			p.source()
			// What the packets of a Source hold is for each engine to say.
			p.sink(1, ofLength(minFrame))
		}},
		{Name: "rewrite", Title: "Rewrite, 1 template", build: func(p *pipeline) {
			f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
			p.source(f)
			p.sink(1, equal(f))
		}},
	}
	for _, n := range []int{1, 100, 1000, 10000} {
		rows = append(rows, Row{Name: "acl-" + short(n), Title: fmt.Sprintf("Rewrite, 6 templates; ACL, %d rules, match last", n),
			build: func(p *pipeline) { acl(p, n) }})
	}
	return append(rows, Row{Name: "chain-20", Title: "Rewrite; 20 × Bypass", build: func(p *pipeline) { chain(p, 20) }})
}

func acl(p *pipeline, n int) {
	frames := tutorial(p)
	p.source(frames...)
	var rules []any
	for i := range n - 1 {
		rules = append(rules, noPacket(i))
	}
	p.add("acl", "ACL", map[string]any{"rules": append(rules, map[string]any{"drop": false})})
	p.sink(1, equal(frames...))
}

// noPacket is rule i of an ACL, of a kind that fits no packet of any row.
func noPacket(i int) map[string]any {
	return map[string]any{"src_ip": fmt.Sprintf("198.%d.%d.%d/32", 18+i>>16, i>>8&255, i&255), "dst_port": 1 + i%60000, "drop": true}
}

func chain(p *pipeline, n int) {
	f := p.frame("udp", "172.16.100.1", "10.0.0.1", minFrame)
	p.source(f)
	for i := range n {
		p.add(fmt.Sprintf("bp%d", i), "Bypass", nil)
	}
	p.sink(1, equal(f))
}

// short writes a number the way rows are named: 1, 100, 1k, 10k, 1M.
func short(n int) string {
	if n >= 1000000 && n%1000000 == 0 {
		return fmt.Sprintf("%dM", n/1000000)
	}
	if n >= 1000 && n%1000 == 0 {
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}

// ip4 returns the header of an IPv4 packet behind Ethernet without tags, with
// its checksum verified.
func ip4(p []byte) ([]byte, error) {
	if len(p) < 34 || binary.BigEndian.Uint16(p[12:]) != 0x0800 || p[14] != 0x45 {
		return nil, fmt.Errorf("packet % x: not IPv4 without options", p)
	}
	h := p[14:34]
	if sum(0, h) != 0xffff {
		return nil, fmt.Errorf("packet % x: checksum of the IPv4 header is wrong", p)
	}
	return h, nil
}

// l4 verifies the checksum of UDP or TCP behind ip4.
func l4(p []byte) error {
	h, err := ip4(p)
	if err != nil {
		return err
	}
	total := int(binary.BigEndian.Uint16(h[2:]))
	if total < 28 || 14+total > len(p) {
		return fmt.Errorf("packet % x: length of IPv4 is wrong", p)
	}
	pseudo := uint32(h[9]) + uint32(total-20)
	if got := sum(sum(pseudo, h[12:20]), p[34:14+total]); got != 0xffff {
		return fmt.Errorf("packet % x: checksum of layer 4 is wrong", p)
	}
	return nil
}

// sum adds the 16-bit words of b to a ones' complement sum (RFC 1071).
func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return s
}

// within returns a check that the number in bytes off to off+n lies between
// lo and hi.
func within(off, n int, lo, hi uint64) func([]byte) error {
	return func(p []byte) error {
		if len(p) < off+n {
			return errors.New("packet is too short")
		}
		if v := number(p[off : off+n]); v < lo || v > hi {
			return fmt.Errorf("packet % x: %d at offset %d, want %d to %d", p, v, off, lo, hi)
		}
		return nil
	}
}

func number(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// all returns a check that passes if all given ones do.
func all(checks ...func([]byte) error) func([]byte) error {
	return func(p []byte) error {
		for _, c := range checks {
			if err := c(p); err != nil {
				return err
			}
		}
		return nil
	}
}
