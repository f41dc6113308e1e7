// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package lpm

import (
	"iter"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/table/exact"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Limits of New.
const (
	MaxRoutes = exact.MaxEntries
	MaxGroups = 1 << 24
	// MaxHop is the largest number a route can lead to.
	MaxHop = 0xfffe
)

const (
	firstLen  = 1 << 24
	groupLen  = 256
	isGroup   = 1 << 31
	hopMask   = 0xffff
	lenShift  = 16
	lenMask   = 0x3f
	addrBits  = 32
	firstBits = 24
)

// Table is a routing table. Lookup may be called by any number of readers,
// between Enter and Leave of the table's rcu.Domain; everything else but Len
// belongs to the writer and is not safe for concurrent use.
type Table struct {
	first  *[firstLen]uint32
	groups []uint32
	mem    []byte

	routes *exact.Table // length<<32 | address -> hop
	domain *rcu.Domain
	free   []uint32 // groups used before
	next   int      // groups from here on were never used
	used   []uint16 // by group: how many of its entries come from routes longer than 24
	counts [addrBits + 1]int
}

// New returns an empty table of at most maxRoutes routes, and at most maxGroups
// networks of length 24 with longer routes in them. Errors: EINVAL for figures
// out of range, ENOMEM.
func New(maxRoutes, maxGroups int, domain *rcu.Domain) (*Table, error) {
	if maxGroups < 1 || maxGroups > MaxGroups {
		return nil, errno.Errorf(errno.EINVAL, "%d groups of longer routes: must be 1..%d", maxGroups, MaxGroups)
	}
	routes, err := exact.New(1, 1, maxRoutes, domain)
	if err != nil {
		return nil, err
	}
	mem, err := sys.Map((firstLen + maxGroups*groupLen) * 4)
	if err != nil {
		routes.Retire()
		return nil, errno.Errorf(errno.ENOMEM, "routing table with %d groups of longer routes: %v", maxGroups, err)
	}
	e := entries(mem)
	return &Table{first: (*[firstLen]uint32)(e), groups: e[firstLen:], mem: mem, routes: routes, domain: domain}, nil
}

// Lookup returns the hop of the longest prefix that holds addr, or -1.
func (t *Table) Lookup(addr uint32) int {
	e := atomic.LoadUint32(&t.first[addr>>8])
	if e >= isGroup {
		e = atomic.LoadUint32(&t.groups[uint(e&^isGroup)*groupLen+uint(addr&0xff)])
	}
	return int(e&hopMask) - 1
}

// LookupBatch writes to hops[i] what Lookup returns for addrs[i], but missing
// instead of -1, and returns how often that was.
func (t *Table) LookupBatch(addrs []uint32, hops []uint16, missing uint16) (misses int) {
	first, groups := t.first, t.groups
	hops = hops[:len(addrs)]
	for i, addr := range addrs {
		e := atomic.LoadUint32(&first[addr>>8])
		if e >= isGroup {
			e = atomic.LoadUint32(&groups[uint(e&^isGroup)*groupLen+uint(addr&0xff)])
		}
		hop := uint16(e - 1)
		if e == 0 {
			hop = missing
			misses++
		}
		hops[i] = hop
	}
	return misses
}

// Len returns the number of routes. Safe for any goroutine.
func (t *Table) Len() int { return t.routes.Len() }

// key is a route's key in routes.
func key(addr uint32, length int) []uint64 { return []uint64{uint64(length)<<32 | uint64(addr)} }

func mask(length int) uint32 { return ^uint32(0xffff_ffff >> length) }

func entry(hop, length int) uint32 { return uint32(length)<<lenShift | uint32(hop+1) }

func lengthOf(e uint32) int { return int(e >> lenShift & lenMask) }

// Get returns the hop of exactly this route.
func (t *Table) Get(addr uint32, length int) (hop int, ok bool) {
	v, ok := t.routes.Get(key(addr, length))
	if !ok {
		return 0, false
	}
	return int(v[0]), true
}

// Set adds the route addr/length, of length 1..32 and without bits behind it,
// or gives the one that is there another hop, 0..MaxHop. Errors: ENOSPC if
// there is no room for the route or for its group, ENOMEM.
func (t *Table) Set(addr uint32, length, hop int) error {
	_, known := t.Get(addr, length)
	if length > firstBits {
		if err := t.split(addr); err != nil {
			return err
		}
	}
	if err := t.routes.Set(key(addr, length), []uint64{uint64(hop)}); err != nil {
		t.join(addr)
		return err
	}
	if !known {
		t.counts[length]++
	}
	e := entry(hop, length)
	t.paint(addr, length, func(old uint32) (uint32, bool) { return e, lengthOf(old) <= length })
	return nil
}

// Delete removes a route and reports whether it was there.
func (t *Table) Delete(addr uint32, length int) bool {
	if !t.routes.Delete(key(addr, length)) {
		return false
	}
	t.counts[length]--
	e := t.shorter(addr, length)
	t.paint(addr, length, func(old uint32) (uint32, bool) { return e, lengthOf(old) == length })
	if length > firstBits {
		t.join(addr)
	}
	return true
}

// shorter returns the entry of the longest route around addr/length, 0 for
// none.
func (t *Table) shorter(addr uint32, length int) uint32 {
	for n := length - 1; n > 0; n-- {
		if t.counts[n] == 0 {
			continue
		}
		if hop, ok := t.Get(addr&mask(n), n); ok {
			return entry(hop, n)
		}
	}
	return 0
}

// paint replaces the entries of a prefix for which change says so, also in
// groups.
func (t *Table) paint(addr uint32, length int, change func(old uint32) (uint32, bool)) {
	if length > firstBits {
		e := t.first[addr>>8]
		at := int(e&^isGroup)*groupLen + int(addr&0xff)
		t.repaint(t.groups[at:at+1<<(addrBits-length)], int32(e&^isGroup), change)
		return
	}
	at := int(addr >> 8)
	for i := at; i < at+1<<(firstBits-length); i++ {
		old := t.first[i]
		if old >= isGroup {
			g := int(old&^isGroup) * groupLen
			t.repaint(t.groups[g:g+groupLen], int32(old&^isGroup), change)
		} else if e, ok := change(old); ok {
			atomic.StoreUint32(&t.first[i], e)
		}
	}
}

// repaint is paint for entries of a group.
func (t *Table) repaint(part []uint32, group int32, change func(uint32) (uint32, bool)) {
	for i, old := range part {
		e, ok := change(old)
		if !ok {
			continue
		}
		atomic.StoreUint32(&part[i], e)
		if lengthOf(old) > firstBits {
			t.used[group]--
		}
		if lengthOf(e) > firstBits {
			t.used[group]++
		}
	}
}

// split sees to it that the network of length 24 around addr has a group.
func (t *Table) split(addr uint32) error {
	e := t.first[addr>>8]
	if e >= isGroup {
		return nil
	}
	g, ok := t.alloc()
	if !ok {
		return errno.Errorf(errno.ENOSPC, "no room for another network of length 24 with longer routes in it: there are %d", len(t.groups)/groupLen)
	}
	group := t.groups[int(g)*groupLen : int(g+1)*groupLen]
	for i := range group {
		atomic.StoreUint32(&group[i], e)
	}
	t.used[g] = 0
	atomic.StoreUint32(&t.first[addr>>8], isGroup|g)
	return nil
}

// alloc returns a group that no reader can be in.
func (t *Table) alloc() (uint32, bool) {
	if len(t.free) == 0 && t.next == len(t.groups)/groupLen {
		t.domain.Flush()
	}
	if n := len(t.free); n > 0 {
		g := t.free[n-1]
		t.free = t.free[:n-1]
		return g, true
	}
	if t.next == len(t.groups)/groupLen {
		return 0, false
	}
	t.next++
	t.used = append(t.used, 0)
	return uint32(t.next - 1), true
}

// join gives up the group around addr if nothing in it is longer than 24.
func (t *Table) join(addr uint32) {
	e := t.first[addr>>8]
	if e < isGroup || t.used[e&^isGroup] != 0 {
		return
	}
	g := e &^ isGroup
	atomic.StoreUint32(&t.first[addr>>8], t.groups[int(g)*groupLen])
	t.domain.Retire(func() { t.free = append(t.free, g) })
}

// Route is where a prefix leads.
type Route struct{ Len, Hop int }

// All returns every route with its address, in no particular order.
func (t *Table) All() iter.Seq2[uint32, Route] {
	return func(yield func(uint32, Route) bool) {
		for k, v := range t.routes.All() {
			if !yield(uint32(k[0]), Route{Len: int(k[0] >> 32), Hop: int(v[0])}) {
				return
			}
		}
	}
}

// Groups returns how many networks of length 24 have longer routes in them.
func (t *Table) Groups() int {
	n := 0
	for _, u := range t.used {
		if u > 0 {
			n++
		}
	}
	return n
}

// Retire has the table's memory freed when no reader can be in it. It is not
// used afterwards.
func (t *Table) Retire() {
	t.routes.Retire()
	mem := t.mem
	t.domain.Retire(func() { sys.Unmap(mem) })
}
