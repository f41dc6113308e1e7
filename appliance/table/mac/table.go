// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package mac

import (
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Limits.
const (
	// MaxEntries is the largest limit of addresses.
	MaxEntries = 1 << 28
	// MaxNumber is the largest number an address can have.
	MaxNumber = 0xfffd
)

const (
	empty      = 0
	deleted    = 0xffff
	numberMask = 0xffff
	firstSlots = 64
	// roomySlots is up to how many slots no more than a quarter is used, so
	// that most addresses are in the first slot looked at.
	roomySlots = 1 << 16
)

// fits reports whether n slots can be in use of slots.
func fits(n, slots int) bool {
	if slots <= roomySlots {
		return n*4 <= slots
	}
	return n*4 <= slots*3
}

// View is what readers see. It is loaded once per batch, between Enter and
// Leave of the table's rcu.Domain, and valid until Leave.
type View struct {
	slots []uint64 // power of two, see fits
	shift uint8    // 64 - log2(len(slots))
	mem   []byte
}

// Table is the writer's side. Its methods, but for View and Len, are not safe
// for concurrent use.
type Table struct {
	view   atomic.Pointer[View]
	live   atomic.Int64
	tombs  int
	limit  int
	domain *rcu.Domain
}

// New returns an empty table of at most limit addresses. Errors: EINVAL for a
// limit out of range, ENOMEM.
func New(limit int, domain *rcu.Domain) (*Table, error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	v, err := newView(firstSlots)
	if err != nil {
		return nil, err
	}
	t := &Table{limit: limit, domain: domain}
	t.view.Store(v)
	return t, nil
}

func newView(slots int) (*View, error) {
	mem, err := sys.Map(slots * 8)
	if err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "table of %d addresses: %v", slots/2, err)
	}
	return &View{slots: words(mem), shift: uint8(64 - bits.Len(uint(slots-1))), mem: mem}, nil
}

// hash spreads an address over the high bits.
func hash(addr uint64) uint64 {
	hi, lo := bits.Mul64(addr^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}

// Lookup returns the number of an address, of which the low 48 bits count, or
// -1.
func (v *View) Lookup(addr uint64) int {
	slots := v.slots
	for pos := hash(addr<<16>>16) >> (v.shift & 63); ; pos++ {
		s := atomic.LoadUint64(&slots[pos&uint64(len(slots)-1)])
		if s == empty {
			return -1
		}
		if (s>>16^addr)<<16 == 0 && s&numberMask != deleted {
			return int(s&numberMask) - 1
		}
	}
}

// LookupBatch writes to numbers[i] the low bits of the number of addrs[i], of
// which the low 48 bits count, or missing, and returns how many are not there.
func (v *View) LookupBatch(addrs []uint64, numbers []uint16, missing uint16) (misses int) {
	slots, shift := v.slots, v.shift&63
	numbers = numbers[:len(addrs)]
	for i, addr := range addrs {
		addr <<= 16
		s := atomic.LoadUint64(&slots[hash(addr>>16)>>shift&uint64(len(slots)-1)])
		// Mostly it is in the first slot: then only a number is left of it that
		// is neither 0 nor that of deleted slots.
		n := (s ^ addr) - 1
		if n >= deleted-1 {
			number := v.Lookup(addr >> 16)
			if n = uint64(number); number < 0 {
				n = uint64(missing)
				misses++
			}
		}
		numbers[i] = uint16(n)
	}
	return misses
}

// View returns the present state for readers.
func (t *Table) View() *View { return t.view.Load() }

// Len returns the number of addresses. Safe for any goroutine.
func (t *Table) Len() int { return int(t.live.Load()) }

// Limit returns the largest number of addresses.
func (t *Table) Limit() int { return t.limit }

// SetLimit changes the largest number of addresses. Errors: EINVAL for a limit
// out of range, ENOSPC if there are more addresses.
func (t *Table) SetLimit(limit int) error {
	if err := checkLimit(limit); err != nil {
		return err
	}
	if n := t.Len(); n > limit {
		return errno.Errorf(errno.ENOSPC, "limit of %d addresses: the table has %d", limit, n)
	}
	t.limit = limit
	return nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > MaxEntries {
		return errno.Errorf(errno.EINVAL, "table of %d addresses: must be 1..%d", limit, MaxEntries)
	}
	return nil
}

// Memory returns the bytes held outside the Go heap.
func (t *Table) Memory() int { return len(t.view.Load().mem) }

// find returns the slot of an address, or the one where it would be put.
func (v *View) find(addr uint64) (pos int, found bool) {
	put := -1
	mask := uint64(len(v.slots) - 1)
	for p := hash(addr) >> v.shift; ; p++ {
		p &= mask
		switch s := v.slots[p]; {
		case s == empty:
			if put < 0 {
				put = int(p)
			}
			return put, false
		case s&numberMask == deleted:
			if put < 0 {
				put = int(p)
			}
		case s>>16 == addr:
			return int(p), true
		}
	}
}

// Set gives an address, of 48 bits, a number, 0..MaxNumber. Errors: ENOSPC if
// the table has its limit of addresses, ENOMEM.
func (t *Table) Set(addr uint64, number int) error {
	v := t.view.Load()
	slot := addr<<16 | uint64(number+1)&numberMask
	pos, found := v.find(addr << 16 >> 16)
	if found {
		atomic.StoreUint64(&v.slots[pos], slot)
		return nil
	}
	if t.Len() >= t.limit {
		return errno.Errorf(errno.ENOSPC, "the table is full: it has %d addresses, its limit", t.limit)
	}
	if !fits(t.Len()+t.tombs+1, len(v.slots)) {
		if err := t.rebuild(); err != nil {
			return err
		}
		v = t.view.Load()
		pos, _ = v.find(addr << 16 >> 16)
	}
	if v.slots[pos] != empty {
		t.tombs--
	}
	atomic.StoreUint64(&v.slots[pos], slot)
	t.live.Add(1)
	return nil
}

// rebuild publishes slots of which half of what fits is in use at most.
func (t *Table) rebuild() error {
	old := t.view.Load()
	slots := firstSlots
	for !fits(2*(t.Len()+1), slots) {
		slots *= 2
	}
	v, err := newView(slots)
	if err != nil {
		return err
	}
	for _, s := range old.slots {
		if s != empty && s&numberMask != deleted {
			pos, _ := v.find(s >> 16)
			v.slots[pos] = s
		}
	}
	t.tombs = 0
	t.view.Store(v)
	t.domain.Retire(func() { sys.Unmap(old.mem) })
	return nil
}

// Delete removes an address and reports whether it was there.
func (t *Table) Delete(addr uint64) bool {
	v := t.view.Load()
	pos, found := v.find(addr << 16 >> 16)
	if !found {
		return false
	}
	atomic.StoreUint64(&v.slots[pos], deleted)
	t.tombs++
	t.live.Add(-1)
	// No probe has to go on before an empty slot.
	mask := len(v.slots) - 1
	if v.slots[(pos+1)&mask] != empty {
		return true
	}
	for ; v.slots[pos] != empty && v.slots[pos]&numberMask == deleted; pos = (pos - 1) & mask {
		atomic.StoreUint64(&v.slots[pos], empty)
		t.tombs--
	}
	return true
}

// Retire has the table's memory freed when no reader can be in it. It is not
// used afterwards.
func (t *Table) Retire() {
	mem := t.view.Load().mem
	t.domain.Retire(func() { sys.Unmap(mem) })
}
