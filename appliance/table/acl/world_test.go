// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"math/rand/v2"
	"testing"
)

// world draws rules and keys that meet each other often: addresses and ports
// come from small pools, prefix lengths from a set.
type world struct {
	rng   *rand.Rand
	addrs []uint32
	lens  []uint8
	ports []uint16
	// any is the share of rules that leave each dimension open.
	any [dims]float64
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 77))}
	base := w.rng.Uint32()
	spread := 1 + w.rng.IntN(32)
	for range 1 + w.rng.IntN(200) {
		w.addrs = append(w.addrs, base^w.rng.Uint32()>>(32-spread)<<(w.rng.IntN(33-spread)))
	}
	w.addrs = append(w.addrs, 0, 0xffffffff)
	switch w.rng.IntN(5) {
	case 0:
		w.lens = []uint8{1, 32}
	case 1:
		w.lens = []uint8{8, 16, 24, 32}
	case 2:
		w.lens = []uint8{15, 16, 17, 23, 24, 25, 31, 32}
	default:
		for n := range uint8(32) {
			w.lens = append(w.lens, n+1)
		}
	}
	for range 1 + w.rng.IntN(50) {
		w.ports = append(w.ports, uint16(w.rng.Uint32()))
	}
	w.ports = append(w.ports, 0, 1, 65535)
	for d := range w.any {
		w.any[d] = w.rng.Float64()
	}
	return w
}

func pick[T any](w *world, from []T) T { return from[w.rng.IntN(len(from))] }

// specific says whether the next rule looks at dimension d.
func (w *world) specific(d int) bool { return w.rng.Float64() > w.any[d] }

func (w *world) rule() Rule {
	r := Rule{Src: pick(w, w.addrs), Dst: pick(w, w.addrs)}
	if w.specific(dimSrc) {
		r.SrcLen = pick(w, w.lens)
	}
	if w.specific(dimDst) {
		r.DstLen = pick(w, w.lens)
	}
	if w.specific(dimSrcPort) {
		r.SrcPort = pick(w, w.ports)
	}
	if w.specific(dimDstPort) {
		r.DstPort = pick(w, w.ports)
	}
	if r.shape() == 0 && w.rng.IntN(300) != 0 { // few lists should match everything
		return w.rule()
	}
	return r
}

func (w *world) rules(n int) []Rule {
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = w.rule()
		if i > 0 && w.rng.IntN(10) == 0 {
			rules[i] = rules[w.rng.IntN(i)] // a duplicate
		}
	}
	return rules
}

// addr draws an address, often at the edge of a network.
func (w *world) addr() uint32 {
	a := pick(w, w.addrs)
	m := mask(pick(w, w.lens))
	switch w.rng.IntN(8) {
	case 0:
		return w.rng.Uint32()
	case 1:
		return a & m
	case 2:
		return a&m - 1
	case 3:
		return a | ^m
	case 4:
		return (a | ^m) + 1
	case 5:
		return a ^ 1<<w.rng.IntN(32)
	}
	return a
}

func (w *world) port() uint16 {
	switch w.rng.IntN(8) {
	case 0:
		return uint16(w.rng.Uint32())
	case 1:
		return pick(w, w.ports) + 1
	}
	return pick(w, w.ports)
}

// check compares keys one by one and in batches, some of them short.
func check(t *testing.T, rules []Rule, tab *Table, w *world, keys int) {
	t.Helper()
	var batch []Key
	var want []int32
	out := make([]int32, 64)
	size := 64
	for n := range keys {
		src, dst, sport, dport, has := w.addr(), w.addr(), w.port(), w.port(), w.rng.IntN(5) != 0
		ref := reference(rules, src, dst, sport, dport, has)
		if got := tab.Lookup(src, dst, sport, dport, has); got != ref {
			t.Errorf("%d rules: lookup %08x %08x %d %d %v: rule %d, want %d", len(rules), src, dst, sport, dport, has, got, ref)
			return
		}
		batch, want = append(batch, MakeKey(src, dst, sport, dport, has)), append(want, int32(ref))
		if len(batch) < size && n < keys-1 {
			continue
		}
		tab.LookupBatch(batch, out)
		for i := range batch {
			if out[i] != want[i] {
				t.Errorf("%d rules: batch, key %x: rule %d, want %d", len(rules), batch[i], out[i], want[i])
				return
			}
		}
		batch, want, size = batch[:0], want[:0], 1+w.rng.IntN(64)
	}
}
