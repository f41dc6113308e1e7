// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package mac

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

func newTable(t testing.TB, limit int) (*Table, *rcu.Domain) {
	t.Helper()
	d := &rcu.Domain{}
	tab, err := New(limit, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tab.Retire(); d.Close() })
	return tab, d
}

// change does one thing to a table and to a map.
func change(t *testing.T, tab *Table, m map[uint64]int, op byte, addr uint64, number int) {
	t.Helper()
	_, known := m[addr]
	if op%3 == 0 {
		if tab.Delete(addr) != known {
			t.Fatalf("Delete(%x) reports %v", addr, !known)
		}
		delete(m, addr)
		return
	}
	err := tab.Set(addr, number)
	if !known && len(m) == tab.Limit() {
		if errno.Code(err) != errno.ENOSPC {
			t.Fatalf("one too many: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m[addr] = number
}

func check(t *testing.T, tab *Table, m map[uint64]int) {
	t.Helper()
	if tab.Len() != len(m) {
		t.Fatalf("%d addresses, want %d", tab.Len(), len(m))
	}
	for a, want := range m {
		if got := tab.View().Lookup(a); got != want {
			t.Fatalf("%012x: %d, want %d", a, got, want)
		}
		if got := tab.View().Lookup(a | 0xabcd<<48); got != want {
			t.Fatalf("%012x with bits above: %d, want %d", a, got, want)
		}
		near := a ^ 1<<(a%48)
		want, known := m[near]
		if !known {
			want = -1
		}
		if got := tab.View().Lookup(near); got != want {
			t.Fatalf("%012x, next to another: %d, want %d", near, got, want)
		}
	}
}

// checkBatch compares LookupBatch with Lookup for addresses that are there and
// others.
func checkBatch(t *testing.T, tab *Table, m map[uint64]int) {
	t.Helper()
	addrs := []uint64{0, 1 << 47}
	for a := range m {
		addrs = append(addrs, a, a|0xabcd<<48, a^1<<(a%48))
	}
	numbers, missing := make([]uint16, len(addrs)), 0
	v := tab.View()
	misses := v.LookupBatch(addrs, numbers, 0xfffe)
	for i, a := range addrs {
		want := v.Lookup(a)
		if want < 0 {
			want = 0xfffe
			missing++
		}
		if int(numbers[i]) != want {
			t.Fatalf("%012x among others: %d, want %d", a, numbers[i], want)
		}
	}
	if misses != missing {
		t.Fatalf("%d not found, want %d", misses, missing)
	}
}

// All of the 48 bits and all numbers, the zero address, and 30 tables.
func TestAgreesWithMap(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 3))
		tab, _ := newTable(t, 300)
		m := map[uint64]int{}
		for range 4000 {
			addr := uint64(rng.IntN(500))
			if seed%2 == 0 {
				addr = addr * 0x9e3779b97f4a7c15 << 16 >> 16
			}
			change(t, tab, m, byte(rng.IntN(256)), addr, rng.IntN(MaxNumber+1))
		}
		check(t, tab, m)
		checkBatch(t, tab, m)
	}
}

func TestZeroAddress(t *testing.T) {
	tab, _ := newTable(t, 5)
	if got := tab.View().Lookup(0); got != -1 {
		t.Errorf("the empty table has address 0: %d", got)
	}
	for _, number := range []int{0, MaxNumber} {
		if err := tab.Set(0, number); err != nil || tab.View().Lookup(0) != number {
			t.Errorf("%v, %d", err, tab.View().Lookup(0))
		}
	}
	if !tab.Delete(0) || tab.View().Lookup(0) != -1 {
		t.Error("address 0 is still there")
	}
}

func TestMemoryGrowsWithAddresses(t *testing.T) {
	tab, _ := newTable(t, MaxEntries)
	if tab.Memory() > 4096 {
		t.Errorf("%d bytes for nothing", tab.Memory())
	}
	for a := range uint64(100_000) {
		if err := tab.Set(a, 1); err != nil {
			t.Fatal(err)
		}
		if a > 50 {
			tab.Delete(a - 50)
		}
	}
	if tab.Memory() > 1<<14 {
		t.Errorf("%d bytes for 50 addresses", tab.Memory())
	}
}

func TestReadersWhileWriting(t *testing.T) {
	tab, d := newTable(t, 1<<20)
	for a := range uint64(100) {
		if err := tab.Set(a, int(a)); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for id := range 3 {
		wg.Go(func() {
			for !stop.Load() {
				d.Enter(id)
				v := tab.View()
				for a := range uint64(100) {
					if n := v.Lookup(a); n != int(a) {
						t.Errorf("address %d that stays: %d", a, n)
					}
					if n := v.Lookup(1000 + a); n != -1 && n != int(a) {
						t.Errorf("address %d that comes and goes: %d", 1000+a, n)
					}
				}
				d.Leave(id)
			}
		})
	}
	for i := range uint64(200_000) {
		a := 1000 + i*7919%5000
		if i%3 == 0 {
			tab.Delete(a)
		} else if err := tab.Set(a, int(a-1000)); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestNewRefuses(t *testing.T) {
	for _, n := range []int{0, -1, MaxEntries + 1} {
		if _, err := New(n, &rcu.Domain{}); errno.Code(err) != errno.EINVAL {
			t.Errorf("New(%d): %v", n, err)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x01\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		tab, _ := newTable(t, 30)
		m := map[uint64]int{}
		for ; len(ops) >= 3; ops = ops[3:] {
			change(t, tab, m, ops[0], uint64(ops[1])<<40|uint64(ops[1]), int(binary.LittleEndian.Uint16(ops[1:]))%(MaxNumber+1))
		}
		check(t, tab, m)
		checkBatch(t, tab, m)
	})
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tab, _ := newTable(b, 1<<20)
			for a := range uint64(n) {
				if err := tab.Set(a*0x10001, 1); err != nil {
					b.Fatal(err)
				}
			}
			addrs := make([]uint64, 1<<16)
			for i := range addrs {
				addrs[i] = rand.Uint64N(uint64(n)) * 0x10001
			}
			v := tab.View()
			sum, i := 0, 0
			for b.Loop() {
				sum += v.Lookup(addrs[i&0xffff])
				i++
			}
			if sum == 0 {
				b.Fatal("nothing found")
			}
		})
	}
}
