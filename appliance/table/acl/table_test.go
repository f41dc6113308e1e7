// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// reference is the list scanned from the top, condition by condition.
func reference(rules []Rule, src, dst uint32, sport, dport uint16, hasPorts bool) int {
	in := func(addr, network uint32, length uint8) bool {
		return uint64(addr)>>(32-length) == uint64(network)>>(32-length)
	}
	for i, r := range rules {
		if !in(src, r.Src, r.SrcLen) || !in(dst, r.Dst, r.DstLen) {
			continue
		}
		if r.SrcPort != 0 && (!hasPorts || sport != r.SrcPort) || r.DstPort != 0 && (!hasPorts || dport != r.DstPort) {
			continue
		}
		return i
	}
	return -1
}

// compiled returns the table in its compiled form, however short the list is.
func compiled(t testing.TB, rules []Rule) *Table {
	t.Helper()
	tab := &Table{rules: len(rules)}
	if err := tab.compile(rules); err != nil {
		t.Fatal(err)
	}
	return tab
}

func build(t testing.TB, rules []Rule) *Table {
	t.Helper()
	tab, err := Build(rules)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Release)
	return tab
}

// 1.4 million keys over 350 lists; every third list is compiled although it
// might be scanned.
func TestAgreesWithReference(t *testing.T) {
	for seed := range uint64(350) {
		w := newWorld(seed)
		rules := w.rules(1 + w.rng.IntN(300))
		tab := build(t, rules)
		if seed%3 == 0 {
			rules = rules[:min(len(rules), 20)]
			tab = compiled(t, rules)
		}
		check(t, rules, tab, w, 4000)
		tab.Release()
	}
}

// Lists long enough for summaries of several words.
func TestLongListsAgreeWithReference(t *testing.T) {
	for seed := range uint64(6) {
		w := newWorld(1000 + seed)
		w.lens = []uint8{8, 12, 16, 20, 24, 28, 32}
		rules := w.rules(5000 + w.rng.IntN(6000))
		check(t, rules, build(t, rules), w, 1000)
	}
}

// Lists of several stages: the first answers if it can.
func TestStagesAgreeWithReference(t *testing.T) {
	w := newWorld(5)
	w.lens = []uint8{24, 28, 30, 32}
	rules := make([]Rule, 2*maxStage+100)
	for i := range rules {
		rules[i] = Rule{Src: w.rng.Uint32(), SrcLen: 32, DstPort: uint16(i)}
	}
	for _, i := range []int{0, maxStage - 1, maxStage, 2*maxStage - 1, 2 * maxStage, len(rules) - 1} {
		rules[i] = w.rule()
	}
	tab := build(t, rules)
	check(t, rules, tab, w, 300)
	for i := 0; i < len(rules); i += 97 {
		r := rules[i]
		want := reference(rules, r.Src, 1, 2, r.DstPort, true)
		if got := tab.Lookup(r.Src, 1, 2, r.DstPort, true); got != want {
			t.Fatalf("key of rule %d: found %d, want %d", i, got, want)
		}
	}
}

func TestFirstMatchWins(t *testing.T) {
	a, b := uint32(0x0a000001), uint32(0xac106401)
	for name, rules := range map[string][]Rule{
		"single dimension before pair": {{Src: a, SrcLen: 8}, {Src: a, SrcLen: 32, Dst: b, DstLen: 32}},
		"pair before single dimension": {{Src: a, SrcLen: 32, Dst: b, DstLen: 32}, {Src: a, SrcLen: 8}},
		"everything first":             {{}, {Src: a, SrcLen: 32}},
		"shorter network first":        {{Src: a, SrcLen: 8}, {Src: a, SrcLen: 9}},
		"duplicates":                   {{DstPort: 80}, {DstPort: 80}},
		"ports before networks":        {{SrcPort: 5, DstPort: 80}, {Src: a, SrcLen: 1, Dst: b, DstLen: 1}},
	} {
		for _, tab := range []*Table{build(t, rules), compiled(t, rules)} {
			if got := tab.Lookup(a, b, 5, 80, true); got != 0 {
				t.Errorf("%s: rule %d, want 0", name, got)
			}
		}
	}
}

func TestPortsOfPacketsWithoutPorts(t *testing.T) {
	rules := []Rule{{SrcPort: 80}, {DstPort: 80}, {SrcPort: 80, DstPort: 80}, {Src: 1 << 24, SrcLen: 8}}
	for _, tab := range []*Table{build(t, rules), compiled(t, rules)} {
		if got := tab.Lookup(2<<24, 0, 80, 80, false); got != -1 {
			t.Errorf("a packet without ports matches rule %d", got)
		}
		if got := tab.Lookup(1<<24, 0, 80, 80, false); got != 3 {
			t.Errorf("a packet without ports: rule %d, want 3", got)
		}
		if got := tab.Lookup(2<<24, 0, 0, 0, true); got != -1 {
			t.Errorf("ports 0 match rule %d", got)
		}
		if got := tab.Lookup(2<<24, 0, 0, 80, true); got != 1 {
			t.Errorf("source port 0: rule %d, want 1", got)
		}
	}
}

func TestEmptyListMatchesNothing(t *testing.T) {
	tab := build(t, nil)
	if got := tab.Lookup(1, 2, 3, 4, true); got != -1 || tab.Len() != 0 || tab.Memory() != 0 {
		t.Errorf("rule %d, length %d, %d bytes", got, tab.Len(), tab.Memory())
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		rules []Rule
		code  int
		text  string
	}{
		{[]Rule{{}, {Src: 1, SrcLen: 33}}, errno.EINVAL, "rules[1]: source prefix length 33: must be 0..32"},
		{[]Rule{{DstLen: 255}}, errno.EINVAL, "rules[0]: destination prefix length 255: must be 0..32"},
		{make([]Rule, MaxRules+1), errno.E2BIG, "1048576 rules: at most 1048575 fit"},
	} {
		_, err := Build(c.rules)
		var e *errno.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Msg != c.text {
			t.Errorf("%d rules: %v, want %q", len(c.rules), err, c.text)
		}
	}
}

// A list that matches everything early needs no memory for what follows.
func TestRulesBehindMatchAllAreLeftOut(t *testing.T) {
	rules := make([]Rule, MaxRules)
	for i := range rules {
		rules[i] = Rule{Src: uint32(i) << 8, SrcLen: 24, DstPort: uint16(i)}
	}
	rules[20] = Rule{}
	tab := build(t, rules)
	if tab.Memory() > 1<<20 {
		t.Errorf("%d bytes for 21 rules", tab.Memory())
	}
	if got := tab.Lookup(1<<31, 0, 0, 0, true); got != 20 {
		t.Errorf("rule %d, want 20", got)
	}
}

// Lists of 10,000 rules made to need as much memory as possible stay below
// the 64 MB that an access list may cost.
func TestMemoryOfHostileLists(t *testing.T) {
	const n = 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	lists := map[string]func(i int) Rule{
		"all different": func(i int) Rule {
			return Rule{Src: rng.Uint32(), SrcLen: 32, Dst: rng.Uint32(), DstLen: 32, SrcPort: uint16(i + 1), DstPort: uint16(60000 - i)}
		},
		"hosts within networks that everything shares": func(i int) Rule {
			r := Rule{Src: uint32(i) * 0x10001, SrcLen: 32, Dst: uint32(i) * 0x30007, DstLen: 32, DstPort: uint16(i + 1)}
			if i%32 == 0 {
				r.SrcLen, r.DstLen = 1, 1
			}
			return r
		},
		"one source or one destination": func(i int) Rule {
			r := Rule{Src: rng.Uint32(), SrcLen: 32, Dst: 10 << 24, DstLen: 8}
			if i%2 == 0 {
				r = Rule{Src: 10 << 24, SrcLen: 8, Dst: rng.Uint32(), DstLen: 32}
			}
			return r
		},
	}
	for name, rule := range lists {
		rules := make([]Rule, n)
		for i := range rules {
			rules[i] = rule(i)
		}
		tab := build(t, rules)
		t.Logf("%s: %.1f MB", name, float64(tab.Memory())/1e6)
		if tab.Memory() > 64_000_000 {
			t.Errorf("%s: %d bytes", name, tab.Memory())
		}
		check(t, rules, tab, newWorld(9), 200)
		for i := 0; i < n; i += 501 {
			r := rules[i]
			want := reference(rules, r.Src, r.Dst, r.SrcPort, r.DstPort, true)
			if got := tab.Lookup(r.Src, r.Dst, r.SrcPort, r.DstPort, true); got != want {
				t.Errorf("%s: key of rule %d finds %d, want %d", name, i, got, want)
			}
		}
	}
}

func TestReleaseTwice(t *testing.T) {
	tab := build(t, make([]Rule, 5))
	tab.Release()
	tab = compiled(t, []Rule{{Src: 1, SrcLen: 32}})
	tab.Release()
	tab.Release()
	if tab.Memory() != 0 {
		t.Errorf("%d bytes after Release", tab.Memory())
	}
}

func TestReadersShareTable(t *testing.T) {
	w := newWorld(3)
	rules := w.rules(500)
	tab := build(t, rules)
	var wg sync.WaitGroup
	for reader := range uint64(4) {
		wg.Go(func() { check(t, rules, tab, newWorld(reader), 500) })
	}
	wg.Wait()
}

func TestLookupsDoNotAllocate(t *testing.T) {
	for _, n := range []int{1, 16, 17, 1000, maxStage + 1} {
		rules := benchRules(n)
		tab := build(t, rules)
		keys := make([]Key, 64)
		for i := range keys {
			keys[i] = MakeKey(rules[i%n].Src, rules[i%n].Dst, 1, rules[i%n].DstPort, true)
		}
		out := make([]int32, 64)
		if a := testing.AllocsPerRun(100, func() {
			tab.LookupBatch(keys, out)
			tab.Lookup(1, 2, 3, 4, true)
		}); a != 0 {
			t.Errorf("%d rules: %v allocations", n, a)
		}
	}
}

// FuzzTable reads rules and keys from the input, twelve bytes each.
func FuzzTable(f *testing.F) {
	f.Add([]byte("\x0a\x00\x00\x01\x0a\x00\x00\x02\x08\x18\x00\x50"), []byte("\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x50\x00\x50"))
	f.Add(make([]byte, 12*20), make([]byte, 12))
	f.Fuzz(func(t *testing.T, list, packets []byte) {
		word := func(b []byte, at int) uint32 {
			return uint32(b[at])<<24 | uint32(b[at+1])<<16 | uint32(b[at+2])<<8 | uint32(b[at+3])
		}
		var rules []Rule
		for ; len(list) >= 12 && len(rules) < 200; list = list[12:] {
			rules = append(rules, Rule{
				Src: word(list, 0), Dst: word(list, 4), SrcLen: list[8] % 33, DstLen: list[9] % 33,
				SrcPort: uint16(list[10]), DstPort: uint16(list[11]),
			})
		}
		if len(rules) == 0 {
			return
		}
		short, long := build(t, rules), compiled(t, rules)
		defer short.Release()
		defer long.Release()
		for ; len(packets) >= 12; packets = packets[12:] {
			src, dst, sport, dport := word(packets, 0), word(packets, 4), uint16(packets[9]), uint16(packets[11])
			has := packets[8]%2 == 0
			want := reference(rules, src, dst, sport, dport, has)
			if got := short.Lookup(src, dst, sport, dport, has); got != want {
				t.Fatalf("Build: rule %d, want %d", got, want)
			}
			if got := long.Lookup(src, dst, sport, dport, has); got != want {
				t.Fatalf("compiled: rule %d, want %d", got, want)
			}
		}
	})
}

// Sets must say what single lookups say, by either form.
func TestLookupSets(t *testing.T) {
	for _, n := range []int{1, 2, 5, 16} {
		rules := benchRules(n)
		tab, err := Build(rules)
		if err != nil {
			t.Fatal(err)
		}
		if !tab.HasSets() {
			t.Fatalf("%d rules have no sets", n)
		}
		rng := rand.New(rand.NewPCG(uint64(n), 7))
		for round := range 200 {
			var keys [64]Key
			for i := range keys {
				r := rules[rng.IntN(n)]
				keys[i] = MakeKey(r.Src|rng.Uint32N(2), r.Dst|rng.Uint32N(2), r.SrcPort, r.DstPort, rng.IntN(4) > 0)
			}
			k := 1 + round%64
			var sets [MaxSets]uint64
			tab.LookupSets(&keys, k, &sets)
			for i, key := range keys {
				want := tab.LookupKey(key)
				for r, set := range sets {
					if got := set>>i&1 == 1; got != (i < k && int32(r) == want) {
						t.Fatalf("%d rules, %d keys: key %d in set %d: %v, its rule is %d", n, k, i, r, got, want)
					}
				}
			}
			for i := range tab.linear {
				if got, want := tab.linear[i].matchSet(&keys), tab.linear[i].matchSetPortable(&keys); got != want {
					t.Fatalf("%d rules: rule %d matches %x, want %x", n, i, got, want)
				}
			}
		}
		tab.Release()
	}
}
