// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// module is what bessctl shows of a module, as far as it is needed here.
type module struct {
	Name     string
	Counters []struct {
		Name  string
		Value uint64
	}
	Rules []struct {
		Packets uint64
		Rule    *rule
	}
}

// rule is a rule of an access list.
type rule struct {
	SrcIP   string `json:"src_ip"`
	DstIP   string `json:"dst_ip"`
	SrcPort uint16 `json:"src_port"`
	DstPort uint16 `json:"dst_port"`
	Drop    bool   `json:"drop"`
}

// String returns the rule in words.
func (r *rule) String() string {
	if r == nil {
		return "?"
	}
	words := []string{"pass"}
	if r.Drop {
		words[0] = "drop"
	}
	for _, f := range []struct {
		name, value string
		port        uint16
	}{{"from", r.SrcIP, 0}, {"from port", "", r.SrcPort}, {"to", r.DstIP, 0}, {"to port", "", r.DstPort}} {
		if f.port != 0 {
			f.value = fmt.Sprint(f.port)
		}
		if f.value != "" {
			words = append(words, f.name, f.value)
		}
	}
	if len(words) == 1 {
		words = append(words, "any")
	}
	return strings.Join(words, " ")
}

// direction are the counters of one direction of a port.
type direction struct{ Packets, Bytes, Dropped uint64 }

// port is what bessctl shows of a port.
type port struct {
	Name    string
	In, Out direction
}

// reading is the access list between what the ports received and sent.
type reading struct {
	in, out direction
	// The counters of the list.
	allowed, dropped, noRule, notIPv4 uint64
	rules                             []decided
}

// decided is a rule and the packets it has decided.
type decided struct {
	rule    *rule
	packets uint64
}

// parse reads the output of bessctl: the list with the module, then that with
// the ports.
func parse(show []byte) (*reading, error) {
	var modules []module
	var ports []port
	in := json.NewDecoder(bytes.NewReader(show))
	if err := in.Decode(&modules); err != nil {
		return nil, fmt.Errorf("module: %w", err)
	}
	if err := in.Decode(&ports); err != nil {
		return nil, fmt.Errorf("ports: %w", err)
	}
	if len(modules) != 1 {
		return nil, fmt.Errorf("%d modules, want the access list alone", len(modules))
	}
	r := &reading{}
	for _, p := range ports {
		r.in.add(p.In)
		r.out.add(p.Out)
	}
	fields := map[string]*uint64{"allowed": &r.allowed, "dropped": &r.dropped, "no_rule": &r.noRule, "not_ipv4": &r.notIPv4}
	for _, c := range modules[0].Counters {
		if f := fields[c.Name]; f != nil {
			*f = c.Value
			delete(fields, c.Name)
		}
	}
	if len(fields) > 0 {
		return nil, fmt.Errorf("module %s does not count %v", modules[0].Name, fields)
	}
	for _, d := range modules[0].Rules {
		r.rules = append(r.rules, decided{d.Rule, d.Packets})
	}
	return r, nil
}

func (d *direction) add(o direction) {
	d.Packets += o.Packets
	d.Bytes += o.Bytes
	d.Dropped += o.Dropped
}
