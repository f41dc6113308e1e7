// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/schemas/craft"
)

// pipeline is what a row runs: modules, links, commands given to them while
// the workers are paused, and whose packets are counted.
type pipeline struct {
	modules  []moduleSpec
	links    []linkSpec
	commands []commandSpec
	// measured is the module whose task 0 is measured.
	measured string
	// second are modules whose task runs on the second core; others run on the
	// first.
	second []string
	// exits are the gates through which packets reach a sink.
	exits []exit
	// factor is how many packets leave through the exits, all taken together,
	// for each one that the source makes; 0: at most one.
	factor uint64
	// waits is set if the measured task has nothing to do at times: the CPU time
	// of its worker says nothing then.
	waits bool
	err   error
}

type moduleSpec struct {
	name, class string
	args        map[string]any
}

type linkSpec struct {
	from  string
	ogate uint64
	to    string
	igate uint64
}

type commandSpec struct {
	module, cmd string
	args        map[string]any
}

// exit is an output gate whose packets are counted and looked at.
type exit struct {
	module string
	ogate  uint64
	// share is the part of all packets that leave here, within 5 %; 0: any.
	share float64
	// check looks at one packet of those that leave here; may be nil.
	check func(p []byte) error
}

// add makes a module and links it to the gate 0 of the one added before,
// which is what most pipelines are made of.
func (p *pipeline) add(name, class string, args map[string]any) {
	if n := len(p.modules); n > 0 {
		p.link(p.modules[n-1].name, 0, name, 0)
	}
	p.apart(name, class, args)
}

// apart makes a module and links nothing.
func (p *pipeline) apart(name, class string, args map[string]any) {
	p.modules = append(p.modules, moduleSpec{name, class, args})
}

func (p *pipeline) link(from string, ogate uint64, to string, igate uint64) {
	p.links = append(p.links, linkSpec{from, ogate, to, igate})
}

func (p *pipeline) command(module, cmd string, args map[string]any) {
	p.commands = append(p.commands, commandSpec{module, cmd, args})
}

// source starts a pipeline with a Source and, unless there are no frames, a
// Rewrite that fills the packets in turn.
func (p *pipeline) source(frames ...[]byte) {
	size := minFrame
	if len(frames) > 0 {
		size = len(frames[0])
	}
	p.measured, p.factor = "src", 1
	p.apart("src", "Source", map[string]any{"pkt_size": size})
	if len(frames) > 0 {
		p.add("rw", "Rewrite", map[string]any{"templates": list(frames)})
	}
}

// sink ends a pipeline: the last module's gates 0 to n-1 lead to a Sink, and
// each packet that gets there must pass check.
func (p *pipeline) sink(n int, check func(p []byte) error) {
	last := p.modules[len(p.modules)-1].name
	p.apart("sink", "Sink", nil)
	for g := range uint64(n) {
		p.link(last, g, "sink", 0)
		p.exits = append(p.exits, exit{module: last, ogate: g, check: check})
	}
}

// random writes random numbers into every packet.
func (p *pipeline) random(fields ...map[string]any) {
	p.add("rnd", "RandomUpdate", map[string]any{"fields": list(fields)})
}

func list[T any](items []T) []any {
	out := make([]any, len(items))
	for i, v := range items {
		out[i] = v
	}
	return out
}

// minFrame is the length of the smallest Ethernet frame without its checksum,
// in bytes.
const minFrame = 60

// frame crafts a frame of UDP or TCP over IPv4, padded with payload to size
// bytes.
func (p *pipeline) frame(proto, src, dst string, size int) []byte {
	head := 14 + 20 + 8
	if proto == "tcp" {
		head += 12
	}
	b, err := craft.Packet(map[string]any{
		"eth":     map[string]any{"src": "02:1e:67:9f:4d:ae", "dst": "06:16:3e:1b:72:32"},
		"ip":      map[string]any{"src": src, "dst": dst},
		proto:     map[string]any{"src": 10001, "dst": 10002},
		"payload": map[string]any{"zero": max(size-head, 0)},
	})
	if err != nil {
		p.err = fmt.Errorf("crafting a frame: %w", err)
	}
	return b
}
