// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/google/gopacket/layers"
)

// rule is one line of an ACL: empty addresses and ports that are 0 match everything.
type rule struct {
	SrcIP   string `json:"src_ip"`
	DstIP   string `json:"dst_ip"`
	SrcPort uint16 `json:"src_port"`
	DstPort uint16 `json:"dst_port"`
	Drop    bool   `json:"drop"`

	src, dst netip.Prefix
}

// tally is the table of the expectation, in packets. The lists have one entry per rule.
type tally struct {
	Total          int   `json:"total"`
	Allowed        int   `json:"allowed"`
	DroppedByRule  []int `json:"dropped_by_rule"`
	AllowedByRule  []int `json:"allowed_by_rule"`
	DroppedDefault int   `json:"dropped_default"`
	DroppedNotIPv4 int   `json:"dropped_not_ipv4"`
}

// What decides a frame that no rule decides.
const (
	byDefault = -1
	notIPv4   = -2
)

func parseRules(text []byte) ([]rule, error) {
	var rules []rule
	if err := json.Unmarshal(text, &rules); err != nil {
		return nil, err
	}
	for i := range rules {
		r := &rules[i]
		for _, f := range []struct {
			text string
			to   *netip.Prefix
		}{{r.SrcIP, &r.src}, {r.DstIP, &r.dst}} {
			if f.text == "" {
				f.text = "0.0.0.0/0"
			}
			var err error
			if *f.to, err = netip.ParsePrefix(f.text); err != nil {
				return nil, fmt.Errorf("rules[%d]: %w", i, err)
			}
		}
	}
	return rules, nil
}

// ipv4 reads a frame whose EtherType says IPv4 and whose header holds together: version, header
// length, total length, and as many bytes as that announces.
func ipv4(data []byte) (*layers.IPv4, bool) {
	var eth layers.Ethernet
	var ip layers.IPv4
	var trouble feedback
	if eth.DecodeFromBytes(data, &trouble) != nil || eth.EthernetType != layers.EthernetTypeIPv4 {
		return nil, false
	}
	// gopacket reads a total length of 0 as "not filled in yet"; on a wire it is wrong.
	if p := eth.Payload; len(p) < 20 || p[0]>>4 != 4 || p[2] == 0 && p[3] == 0 {
		return nil, false
	}
	err := ip.DecodeFromBytes(eth.Payload, &trouble)
	return &ip, err == nil && !trouble.truncated
}

type feedback struct{ truncated bool }

func (f *feedback) SetTruncated() { f.truncated = true }

// ports returns the ports of the packets that have them in sight: TCP, UDP and SCTP, whole or first fragment.
func ports(ip *layers.IPv4) (src, dst uint16, ok bool) {
	switch ip.Protocol {
	case layers.IPProtocolTCP, layers.IPProtocolUDP, layers.IPProtocolSCTP:
	default:
		return 0, 0, false
	}
	p := ip.Payload
	if ip.FragOffset != 0 || len(p) < 4 {
		return 0, 0, false
	}
	return uint16(p[0])<<8 | uint16(p[1]), uint16(p[2])<<8 | uint16(p[3]), true
}

// judge returns the index of the first rule that matches, or byDefault or notIPv4.
func judge(rules []rule, data []byte) int {
	ip, ok := ipv4(data)
	if !ok {
		return notIPv4
	}
	src, _ := netip.AddrFromSlice(ip.SrcIP.To4())
	dst, _ := netip.AddrFromSlice(ip.DstIP.To4())
	srcPort, dstPort, hasPorts := ports(ip)
	for i, r := range rules {
		if !r.src.Contains(src) || !r.dst.Contains(dst) {
			continue
		}
		if r.SrcPort != 0 && (!hasPorts || r.SrcPort != srcPort) || r.DstPort != 0 && (!hasPorts || r.DstPort != dstPort) {
			continue
		}
		return i
	}
	return byDefault
}

// filter returns the frames that pass, in their order, and the table.
func filter(rules []rule, frames []frame) ([]frame, tally) {
	t := tally{Total: len(frames), DroppedByRule: make([]int, len(rules)), AllowedByRule: make([]int, len(rules))}
	var pass []frame
	for _, f := range frames {
		switch i := judge(rules, f.data); {
		case i == notIPv4:
			t.DroppedNotIPv4++
		case i == byDefault:
			t.DroppedDefault++
		case rules[i].Drop:
			t.DroppedByRule[i]++
		default:
			t.AllowedByRule[i]++
			pass = append(pass, f)
		}
	}
	t.Allowed = len(pass)
	return pass, t
}
