// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

func memo(t testing.TB, slots int) *Memo {
	t.Helper()
	m, err := NewMemo(slots)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A memo so small that flows collide all the time still answers right.
func TestMemoAgreesWithTable(t *testing.T) {
	for _, slots := range []int{1, 2, 64, 1 << 14} {
		m := memo(t, slots)
		for seed := range uint64(20) {
			w := newWorld(seed)
			rules := w.rules(5 + w.rng.IntN(200))
			tab := build(t, rules)
			keys, out := make([]Key, 64), make([]int32, 64)
			for range 100 {
				for i := range keys {
					keys[i] = MakeKey(w.addr(), w.addr(), w.port(), w.port(), w.rng.IntN(3) != 0)
				}
				for range 2 {
					m.LookupBatch(tab, keys, out)
					for i, k := range keys {
						if want := tab.LookupKey(k); out[i] != want || m.Lookup(tab, k) != want {
							t.Fatalf("%d slots: key %x: rule %d, want %d", slots, k, out[i], want)
						}
					}
				}
			}
		}
	}
}

// Keys that differ in one part only must not answer for each other, even in
// the only slot.
func TestMemoComparesWholeKey(t *testing.T) {
	rules := []Rule{{Src: 1, SrcLen: 32, Dst: 2, DstLen: 32, SrcPort: 3, DstPort: 4}, {DstPort: 9}, {DstPort: 8}, {DstPort: 7}, {DstPort: 6}}
	tab := build(t, rules)
	m := memo(t, 1)
	hit := MakeKey(1, 2, 3, 4, true)
	for _, k := range []Key{
		MakeKey(2, 2, 3, 4, true), MakeKey(1, 3, 3, 4, true), MakeKey(1, 2, 4, 4, true), MakeKey(1, 2, 3, 5, true),
		MakeKey(1, 2, 3, 4, false), MakeKey(1, 2, 0, 0, false), MakeKey(1, 2, 0, 0, true), MakeKey(1|1<<31, 2, 3, 4, true), MakeKey(1, 2, 3|1<<15, 4, true),
	} {
		if m.Lookup(tab, hit) != 0 || m.Lookup(tab, k) != -1 || m.Lookup(tab, k) != -1 || m.Lookup(tab, hit) != 0 {
			t.Errorf("key %x", k)
		}
	}
}

func TestMemoForgetsOtherTables(t *testing.T) {
	rules := []Rule{{DstPort: 1}, {DstPort: 2}, {DstPort: 3}, {DstPort: 4}, {DstPort: 5}, {}}
	one, two := build(t, rules), build(t, rules[:5])
	m := memo(t, 256)
	k := MakeKey(1, 2, 3, 99, true)
	for i := range 2 * memoGens { // past the last generation
		if got := m.Lookup(one, k); got != 5 {
			t.Fatalf("change %d: rule %d, want 5", i, got)
		}
		if got := m.Lookup(two, k); got != -1 {
			t.Fatalf("change %d: rule %d, want none", i, got)
		}
	}
}

func TestMemoKeepsLargestIndex(t *testing.T) {
	rules := make([]Rule, MaxRules)
	for i := range rules {
		rules[i] = Rule{Src: 9 << 24, SrcLen: 32, DstPort: 7}
	}
	rules[MaxRules-1] = Rule{Dst: 5, DstLen: 32}
	tab := build(t, rules)
	m := memo(t, 16)
	for range 2 {
		if got := m.Lookup(tab, MakeKey(0, 5, 0, 0, false)); got != MaxRules-1 {
			t.Fatalf("rule %d, want %d", got, MaxRules-1)
		}
	}
}

func TestMemoThatDoesNotPayRests(t *testing.T) {
	tab := build(t, benchRules(100))
	m := memo(t, 64)
	next := uint32(0)
	lookup := func(flows uint32) {
		m.Lookup(tab, MakeKey(next%flows, 2, 3, 4, true))
		next++
	}
	window := memoWindow * 64
	for range 2 * window {
		lookup(1 << 30) // every flow is new
	}
	if m.rest == 0 {
		t.Fatal("goes on although nothing is ever found")
	}
	for range (memoRest+2)*window + 10 {
		lookup(1)
	}
	if m.rest > 0 || m.hits == 0 {
		t.Fatalf("rests for %d more lookups although there is one flow", m.rest)
	}
	m.Lookup(build(t, benchRules(memoSkip)), Key{})
	if !m.off {
		t.Error("remembers what is faster to look up")
	}
}

func TestMemoSizes(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 4, 1000: 1024, 1024: 1024} {
		if got := memo(t, n).Slots(); got != want {
			t.Errorf("%d slots asked: %d, want %d", n, got, want)
		}
	}
	for _, n := range []int{0, -1, maxMemoSlots + 1} {
		if _, err := NewMemo(n); errno.Code(err) != errno.EINVAL {
			t.Errorf("%d slots: %v", n, err)
		}
	}
	mem, err := sys.Map(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Unmap(mem)
	for _, bad := range [][]byte{nil, mem[:8], mem[:24], mem[:48], mem[:16*100], mem[1 : 1+64]} {
		if _, err := NewMemoIn(bad); errno.Code(err) != errno.EINVAL {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	m, err := NewMemoIn(mem)
	if err != nil || m.Slots() != 1<<16 {
		t.Fatalf("%v", err)
	}
	tab := build(t, benchRules(50))
	for range 2 {
		if got := m.Lookup(tab, MakeKey(1, 2, 3, 4, true)); got != 49 {
			t.Fatalf("rule %d, want 49", got)
		}
	}
}

func TestMemoDoesNotAllocate(t *testing.T) {
	a, b := build(t, benchRules(100)), build(t, benchRules(200))
	m := memo(t, 1024)
	keys, out := benchFlows(benchRules(100), 64), make([]int32, 64)
	if n := testing.AllocsPerRun(100, func() {
		m.LookupBatch(a, keys, out)
		m.LookupBatch(b, keys, out)
		m.Lookup(a, keys[0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
