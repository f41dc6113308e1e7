// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package arpresponder

import (
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/header"
)

// table maps IPv4 addresses to MAC addresses: open addressing, at most half of
// the slots used. One goroutine may set entries while workers get them;
// entries never go, so a slot that has an address keeps it.
type table struct {
	used  int // of the writer
	slots []slot
}

// slot is an entry. The MAC address is stored before the key that lets readers
// find it.
type slot struct {
	key atomic.Uint64 // address and usedBit, 0 for a free slot
	mac atomic.Uint64
}

const (
	usedBit  = 1 << 32
	minSlots = 16
)

// newTable returns an empty table; n is a power of two.
func newTable(n int) *table { return &table{slots: make([]slot, n)} }

// find returns the slot of an address, or the free one where it belongs.
func (t *table) find(ip uint32) *slot {
	mask := uint32(len(t.slots) - 1)
	for i := header.CRC32CUint32(0, ip); ; i++ {
		s := &t.slots[i&mask]
		if k := s.key.Load(); k == 0 || uint32(k) == ip {
			return s
		}
	}
}

// get returns the MAC address of an IPv4 address.
func (t *table) get(ip uint32) (header.MAC, bool) {
	s := t.find(ip)
	if s.key.Load() == 0 {
		return header.MAC{}, false
	}
	return header.MACFromUint64(s.mac.Load()), true
}

// set gives an address a MAC address and returns the table to be used from now
// on: a larger one if this one is full.
func (t *table) set(ip uint32, mac header.MAC) *table {
	s := t.find(ip)
	if s.key.Load() == 0 {
		if 2*(t.used+1) > len(t.slots) {
			t = t.grown()
			s = t.find(ip)
		}
		t.used++
	}
	s.mac.Store(mac.Uint64())
	s.key.Store(usedBit | uint64(ip))
	return t
}

// grown returns a copy with twice the slots.
func (t *table) grown() *table {
	n := newTable(2 * len(t.slots))
	n.used = t.used
	for i := range t.slots {
		if k := t.slots[i].key.Load(); k != 0 {
			s := n.find(uint32(k))
			s.mac.Store(t.slots[i].mac.Load())
			s.key.Store(k)
		}
	}
	return n
}
