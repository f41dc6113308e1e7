// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wildcard

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

func newTable(t testing.TB, words, limit int) *Table {
	t.Helper()
	d := &rcu.Domain{}
	tab, err := New(words, 1, limit, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tab.Retire(); d.Close() })
	return tab
}

// model is the rules in the order they were added last.
type model []Rule

func (m model) find(key, mask []uint64) int {
	for i, r := range m {
		if same(key, r.Key) && same(mask, r.Mask) {
			return i
		}
	}
	return -1
}

func (m model) lookup(key []uint64) (uint64, bool) {
	best := -1
	for i, r := range m {
		match := true
		for j := range key {
			match = match && key[j]&r.Mask[j] == r.Key[j]
		}
		if match && (best < 0 || r.Priority >= m[best].Priority) {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	return m[best].Value[0], true
}

// draw returns a rule from a small world.
func draw(rng *rand.Rand, words int) Rule {
	r := Rule{Key: make([]uint64, words), Mask: make([]uint64, words), Priority: int32(rng.IntN(5)) - 2, Value: []uint64{rng.Uint64()}}
	for j := range words {
		r.Mask[j] = []uint64{0, 0xff, 0xf0, 0xffff, ^uint64(0)}[rng.IntN(5)]
		r.Key[j] = rng.Uint64N(4) * 0x111 & r.Mask[j]
	}
	return r
}

func change(t *testing.T, tab *Table, m model, r Rule, del bool) model {
	t.Helper()
	i := m.find(r.Key, r.Mask)
	if i >= 0 {
		m = append(m[:i:i], m[i+1:]...)
	}
	if del {
		if tab.Delete(r.Key, r.Mask) != (i >= 0) {
			t.Fatalf("Delete reports %v", i < 0)
		}
		return m
	}
	if err := tab.Set(r); err != nil {
		t.Fatal(err)
	}
	return append(m, r)
}

func check(t *testing.T, tab *Table, m model, memo *Memo, rng *rand.Rand) {
	t.Helper()
	n := 0
	for range tab.All() {
		n++
	}
	if tab.Len() != len(m) || n != len(m) {
		t.Fatalf("%d rules, All has %d, want %d", tab.Len(), n, len(m))
	}
	keys, out, first := make([]uint64, 64*tab.words), make([]Match, 64), make([]uint16, 64)
	for range 4 {
		n := 1 + rng.IntN(64)
		keys, out := keys[:n*tab.words], out[:n]
		for i := range keys {
			keys[i] = rng.Uint64N(4)*0x111 | rng.Uint64N(2)<<40
		}
		v := tab.View()
		misses := v.LookupBatch(memo, keys, out, first, 0xdead)
		for i, match := range out {
			want, ok := m.lookup(keys[i*tab.words : (i+1)*tab.words])
			if ok != match.Found() || ok && v.Value(match)[0] != want {
				t.Fatalf("key %x: found %v, want %v", keys[i*tab.words:(i+1)*tab.words], match.Found(), ok)
			}
			if number := uint16(want); ok && first[i] != number || !ok && first[i] != 0xdead {
				t.Fatalf("first word of the value is %#x, want %#x, found %v", first[i], number, ok)
			}
			if !ok {
				misses--
			}
		}
		if misses != 0 {
			t.Fatalf("%d more keys reported as not found than there are", misses)
		}
	}
}

func TestAgreesWithModel(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 6))
		words := 1 + int(seed%4)
		tab, memo := newTable(t, words, 1000), NewMemo()
		var m model
		for step := range 400 {
			m = change(t, tab, m, draw(rng, words), rng.IntN(3) == 0)
			if step%20 == 0 {
				check(t, tab, m, memo, rng)
			}
			if step == 200 {
				tab.Clear()
				m = nil
				check(t, tab, m, memo, rng)
				tab.seq = 1<<32 - 20 // the numbers run out soon
			}
		}
		for len(m) > 0 {
			m = change(t, tab, m, m[0], true)
		}
		check(t, tab, m, memo, rng)
		if tab.Masks() != 0 {
			t.Errorf("%d masks are left without rules", tab.Masks())
		}
	}
}

func TestLimits(t *testing.T) {
	tab := newTable(t, 1, 2)
	for i := range uint64(MaxMasks) {
		if err := tab.Set(Rule{Key: []uint64{0}, Mask: []uint64{i}, Value: []uint64{i}}); err != nil {
			t.Fatal(err)
		}
	}
	err := tab.Set(Rule{Key: []uint64{0}, Mask: []uint64{MaxMasks}, Value: []uint64{0}})
	if errno.Code(err) != errno.ENOSPC || tab.Masks() != MaxMasks {
		t.Errorf("mask %d: %v, %d masks", MaxMasks, err, tab.Masks())
	}
	if !tab.Delete([]uint64{0}, []uint64{5}) {
		t.Error("not deleted")
	}
	for i := range uint64(3) {
		err = tab.Set(Rule{Key: []uint64{i}, Mask: []uint64{1 << 20}, Value: []uint64{0}, Priority: 1})
		if i > 0 && errno.Code(err) != errno.EINVAL && errno.Code(err) != errno.ENOSPC && err != nil {
			t.Error(err)
		}
	}
	if errno.Code(err) != errno.ENOSPC {
		t.Errorf("third rule of two: %v", err)
	}
	if err := tab.SetLimit(1); errno.Code(err) != errno.ENOSPC {
		t.Errorf("limit below the rules: %v", err)
	}
	if err := tab.SetLimit(3); err != nil || tab.Limit() != 3 {
		t.Error(err)
	}
}

// A rule that stays is found with its value whatever happens around it, with
// and without memo.
func TestReadersWhileWriting(t *testing.T) {
	d := &rcu.Domain{}
	tab, err := New(2, 1, 1<<16, d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { tab.Retire(); d.Close() }()
	stays := Rule{Key: []uint64{7, 7}, Mask: []uint64{0xff, 0xff}, Priority: 100, Value: []uint64{42}}
	if err := tab.Set(stays); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for id := range 3 {
		wg.Go(func() {
			memo := NewMemo()
			if id == 0 {
				memo = nil
			}
			keys, out, first := make([]uint64, 128), make([]Match, 64), make([]uint16, 64)
			for i := range keys {
				keys[i] = 7 | uint64(i/2)<<8
			}
			for !stop.Load() {
				d.Enter(id)
				v := tab.View()
				v.LookupBatch(memo, keys, out, first, 0)
				for _, m := range out {
					if !m.Found() || v.Value(m)[0] != 42 {
						t.Error("the rule that stays is not found")
					}
				}
				d.Leave(id)
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		r := draw(rng, 2)
		r.Key[0] |= rng.Uint64N(500) << 8 & r.Mask[0]
		if rng.IntN(2) == 0 {
			tab.Delete(r.Key, r.Mask)
		} else if err := tab.Set(r); err != nil && errno.Code(err) != errno.EAGAIN {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestLookupsDoNotAllocate(t *testing.T) {
	tab, memo := newTable(t, 3, 10), NewMemo()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		_ = tab.Set(draw(rng, 3))
	}
	keys, out, first := make([]uint64, 64*3), make([]Match, 64), make([]uint16, 64)
	if n := testing.AllocsPerRun(100, func() { tab.View().LookupBatch(memo, keys, out, first, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		tab, memo := newTable(t, 1, 100), NewMemo()
		rng := rand.New(rand.NewPCG(1, 1))
		var m model
		for ; len(ops) >= 3; ops = ops[3:] {
			mask := uint64(ops[1])
			m = change(t, tab, m, Rule{Key: []uint64{uint64(ops[2]) & mask}, Mask: []uint64{mask}, Priority: int32(int8(ops[0])), Value: []uint64{uint64(ops[2])}}, ops[0]%3 == 0)
		}
		check(t, tab, m, memo, rng)
	})
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 1000} {
		tab := newTable(b, 2, 1<<16)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range n {
			mask := []uint64{^uint64(0) >> (i % 8 * 4), 0xffff}
			key := []uint64{rng.Uint64() & mask[0], rng.Uint64() & mask[1]}
			if err := tab.Set(Rule{Key: key, Mask: mask, Priority: int32(rng.IntN(100)), Value: []uint64{1}}); err != nil {
				b.Fatal(err)
			}
		}
		keys := make([]uint64, 1<<13)
		for i := range keys {
			keys[i] = rng.Uint64()
		}
		for name, memo := range map[string]*Memo{"memo": NewMemo(), "table": nil} {
			b.Run(fmt.Sprintf("rules=%d/%s", n, name), func(b *testing.B) {
				var out [64]Match
				var first [64]uint16
				at := 0
				for b.Loop() {
					tab.View().LookupBatch(memo, keys[at:at+128], out[:], first[:], 0)
					at = (at + 128) & (len(keys)/4 - 1)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/key")
			})
		}
	}
}
