// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchRules is a list as operators write them: pairs of networks with a
// service, single networks, servers and single connections. The last rule
// matches everything.
func benchRules(n int) []Rule {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	services := []uint16{22, 25, 53, 80, 123, 443, 993, 3306, 5432, 8080}
	rules := make([]Rule, n)
	for i := range n - 1 {
		src, dst := 10<<24|rng.Uint32()>>8, 172<<24|rng.Uint32()>>8
		service := services[rng.IntN(len(services))]
		switch rng.IntN(10) {
		case 0, 1, 2, 3:
			rules[i] = Rule{Src: src, SrcLen: 24, Dst: dst, DstLen: 24, DstPort: service}
		case 4, 5:
			rules[i] = Rule{Src: src, SrcLen: uint8(16 + rng.IntN(17))}
		case 6, 7:
			rules[i] = Rule{Dst: dst, DstLen: 32, DstPort: service}
		case 8:
			rules[i] = Rule{Src: 10 << 24, SrcLen: 8, Dst: dst, DstLen: 28}
		default:
			rules[i] = Rule{Src: src, SrcLen: 32, Dst: dst, DstLen: 32, SrcPort: uint16(1024 + rng.IntN(60000)), DstPort: service}
		}
	}
	return rules
}

// benchFlows returns n keys that only the last rule matches. Half of them
// have their addresses and ports from different rules, so that every
// dimension finds something; the others are random.
func benchFlows(rules []Rule, n int) []Key {
	rng := rand.New(rand.NewPCG(uint64(len(rules)), uint64(n)))
	tab, err := Build(rules)
	if err != nil {
		panic(err)
	}
	defer tab.Release()
	keys := make([]Key, 0, n)
	for len(keys) < n {
		src, dst := 10<<24|rng.Uint32()>>8, 172<<24|rng.Uint32()>>8
		sport, dport := uint16(rng.Uint32()), uint16(rng.Uint32())
		if len(keys)%2 == 0 {
			src = rules[rng.IntN(len(rules))].Src | rng.Uint32()&0xff
			dst = rules[rng.IntN(len(rules))].Dst | rng.Uint32()&0xff
			dport = rules[rng.IntN(len(rules))].DstPort
		}
		k := MakeKey(src, dst, sport, dport, true)
		if tab.LookupKey(k) == int32(len(rules)-1) {
			keys = append(keys, k)
		}
	}
	return keys
}

var ruleCounts = []int{1, 10, 16, 17, 100, 1000, 10000}

// perBatch runs look over batches of 64 of the flows; one op is one lookup.
func perBatch(b *testing.B, keys []Key, look func(keys []Key, out []int32)) {
	var out [64]int32
	b.ReportAllocs()
	b.ResetTimer()
	at := 0
	for i := 0; i < b.N; i += 64 {
		look(keys[at:at+64], out[:])
		if at += 64; at+64 > len(keys) {
			at = 0
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range ruleCounts {
		rules := benchRules(n)
		tab, err := Build(rules)
		if err != nil {
			b.Fatal(err)
		}
		for _, flows := range []int{1 << 10, 1 << 16} {
			keys := benchFlows(rules, flows)
			b.Run(fmt.Sprintf("rules=%d/flows=%d", n, flows), func(b *testing.B) { perBatch(b, keys, tab.LookupBatch) })
		}
		tab.Release()
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range ruleCounts {
		rules := benchRules(n)
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			mem := 0
			for range b.N {
				tab, err := Build(rules)
				if err != nil {
					b.Fatal(err)
				}
				mem = tab.Memory()
				tab.Release()
			}
			b.ReportMetric(float64(mem)/(1<<20), "MB")
		})
	}
}

func BenchmarkMemo(b *testing.B) {
	for _, n := range ruleCounts {
		rules := benchRules(n)
		tab, err := Build(rules)
		if err != nil {
			b.Fatal(err)
		}
		for _, flows := range []int{1 << 10, 1 << 16} {
			for _, slots := range []int{1 << 13, 1 << 14, 1 << 16} {
				keys := benchFlows(rules, flows)
				m, err := NewMemo(slots)
				if err != nil {
					b.Fatal(err)
				}
				b.Run(fmt.Sprintf("rules=%d/flows=%d/slots=%d", n, flows, slots), func(b *testing.B) {
					perBatch(b, keys, func(keys []Key, out []int32) { m.LookupBatch(tab, keys, out) })
				})
			}
		}
		tab.Release()
	}
}

// BenchmarkOpposed looks up flows within 10.0.0.0/8 in a list of pairs of a
// host and that network, in either direction: each rule matches half, none
// matches whole.
func BenchmarkOpposed(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		rules, keys := make([]Rule, n), make([]Key, 1<<10)
		for i := range n - 1 {
			host := 10<<24 | rng.Uint32()>>8&^1
			rules[i] = Rule{Src: host, SrcLen: 32, Dst: 10 << 24, DstLen: 8}
			if i%2 == 0 {
				rules[i] = Rule{Src: 10 << 24, SrcLen: 8, Dst: host, DstLen: 32}
			}
		}
		for i := range keys {
			keys[i] = MakeKey(10<<24|rng.Uint32()>>8|1, 10<<24|rng.Uint32()>>8|1, 1, 2, true)
		}
		tab, err := Build(rules)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) { perBatch(b, keys, tab.LookupBatch) })
		tab.Release()
	}
}
