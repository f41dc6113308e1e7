// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package lpm

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

func newTable(t testing.TB, routes, groups int) (*Table, *rcu.Domain) {
	t.Helper()
	d := &rcu.Domain{}
	tab, err := New(routes, groups, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tab.Retire(); d.Close() })
	return tab, d
}

type route struct {
	addr   uint32
	length int
}

// model is the table as a list.
type model map[route]int

func (m model) lookup(addr uint32) int {
	best, hop := 0, -1
	for r, h := range m {
		if r.length > best && addr&mask(r.length) == r.addr {
			best, hop = r.length, h
		}
	}
	return hop
}

func check(t *testing.T, tab *Table, m model, rng *rand.Rand) {
	t.Helper()
	if tab.Len() != len(m) {
		t.Fatalf("%d routes, want %d", tab.Len(), len(m))
	}
	var addrs []uint32
	for r := range m {
		addrs = append(addrs, r.addr, r.addr|^mask(r.length), r.addr-1, r.addr|^mask(r.length)+1, r.addr|rng.Uint32()&^mask(r.length))
	}
	addrs = append(addrs, 0, 1<<32-1, rng.Uint32())
	hops := make([]uint16, len(addrs))
	misses := tab.LookupBatch(addrs, hops, MaxHop+1)
	for i, a := range addrs {
		want := m.lookup(a)
		if got := tab.Lookup(a); got != want {
			t.Fatalf("%08x leads to %d, want %d", a, got, want)
		}
		if want < 0 {
			want = MaxHop + 1
			misses--
		}
		if int(hops[i]) != want {
			t.Fatalf("%08x leads to %d in a batch, want %d", a, hops[i], want)
		}
	}
	if misses != 0 {
		t.Fatalf("%d more addresses without route reported than there are", misses)
	}
}

// change does one thing to a table and to the model.
func change(t *testing.T, tab *Table, m model, del bool, r route, hop int) {
	t.Helper()
	r.addr &= mask(r.length)
	_, known := m[r]
	if del {
		if tab.Delete(r.addr, r.length) != known {
			t.Fatalf("Delete(%08x/%d) reports %v", r.addr, r.length, !known)
		}
		delete(m, r)
		return
	}
	if err := tab.Set(r.addr, r.length, hop); err == nil {
		m[r] = hop
	} else if errno.Code(err) != errno.ENOSPC {
		t.Fatal(err)
	}
	if got, ok := tab.Get(r.addr, r.length); ok != (m[r] == got && ok) {
		t.Fatalf("Get(%08x/%d) = %d %v", r.addr, r.length, got, ok)
	}
}

// Routes that nest deeply, in few networks.
func TestAgreesWithModel(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 4))
		tab, d := newTable(t, 400, 20)
		m := model{}
		for step := range 1500 {
			switch step % 40 {
			case 0:
				d.Enter(2)
			case 20:
				d.Leave(2)
			}
			r := route{10<<24 | uint32(rng.IntN(3))<<16 | uint32(rng.IntN(8))<<8 | uint32(rng.IntN(256)), 12 + rng.IntN(21)}
			if rng.IntN(20) == 0 {
				r = route{rng.Uint32(), 10 + rng.IntN(23)}
			}
			change(t, tab, m, rng.IntN(5) < 2, r, rng.IntN(MaxHop+1))
			if step%250 == 249 {
				check(t, tab, m, rng)
			}
		}
		d.Leave(2)
		for r := range m {
			change(t, tab, m, true, r, 0)
		}
		check(t, tab, m, rng)
		if n := tab.Groups(); n != 0 {
			t.Errorf("%d groups are left", n)
		}
	}
}

// Very short prefixes, in the whole of the address space.
func TestShortPrefixes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	tab, _ := newTable(t, 100, 4)
	m := model{}
	change(t, tab, m, false, route{0, 1}, 1)
	change(t, tab, m, false, route{1 << 31, 1}, 2)
	change(t, tab, m, false, route{1<<31 | 5, 32}, 3)
	change(t, tab, m, false, route{0, 3}, 4)
	check(t, tab, m, rng)
	change(t, tab, m, true, route{1 << 31, 1}, 0)
	check(t, tab, m, rng)
}

// Groups that are given up are used again, and the limit is an error that
// changes nothing.
func TestGroupsAreBounded(t *testing.T) {
	tab, _ := newTable(t, 1000, 3)
	m := model{}
	for round := range uint32(50) {
		for g := range uint32(3) {
			change(t, tab, m, false, route{round<<16 | g<<8 | 1, 32}, 5)
		}
		err := tab.Set(round<<16|200<<8|1, 32, 5)
		if errno.Code(err) != errno.ENOSPC || tab.Len() != 3 {
			t.Fatalf("fourth group: %v, %d routes", err, tab.Len())
		}
		for g := range uint32(3) {
			change(t, tab, m, true, route{round<<16 | g<<8 | 1, 32}, 0)
		}
	}
}

// A route too many gives back the group that was made for it.
func TestRoutesAreBounded(t *testing.T) {
	tab, _ := newTable(t, 2, 3)
	for i := range uint32(2) {
		if err := tab.Set(i<<24, 8, 1); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint32(20) {
		if err := tab.Set(i<<8|1<<31, 30, 1); errno.Code(err) != errno.ENOSPC {
			t.Fatalf("third route: %v", err)
		}
		if got := tab.Lookup(i<<8 | 1<<31); got != -1 {
			t.Fatalf("it is there: %d", got)
		}
	}
	if err := tab.Set(1<<24, 8, 7); err != nil || tab.Lookup(1<<24|5) != 7 {
		t.Errorf("another hop for a known route: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range [][2]int{{0, 1}, {1, 0}, {MaxRoutes + 1, 1}, {1, MaxGroups + 1}} {
		if _, err := New(c[0], c[1], &rcu.Domain{}); errno.Code(err) != errno.EINVAL {
			t.Errorf("New%v: %v", c, err)
		}
	}
}

// Routes that stay are found while others come and go around and within them.
func TestReadersWhileWriting(t *testing.T) {
	tab, d := newTable(t, 10_000, 8)
	for i := range uint32(8) {
		if err := tab.Set(10<<24|i<<8|7, 32, int(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Set(10<<24, 8, 99); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(8) { // the groups come and go, too
		tab.Delete(10<<24|i<<8|7, 32)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for id := range 3 {
		wg.Go(func() {
			for !stop.Load() {
				d.Enter(id)
				for i := range uint32(8) {
					if got := tab.Lookup(10<<24 | i<<8 | 9); got != 99 && got != 1000 {
						t.Errorf("within 10/8: %d", got)
					}
					if got := tab.Lookup(10<<24 | i<<8 | 7); got != 99 && got != int(i) && got != 1000 {
						t.Errorf("host %d: %d", i, got)
					}
				}
				d.Leave(id)
			}
		})
	}
	for n := range uint32(2_000) {
		i := n % 8
		switch n / 8 % 4 {
		case 0:
			_ = tab.Set(10<<24|i<<8|7, 32, int(i)) // ENOSPC while readers are in the groups given up
		case 1:
			_ = tab.Set(10<<24, 16, 1000)
		case 2:
			tab.Delete(10<<24|i<<8|7, 32)
		case 3:
			tab.Delete(10<<24, 16)
		}
	}
	stop.Store(true)
	wg.Wait()
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("\x01\x0a\x00\x00\x01\x20\x00\x0a\x00\x00\x01\x20"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		tab, _ := newTable(t, 20, 3)
		m := model{}
		for ; len(ops) >= 6; ops = ops[6:] {
			r := route{uint32(ops[1])<<24 | uint32(ops[2]&3)<<16 | uint32(ops[3]&3)<<8 | uint32(ops[4]), 8 + int(ops[5])%25}
			change(t, tab, m, ops[0]%3 == 0, r, int(ops[0]))
		}
		check(t, tab, m, rand.New(rand.NewPCG(1, 1)))
	})
}

// routes returns n routes as they are in the internet: mostly of length 24.
func routes(n int) []route {
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	list := make([]route, n)
	for i := range list {
		length := 24
		switch rng.IntN(10) {
		case 0, 1, 2:
			length = 19 + rng.IntN(5)
		case 3:
			length = 16
		case 4:
			if i%16 == 0 {
				length = 25 + rng.IntN(8)
			}
		}
		list[i] = route{rng.Uint32() & mask(length), length}
	}
	return list
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		tab, _ := newTable(b, MaxRoutes, 1<<16)
		list := routes(n)
		for i, r := range list {
			if err := tab.Set(r.addr, r.length, i&0xff); err != nil {
				b.Fatal(err)
			}
		}
		random, known := make([]uint32, 1<<16), make([]uint32, 1<<16)
		for i := range random {
			random[i] = rand.Uint32()
			known[i] = list[rand.IntN(n)].addr | uint32(i&0xff)
		}
		for name, addrs := range map[string][]uint32{"random": random, "known": known} {
			b.Run(fmt.Sprintf("routes=%d/%s", n, name), func(b *testing.B) {
				var hops [64]uint16
				at := 0
				b.ReportAllocs()
				for b.Loop() {
					tab.LookupBatch(addrs[at:at+64], hops[:], 0)
					at = (at + 64) & 0xffff
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/addr")
			})
		}
	}
}

func BenchmarkSet(b *testing.B) {
	list := routes(100_000)
	for b.Loop() {
		tab, _ := newTable(b, MaxRoutes, 1<<16)
		for _, r := range list {
			if err := tab.Set(r.addr, r.length, 1); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(list)), "ns/route")
}
