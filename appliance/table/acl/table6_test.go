// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// reference6 scans a list from the top, bit by bit.
func reference6(rules []Rule6, k *Key6) int32 {
	in := func(n uint8, network [2]uint64, addr []uint64) bool {
		for i := range int(n) {
			if (network[i/64]^addr[i/64])>>(63-i%64)&1 != 0 {
				return false
			}
		}
		return true
	}
	for i, r := range rules {
		has := k[4]&HasPorts != 0
		if in(r.SrcLen, r.Src, k[0:2]) && in(r.DstLen, r.Dst, k[2:4]) &&
			(r.SrcPort == 0 || has && uint16(k[4]>>16) == r.SrcPort) &&
			(r.DstPort == 0 || has && uint16(k[4]) == r.DstPort) &&
			(!r.Established || k[4]&Established != 0) {
			return int32(i)
		}
	}
	return -1
}

// world6 draws rules and keys that meet each other often.
type world6 struct {
	rng   *rand.Rand
	words []uint64
	lens  []uint8
	any   float64 // share of conditions left open
}

func newWorld6(seed uint64) *world6 {
	w := &world6{rng: rand.New(rand.NewPCG(seed, 6))}
	for range 1 + w.rng.IntN(4) {
		w.words = append(w.words, w.rng.Uint64()>>w.rng.IntN(64)<<w.rng.IntN(64))
	}
	for range 1 + w.rng.IntN(8) {
		w.lens = append(w.lens, uint8(1+w.rng.IntN(128)))
	}
	w.lens = append(w.lens, 64, 128)
	w.any = w.rng.Float64()
	return w
}

func (w *world6) addr() [2]uint64 {
	a := [2]uint64{w.words[w.rng.IntN(len(w.words))], w.words[w.rng.IntN(len(w.words))]}
	if w.rng.IntN(4) == 0 {
		a[w.rng.IntN(2)] ^= 1 << w.rng.IntN(64)
	}
	return a
}

func (w *world6) len() uint8 {
	if w.rng.Float64() < w.any {
		return 0
	}
	return w.lens[w.rng.IntN(len(w.lens))]
}

func (w *world6) port() uint16 { return uint16(max(w.rng.IntN(6)-2, 0)) }

func (w *world6) rules(n int) []Rule6 {
	rules := make([]Rule6, n)
	for i := range rules {
		rules[i] = Rule6{Src: w.addr(), Dst: w.addr(), SrcLen: w.len(), DstLen: w.len(),
			SrcPort: w.port(), DstPort: w.port(), Established: w.rng.IntN(4) == 0}
		if i > 0 && w.rng.IntN(10) == 0 {
			rules[i] = rules[w.rng.IntN(i)] // a duplicate
		}
	}
	return rules
}

func (w *world6) key() *Key6 {
	src, dst := w.addr(), w.addr()
	k := &Key6{src[0], src[1], dst[0], dst[1]}
	if w.rng.IntN(5) != 0 {
		k[4] = HasPorts | uint64(w.rng.IntN(4))<<16 | uint64(w.rng.IntN(4)) | uint64(w.rng.IntN(2))<<33
	}
	return k
}

// compiled6 compiles a list however short it is.
func compiled6(t *testing.T, rules []Rule6) *Table6 {
	t.Helper()
	all := make([]ternary6, len(rules))
	for i := range rules {
		all[i] = makeTernary6(&rules[i])
	}
	tab := &Table6{rules: len(rules)}
	if err := tab.compile(all); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Release)
	return tab
}

func build6(t *testing.T, rules []Rule6) *Table6 {
	t.Helper()
	tab, err := Build6(rules)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Release)
	return tab
}

// Scanned or compiled, a table answers as the list scanned bit by bit.
func TestTable6FindsFirstRule(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld6(seed)
		rules := w.rules(1 + w.rng.IntN(120))
		built, hashed := build6(t, rules), compiled6(t, rules)
		for range 300 {
			k := w.key()
			want := reference6(rules, k)
			if got := built.Lookup(k); got != want {
				t.Fatalf("seed %d, %d rules, key %x: rule %d, want %d", seed, len(rules), *k, got, want)
			}
			if got := hashed.Lookup(k); got != want {
				t.Fatalf("seed %d, %d rules hashed, key %x: rule %d, want %d", seed, len(rules), *k, got, want)
			}
		}
	}
}

func TestBuild6Refuses(t *testing.T) {
	for _, c := range []struct {
		rules []Rule6
		code  int
		text  string
	}{
		{[]Rule6{{}, {SrcLen: 129}}, errno.EINVAL, "rules[1]: source prefix length 129: must be 0..128"},
		{[]Rule6{{DstLen: 255}}, errno.EINVAL, "rules[0]: destination prefix length 255: must be 0..128"},
		{make([]Rule6, MaxRules+1), errno.E2BIG, "1048576 rules: at most 1048575 fit"},
	} {
		_, err := Build6(c.rules)
		var e *errno.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Msg != c.text {
			t.Errorf("%d rules: %v, want %q", len(c.rules), err, c.text)
		}
	}
}

// Ten thousand rules with as many different masks as possible stay below the
// 64 MB that an access list may cost, and rules behind one that matches
// everything cost nothing.
func TestMemoryOfHostileLists6(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	rules := make([]Rule6, 10_000)
	for i := range rules {
		rules[i] = Rule6{Src: [2]uint64{rng.Uint64(), rng.Uint64()}, Dst: [2]uint64{rng.Uint64(), rng.Uint64()},
			SrcLen: uint8(i%128 + 1), DstLen: uint8(i/128 + 1), DstPort: uint16(i)}
	}
	tab := build6(t, rules)
	if tab.Memory() > 64_000_000 {
		t.Errorf("%d bytes", tab.Memory())
	}
	for i, r := range rules {
		k := &Key6{r.Src[0], r.Src[1], r.Dst[0], r.Dst[1], HasPorts | uint64(r.DstPort)}
		if i%100 == 0 && tab.Lookup(k) != reference6(rules, k) {
			t.Errorf("key of rule %d finds %d", i, tab.Lookup(k))
		}
	}
	rules[20] = Rule6{}
	if short := build6(t, rules); short.Memory() > 1<<20 {
		t.Errorf("%d bytes for 21 rules", short.Memory())
	}
}

func TestTable6ReleaseTwice(t *testing.T) {
	tab := compiled6(t, newWorld6(1).rules(30))
	if tab.Memory() == 0 || tab.Len() != 30 {
		t.Errorf("%d bytes for %d rules", tab.Memory(), tab.Len())
	}
	tab.Release()
	tab.Release()
	if tab.Memory() != 0 {
		t.Errorf("%d bytes after Release", tab.Memory())
	}
	if empty := build6(t, nil); empty.Lookup(&Key6{}) != -1 {
		t.Error("an empty list matches")
	}
}

func TestLookups6DoNotAllocate(t *testing.T) {
	for _, n := range []int{1, 16, 17, 500} {
		w := newWorld6(4)
		tab := build6(t, w.rules(n))
		k := w.key()
		if a := testing.AllocsPerRun(100, func() { tab.Lookup(k) }); a != 0 {
			t.Errorf("%d rules: %v allocations", n, a)
		}
	}
}

// BenchmarkLookup6 looks up keys that only the last rule matches, in lists of
// eight different masks.
func BenchmarkLookup6(b *testing.B) {
	for _, n := range []int{1, 16, 100, 10000} {
		rng := rand.New(rand.NewPCG(uint64(n), 6))
		rules := make([]Rule6, n)
		for i := range n - 1 {
			rules[i] = Rule6{Src: [2]uint64{0x20010db8<<32 | rng.Uint64()>>32}, SrcLen: uint8(48 + i%4*16), DstPort: uint16(i % 2 * 443)}
		}
		tab, err := Build6(rules)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			k := Key6{0x20010db9 << 32, 1, 0x20010db8 << 32, 2, HasPorts | 443}
			for b.Loop() {
				k[1]++
				if tab.Lookup(&k) != int32(n-1) {
					b.Fatal("another rule")
				}
			}
		})
		tab.Release()
	}
}
