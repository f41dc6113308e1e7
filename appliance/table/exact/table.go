// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package exact

import (
	"iter"
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Limits of New.
const (
	// MaxEntries is the largest limit of rules.
	MaxEntries = 1 << 28
	// MaxWords is the largest number of words of a key.
	MaxWords = 8
)

const (
	// firstCells is how many cells a new table has.
	firstCells = 16
	// roomyCells is up to how many cells a table has four slots for each
	// instead of two, fewCells for how many it has eight: a key that is not
	// there then mostly meets an empty slot at once, and the slots still fit
	// into the caches.
	roomyCells = 1 << 14
	fewCells   = 1 << 11
)

// Table is the writer's side. Its methods, but for View and Len, are not safe
// for concurrent use.
type Table struct {
	view     atomic.Pointer[View]
	live     atomic.Int64
	keyWords int
	stride   int
	limit    int
	domain   *rcu.Domain

	room  int      // cells of the view
	next  int      // cells from here on were never used
	free  []uint32 // cells before next that can be used
	tombs int      // deleted slots
	gen   int      // of the cells' numbers: changed by Clear
}

// New returns an empty table of at most limit rules with keys of keyWords
// words, 1..MaxWords, and values of valueWords words. Readers enter and leave
// domain. Errors: EINVAL for figures out of range, ENOMEM.
func New(keyWords, valueWords, limit int, domain *rcu.Domain) (*Table, error) {
	if keyWords < 1 || keyWords > MaxWords || valueWords < 0 {
		return nil, errno.Errorf(errno.EINVAL, "table with keys of %d and values of %d words: keys have 1..%d", keyWords, valueWords, MaxWords)
	}
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	t := &Table{keyWords: keyWords, stride: keyWords + valueWords, limit: limit, domain: domain, room: firstCells}
	v, err := t.newView(firstCells)
	if err != nil {
		return nil, err
	}
	t.view.Store(v)
	return t, nil
}

// newView returns an empty view of room cells, a power of two.
func (t *Table) newView(room int) (*View, error) {
	slots := 2 * room
	if room <= roomyCells {
		slots *= 2
	}
	if room <= fewCells {
		slots *= 2
	}
	mem, err := sys.Map((slots + room*t.stride) * 8)
	if err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "table of %d rules: %v", room, err)
	}
	w := words(mem)
	return &View{slots: w[:slots:slots], cells: w[slots:], shift: uint8(64 - bits.Len(uint(slots-1))),
		keyWords: t.keyWords, stride: t.stride, size: t.stride * 8, mem: mem}, nil
}

// View returns the present state for readers.
func (t *Table) View() *View { return t.view.Load() }

// Len returns the number of rules. Safe for any goroutine.
func (t *Table) Len() int { return int(t.live.Load()) }

// Limit returns the largest number of rules.
func (t *Table) Limit() int { return t.limit }

// SetLimit changes the largest number of rules. Errors: EINVAL for a limit out
// of range, ENOSPC if there are more rules.
func (t *Table) SetLimit(limit int) error {
	if err := checkLimit(limit); err != nil {
		return err
	}
	if n := t.Len(); n > limit {
		return errno.Errorf(errno.ENOSPC, "limit of %d rules: the table has %d", limit, n)
	}
	t.limit = limit
	return nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > MaxEntries {
		return errno.Errorf(errno.EINVAL, "table of %d rules: must be 1..%d", limit, MaxEntries)
	}
	return nil
}

// Memory returns the bytes held outside the Go heap.
func (t *Table) Memory() int { return len(t.view.Load().mem) }

// Get returns the value of a key; the slice is valid until the next change.
func (t *Table) Get(key []uint64) ([]uint64, bool) {
	v := t.view.Load()
	c := v.Lookup(key)
	if c < 0 {
		return nil, false
	}
	return v.Value(c), true
}

// Set adds a rule or replaces the value of the one with this key. Errors:
// ENOSPC if the table has its limit of rules, ENOMEM, EAGAIN if so many rules
// were replaced within one batch of a reader that none can be kept for it.
func (t *Table) Set(key, value []uint64) error {
	v := t.view.Load()
	h := Hash(key)
	pos, found := v.find(key, h)
	if !found && int(t.live.Load()) >= t.limit {
		return errno.Errorf(errno.ENOSPC, "the table is full: it has %d rules, its limit", t.limit)
	}
	cell, err := t.alloc(found)
	if err != nil {
		return err
	}
	if now := t.view.Load(); now != v {
		v = now
		pos, found = v.find(key, h)
	}
	at := int(cell) * t.stride
	n := copy(v.cells[at:at+t.keyWords], key)
	clear(v.cells[at+n : at+t.stride])
	copy(v.cells[at+n:at+t.stride], value)
	old := v.slots[pos]
	atomic.StoreUint64(&v.slots[pos], h<<32|uint64(cell+firstID))
	if found {
		t.retireCell(uint32(old) - firstID)
		return nil
	}
	if old == deleted {
		t.tombs--
	}
	t.live.Add(1)
	return nil
}

// find returns the slot of a key, or the one where it would be put.
func (v *View) find(key []uint64, h uint64) (pos int, found bool) {
	put := -1
	mask := uint64(len(v.slots) - 1)
	for home, k := h>>v.shift, uint64(0); ; k++ {
		p := probe(home, k) & mask
		switch s := v.slots[p]; {
		case s == empty:
			if put < 0 {
				put = int(p)
			}
			return put, false
		case s == deleted:
			if put < 0 {
				put = int(p)
			}
		case uint32(s>>32) == uint32(h) && equal(v.cells[int(uint32(s)-firstID)*v.stride:], key):
			return int(p), true
		}
	}
}

// alloc returns a cell to be written, and sees to it that there is an empty
// slot for a new key. The view may be another one afterwards.
func (t *Table) alloc(replace bool) (uint32, error) {
	v := t.view.Load()
	if !replace && (int(t.live.Load())+t.tombs+1)*4 > len(v.slots)*3 {
		if err := t.rebuild(t.room); err != nil {
			return 0, err
		}
	}
	if len(t.free) == 0 && t.next == t.room {
		t.domain.Poll()
	}
	if n := len(t.free); n > 0 {
		c := t.free[n-1]
		t.free = t.free[:n-1]
		return c, nil
	}
	if t.next == t.room && t.room < 2*t.limit+firstCells {
		if err := t.rebuild(2 * t.room); err != nil {
			return 0, err
		}
	}
	if t.next == t.room {
		if t.domain.Flush(); len(t.free) > 0 {
			return t.alloc(replace)
		}
		return 0, errno.Errorf(errno.EAGAIN, "all %d replaced rules are still in use by a worker: try again", t.room)
	}
	t.next++
	return uint32(t.next - 1), nil
}

// rebuild publishes a view with room for as many cells; cells keep their
// numbers, deleted slots vanish.
func (t *Table) rebuild(room int) error {
	old := t.view.Load()
	v, err := t.newView(room)
	if err != nil {
		return err
	}
	copy(v.cells, old.cells[:t.next*t.stride])
	mask := uint64(len(v.slots) - 1)
	for _, s := range old.slots {
		if s <= deleted {
			continue
		}
		at := int(uint32(s)-firstID) * t.stride
		home, k := Hash(old.cells[at:at+t.keyWords])>>v.shift, uint64(0)
		for v.slots[probe(home, k)&mask] != empty {
			k++
		}
		v.slots[probe(home, k)&mask] = s
	}
	t.room, t.tombs = room, 0
	t.publish(v)
	return nil
}

// publish makes v the readers' view and has the old one freed.
func (t *Table) publish(v *View) {
	old := t.view.Swap(v)
	t.domain.Retire(func() { sys.Unmap(old.mem) })
}

func (t *Table) retireCell(cell uint32) {
	gen := t.gen
	t.domain.Retire(func() {
		if t.gen == gen {
			t.free = append(t.free, cell)
		}
	})
}

// Delete removes a rule and reports whether there was one.
func (t *Table) Delete(key []uint64) bool {
	v := t.view.Load()
	pos, found := v.find(key, Hash(key))
	if !found {
		return false
	}
	cell := uint32(v.slots[pos]) - firstID
	atomic.StoreUint64(&v.slots[pos], deleted)
	t.tombs++
	t.live.Add(-1)
	t.sweep(v, pos)
	t.retireCell(cell)
	return true
}

// sweep turns deleted slots in front of an empty one, in their line, into empty
// ones: no probe has to go on there. So a line from which a key was put into
// the next one has no empty slot.
func (t *Table) sweep(v *View, pos int) {
	slots := v.slots[pos&^(line-1):][:line]
	if pos &= line - 1; slots[(pos+1)&(line-1)] != empty {
		return
	}
	for slots[pos] == deleted {
		atomic.StoreUint64(&slots[pos], empty)
		t.tombs--
		pos = (pos - 1) & (line - 1)
	}
}

// Clear removes all rules and gives memory back. Error: ENOMEM.
func (t *Table) Clear() error {
	v, err := t.newView(firstCells)
	if err != nil {
		return err
	}
	t.gen++
	t.room, t.next, t.free, t.tombs = firstCells, 0, nil, 0
	t.live.Store(0)
	t.publish(v)
	return nil
}

// All returns every rule, in no particular order. The slices are valid until
// the next change.
func (t *Table) All() iter.Seq2[[]uint64, []uint64] {
	return func(yield func(key, value []uint64) bool) {
		v := t.view.Load()
		for _, s := range v.slots {
			if s > deleted {
				c := int32(uint32(s) - firstID)
				if !yield(v.Key(c), v.Value(c)) {
					return
				}
			}
		}
	}
}

// Retire has the table's memory freed when no reader can be in it. It is not
// used afterwards.
func (t *Table) Retire() {
	t.gen++
	mem := t.view.Load().mem
	t.domain.Retire(func() { sys.Unmap(mem) })
}
