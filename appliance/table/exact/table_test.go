// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

func newTable(t testing.TB, keyWords, valueWords, limit int) (*Table, *rcu.Domain) {
	t.Helper()
	d := &rcu.Domain{}
	tab, err := New(keyWords, valueWords, limit, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tab.Retire(); d.Close() })
	return tab, d
}

// model is the table as a Go map.
type model map[[MaxWords]uint64]uint64

func toKey(words []uint64) (k [MaxWords]uint64) { copy(k[:], words); return k }

// check compares the table with the model, also for keys near those in it.
func check(t *testing.T, tab *Table, m model, rng *rand.Rand) {
	t.Helper()
	if tab.Len() != len(m) {
		t.Fatalf("%d rules, want %d", tab.Len(), len(m))
	}
	kw := tab.keyWords
	var keys []uint64
	for k := range m {
		keys = append(keys, k[:kw]...)
		k[rng.IntN(kw)] ^= 1 << rng.IntN(64)
		keys = append(keys, k[:kw]...)
	}
	out := make([]int32, len(keys)/kw)
	v := tab.View()
	v.LookupBatch(keys, out)
	for i, c := range out {
		key := keys[i*kw : (i+1)*kw]
		want, ok := m[toKey(key)]
		if ok != (c >= 0) || v.Lookup(key) != c {
			t.Fatalf("key %x: cell %d, alone %d; in the model: %v", key, c, v.Lookup(key), ok)
		}
		if ok && (v.First(c) != want || v.Value(c)[1] != ^want || toKey(v.Key(c)) != toKey(key)) {
			t.Fatalf("key %x: value %x, want %x", key, v.Value(c), want)
		}
	}
	checkFirst(t, v, m, keys)
	all := model{}
	for k, val := range tab.All() {
		all[toKey(k)] = val[0]
	}
	if !maps.Equal(all, m) {
		t.Fatalf("All lists %d rules, want %d", len(all), len(m))
	}
}

// checkFirst compares LookupFirst with the model, with and without probe1.
func checkFirst(t *testing.T, v *View, m model, keys []uint64) {
	t.Helper()
	defer func(can bool) { canProbe = can }(canProbe)
	const missing = 0xdead
	out, first := make([]int32, len(keys)/v.keyWords), make([]uint16, len(keys)/v.keyWords)
	for range 2 {
		want := 0
		misses := v.LookupFirst(keys, out, first, missing)
		for i, c := range out {
			key := keys[i*v.keyWords : (i+1)*v.keyWords]
			val, ok := m[toKey(key)]
			if !ok {
				want++
				val = missing
			}
			if c != v.Lookup(key) || first[i] != uint16(val) {
				t.Fatalf("key %x: cell %d, alone %d; first %x, want %x", key, c, v.Lookup(key), first[i], uint16(val))
			}
		}
		if misses != want {
			t.Fatalf("%d misses, want %d", misses, want)
		}
		canProbe = false
	}
}

// Half of the slots taken, and a third of the rules replaced, so that many lines
// are full and keys lie in the next one.
func TestFullLines(t *testing.T) {
	const rules = 2 * roomyCells
	tab, _ := newTable(t, 1, 2, rules)
	rng := rand.New(rand.NewPCG(1, 1))
	m := model{}
	set := func() {
		k, val := rng.Uint64(), rng.Uint64()
		if err := tab.Set([]uint64{k}, []uint64{val, ^val}); err != nil {
			t.Fatal(err)
		}
		m[[MaxWords]uint64{k}] = val
	}
	for range rules {
		set()
	}
	check(t, tab, m, rng)
	for k := range m {
		if k[0]%3 == 0 {
			tab.Delete(k[:1])
			delete(m, k)
			set()
		}
	}
	check(t, tab, m, rng)
	var next int // keys in another line than their first
	v := tab.View()
	for i, s := range v.slots {
		if s >= firstID && Hash(v.Key(int32(uint32(s)-firstID)))>>v.shift&^(line-1) != uint64(i)&^(line-1) {
			next++
		}
	}
	if next < 100 {
		t.Errorf("%d keys in the next line: too few for this test", next)
	}
}

// 60 tables of 1 to 8 words, 3,000 changes each.
func TestAgreesWithMap(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		kw := 1 + int(seed%MaxWords)
		tab, d := newTable(t, kw, 2, 500)
		m := model{}
		for step := range 3000 {
			var k [MaxWords]uint64
			k[rng.IntN(kw)] = uint64(rng.IntN(400)) // keys meet again
			switch step % 100 {                     // a reader delays some frees
			case 0:
				d.Enter(1)
			case 50:
				d.Leave(1)
			}
			switch op := rng.IntN(100); {
			case op < 60:
				val := rng.Uint64()
				_, known := m[k]
				err := tab.Set(k[:kw], []uint64{val, ^val})
				if !known && len(m) == 500 {
					if errno.Code(err) != errno.ENOSPC {
						t.Fatalf("rule 501: %v", err)
					}
				} else if err != nil {
					t.Fatal(err)
				} else {
					m[k] = val
				}
			case op < 99:
				_, known := m[k]
				if tab.Delete(k[:kw]) != known {
					t.Fatalf("Delete(%x) reports %v", k, !known)
				}
				delete(m, k)
			default:
				if rng.IntN(20) == 0 {
					if err := tab.Clear(); err != nil {
						t.Fatal(err)
					}
					clear(m)
				}
			}
			if step%500 == 499 {
				check(t, tab, m, rng)
			}
		}
	}
}

func TestLimit(t *testing.T) {
	tab, _ := newTable(t, 1, 1, 3)
	for k := range uint64(3) {
		if err := tab.Set([]uint64{k}, []uint64{k}); err != nil {
			t.Fatal(err)
		}
	}
	err := tab.Set([]uint64{3}, []uint64{3})
	if errno.Code(err) != errno.ENOSPC || err.Error() != "the table is full: it has 3 rules, its limit" {
		t.Fatalf("fourth of three: %v", err)
	}
	for range 1000 { // replacing needs no room
		if err := tab.Set([]uint64{2}, []uint64{9}); err != nil {
			t.Fatal(err)
		}
	}
	if !tab.Delete([]uint64{0}) || tab.Set([]uint64{3}, []uint64{3}) != nil {
		t.Error("no room after a delete")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range [][3]int{{0, 1, 1}, {9, 1, 1}, {1, -1, 1}, {1, 1, 0}, {1, 1, MaxEntries + 1}} {
		if _, err := New(c[0], c[1], c[2], &rcu.Domain{}); errno.Code(err) != errno.EINVAL {
			t.Errorf("New%v: %v", c, err)
		}
	}
}

// A reader that never leaves makes replacing fail in the end, but memory
// stays bounded; when it leaves all is well again.
func TestMemoryBoundedWithStuckReader(t *testing.T) {
	tab, d := newTable(t, 1, 1, 8)
	d.Enter(0)
	var err error
	n := 0
	for ; n < 10_000 && err == nil; n++ {
		err = tab.Set([]uint64{1}, []uint64{uint64(n)})
	}
	if errno.Code(err) != errno.EAGAIN {
		t.Fatalf("after %d replacements: %v", n, err)
	}
	if v, _ := tab.Get([]uint64{1}); v[0] != uint64(n-2) {
		t.Errorf("value %d, want the last that was accepted, %d", v[0], n-2)
	}
	d.Leave(0)
	if err := tab.Set([]uint64{1}, []uint64{7}); err != nil {
		t.Error(err)
	}
}

// Memory comes back with Clear, and deletes do not let the slots fill up.
func TestChurnKeepsMemory(t *testing.T) {
	tab, _ := newTable(t, 2, 1, 1<<20)
	for i := range uint64(200_000) {
		if err := tab.Set([]uint64{i, i}, []uint64{i}); err != nil {
			t.Fatal(err)
		}
		if i >= 100 && !tab.Delete([]uint64{i - 100, i - 100}) {
			t.Fatal("lost")
		}
	}
	if m := tab.Memory(); m > 1<<16 {
		t.Errorf("%d bytes for 100 rules", m)
	}
	for i := range uint64(100_000) {
		if err := tab.Set([]uint64{i, 1}, []uint64{i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Clear(); err != nil || tab.Memory() > 4096 || tab.Len() != 0 {
		t.Errorf("%v, %d bytes after Clear", err, tab.Memory())
	}
}

// Readers see each rule whole, and rules that stay are always found, while a
// writer adds, replaces, deletes and grows.
func TestReadersWhileWriting(t *testing.T) {
	tab, d := newTable(t, 2, 2, 1<<16)
	stays := func(i uint64) []uint64 { return []uint64{i, ^i} }
	for i := range uint64(64) {
		if err := tab.Set(stays(i), []uint64{i, ^i}); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for id := range 3 {
		wg.Go(func() {
			var keys [128]uint64
			var out [64]int32
			rng := rand.New(rand.NewPCG(uint64(id), 0))
			for !stop.Load() {
				for i := range uint64(64) {
					k := stays(i)
					if i%2 == 1 {
						k = stays(rng.Uint64N(5000))
					}
					copy(keys[2*i:], k)
				}
				d.Enter(id)
				v := tab.View()
				v.LookupBatch(keys[:], out[:])
				for i, c := range out {
					if c < 0 {
						if i%2 == 0 {
							t.Errorf("rule %d that stays is not found", i)
						}
						continue
					}
					if val := v.Value(c); val[0] != ^val[1] || v.Key(c)[0] != keys[2*i] {
						t.Errorf("torn value %x for key %x", val, keys[2*i])
					}
				}
				d.Leave(id)
				runtime.Gosched()
			}
		})
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for range 100_000 {
		i := 64 + rng.Uint64N(5000)
		if rng.IntN(2) == 0 {
			tab.Delete(stays(i))
		} else if val := rng.Uint64(); tab.Set(stays(i), []uint64{val, ^val}) != nil {
			continue // EAGAIN under a slow reader
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestLookupsDoNotAllocate(t *testing.T) {
	for kw := 1; kw <= MaxWords; kw++ {
		tab, _ := newTable(t, kw, 1, 100)
		keys, out := make([]uint64, 64*kw), make([]int32, 64)
		if err := tab.Set(keys[:kw], []uint64{1}); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { tab.View().LookupBatch(keys, out) }); n != 0 {
			t.Errorf("%d words: %v allocations", kw, n)
		}
	}
}

// FuzzTable does what the input says to a table and to a map.
func FuzzTable(f *testing.F) {
	f.Add([]byte("\x00aa\x00ab\x01aa\x02zz\x00aa"), uint8(1))
	f.Add(make([]byte, 300), uint8(2))
	f.Fuzz(func(t *testing.T, ops []byte, kw uint8) {
		words := 1 + int(kw)%MaxWords
		tab, _ := newTable(t, words, 2, 40)
		m := model{}
		for ; len(ops) >= 3; ops = ops[3:] {
			var k [MaxWords]uint64
			k[int(ops[1])%words] = uint64(ops[2])
			switch ops[0] % 8 {
			case 6:
				_, known := m[k]
				if tab.Delete(k[:words]) != known {
					t.Fatalf("Delete(%x): known %v", k, known)
				}
				delete(m, k)
			case 7:
				if ops[1] == 0 {
					_ = tab.Clear()
					clear(m)
				}
			default:
				val := uint64(binary.LittleEndian.Uint16(ops[1:]))
				if err := tab.Set(k[:words], []uint64{val, ^val}); err == nil {
					m[k] = val
				} else if len(m) < 40 {
					t.Fatal(err)
				}
			}
		}
		check(t, tab, m, rand.New(rand.NewPCG(1, 1)))
	})
}

func BenchmarkLookup(b *testing.B) {
	for _, kw := range []int{1, 2, 4} {
		for _, n := range []int{10, 1000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("words=%d/rules=%d", kw, n), func(b *testing.B) {
				tab, _ := newTable(b, kw, 1, 1<<20)
				rng := rand.New(rand.NewPCG(1, 1))
				key := make([]uint64, kw)
				for i := range n {
					key[0] = uint64(i) * 0x10001
					if err := tab.Set(key, []uint64{1}); err != nil {
						b.Fatal(err)
					}
				}
				keys := make([]uint64, kw<<16)
				for i := 0; i < len(keys); i += kw {
					keys[i] = uint64(rng.IntN(n)) * 0x10001
				}
				var out [64]int32
				v := tab.View()
				b.ReportAllocs()
				at := 0
				for b.Loop() {
					v.LookupBatch(keys[at:at+64*kw], out[:])
					at = (at + 64*kw) & (len(keys) - 1)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/key")
			})
		}
	}
}

// BenchmarkSet adds rules one by one: the time per rule must not depend on how
// many there are.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			for b.Loop() {
				tab, _ := newTable(b, 2, 1, 1<<20)
				for i := range uint64(n) {
					if err := tab.Set([]uint64{i, i}, []uint64{i}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/rule")
		})
	}
}
