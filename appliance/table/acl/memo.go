// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acltable

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// MemoSlotSize is the number of bytes per slot of the memory NewMemoIn wants.
const MemoSlotSize = 16

// maxMemoSlots bounds a memo at 1 GiB.
const maxMemoSlots = 1 << 26

const (
	// memoSkip is the longest list for which scanning beats remembering.
	memoSkip = 4
	// A memo judges itself after memoWindow lookups per slot and, if it does
	// not pay, is left alone for memoRest such windows. Before the first
	// judgement it has half a window to learn.
	memoWindow = 4
	memoRest   = 63
)

// Memo remembers what a table answered for the flows seen last, so that a
// known flow costs one load instead of five to ten. Every remembered key is
// compared whole, so a collision costs time, never a wrong answer. With more
// flows than slots a memo does not pay; it notices, and asks the table
// directly for most of the time. 1<<14 slots suit a worker: 256 kB, which stay
// in the second-level cache, for up to about 8,000 flows at once.
//
// A Memo belongs to one worker. It may be asked about another table at any
// time and then forgets the old one's answers.
type Memo struct {
	slots []memoSlot
	shift uint8
	table *Table
	gen   uint64   // 1..memoGens-1, stamped on what was learned from table
	off   bool     // the table is too short to be worth remembering
	seen  int      // lookups in this window; negative while learning
	hits  int      // of those, found
	rest  int      // lookups left to do without the memo
	_     [48]byte // up to whole cache lines: neighbours belong to other workers
}

// memoSlot is one remembered answer; rest is Key.Ports, generation and index
// of the rule plus one:
//
//	| ports 33 bits | generation 11 bits | rule + 1, 20 bits |
//
// Generation 0 is never current, so zeroed memory remembers nothing.
type memoSlot struct {
	addrs, rest uint64
}

const (
	ruleBits = 20
	ruleMask = 1<<ruleBits - 1 // MaxRules fits, with 1 added
	genBits  = 11
	memoGens = 1 << genBits
)

// NewMemo returns a memo of at least slots slots on the Go heap, which the
// garbage collector does not look into. The number is rounded up to a power of
// two.
func NewMemo(slots int) (*Memo, error) {
	if slots < 1 || slots > maxMemoSlots {
		return nil, errno.Errorf(errno.EINVAL, "memo of %d slots: must be 1..%d", slots, maxMemoSlots)
	}
	return newMemo(make([]memoSlot, 1<<bits.Len(uint(slots-1)))), nil
}

// NewMemoIn returns a memo in zeroed memory of the caller, usually outside
// the Go heap, which must stay there as long as the memo is in use. mem must
// start at a multiple of 8 and have MemoSlotSize times a power of two bytes.
func NewMemoIn(mem []byte) (*Memo, error) {
	n := len(mem) / MemoSlotSize
	if len(mem)%MemoSlotSize != 0 || n < 1 || n > maxMemoSlots || n&(n-1) != 0 {
		return nil, errno.Errorf(errno.EINVAL, "memo in %d bytes: must be %d times a power of two", len(mem), MemoSlotSize)
	}
	slots, ok := slotsIn(mem)
	if !ok {
		return nil, errno.Errorf(errno.EINVAL, "memo in %d bytes: memory must start at a multiple of 8", len(mem))
	}
	return newMemo(slots), nil
}

func newMemo(slots []memoSlot) *Memo {
	return &Memo{slots: slots, shift: uint8(64 - bits.Len(uint(len(slots)-1)))}
}

// Slots returns the number of slots.
func (m *Memo) Slots() int { return len(m.slots) }

// Lookup is t.LookupKey with the memo in front.
func (m *Memo) Lookup(t *Table, k Key) int32 {
	keys, out := [1]Key{k}, [1]int32{}
	m.LookupBatch(t, keys[:], out[:])
	return out[0]
}

// LookupBatch is t.LookupBatch with the memo in front; out must be as long as
// keys.
func (m *Memo) LookupBatch(t *Table, keys []Key, out []int32) {
	if t != m.table {
		m.turnTo(t)
	}
	if m.off || m.rest > 0 {
		m.rest -= len(keys)
		t.LookupBatch(keys, out)
		return
	}
	learning := m.seen < 0
	m.hits += m.recall(keys, out[:len(keys)])
	if m.seen += len(keys); learning {
		m.hits = 0
	}
	if window := memoWindow * len(m.slots); m.seen >= window {
		m.judge(window)
	}
}

// judge ends a window. A memo pays if it knows three flows of four: a miss
// costs half as much again as asking the table at once.
func (m *Memo) judge(window int) {
	if m.hits < m.seen/4*3 {
		m.rest = memoRest * window
		m.learn()
		return
	}
	m.seen, m.hits = 0, 0
}

// learn begins a window with time to learn.
func (m *Memo) learn() { m.seen, m.hits = -memoWindow/2*len(m.slots), 0 }

// recall answers from the slots where it can and returns how often.
func (m *Memo) recall(keys []Key, out []int32) (hits int) {
	gen := m.gen << ruleBits
	slots := m.slots
	for i, k := range keys {
		s := &slots[(k.Addrs*0x9e3779b97f4a7c15+k.Ports*0xd6e8feb86659fd93)>>m.shift]
		want := k.Ports<<(genBits+ruleBits) | gen
		if s.addrs == k.Addrs && (s.rest^want)>>ruleBits == 0 {
			out[i] = int32(s.rest&ruleMask) - 1
			hits++
			continue
		}
		r := m.table.LookupKey(k)
		s.addrs, s.rest = k.Addrs, want|uint64(r+1)
		out[i] = r
	}
	return hits
}

// turnTo makes t the table whose answers are remembered. Those of the table
// before carry another generation and are never found again; only when all
// generations are used up must the slots be cleared.
func (m *Memo) turnTo(t *Table) {
	m.table = t
	m.off = t.linear != nil && t.rules <= memoSkip
	m.rest = 0
	m.learn()
	if m.gen++; m.gen == memoGens {
		clear(m.slots)
		m.gen = 1
	}
}
