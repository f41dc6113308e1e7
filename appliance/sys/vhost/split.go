// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"sync/atomic"
)

// split is a split ring (Virtio 1.1, section 2.6), for both sides:
//
//	desc   num * { address 64, length 32, flags 16, next 16 }
//	avail  flags 16, index 16, num * { head 16 }, used event 16       written by the driver
//	used   flags 16, index 16, num * { head 32, length 32 }, avail event 16    by the device
//
// An index counts on and on; its place in the ring is the rest of the division
// by num, which is a power of two. The event of a side's ring says at which
// index of the other ring it wants to be woken.
type split struct {
	desc, avail, used []byte
	num               uint16
	events            bool // the event fields are in use, instead of the flags
}

// Flags of descriptors, and of the rings: do not wake me.
const (
	descNext     = 1
	descWrite    = 2
	descIndirect = 4
	noWake       = 1

	descSize = 16
	usedSize = 8
	// maxRing is the largest ring, in descriptors.
	maxRing = 32768
)

// sizes returns the bytes of the three parts.
func sizes(num int) (desc, avail, used int) { return num * descSize, 6 + 2*num, 6 + usedSize*num }

// desc is a descriptor, copied out of the ring.
type desc struct {
	addr        uint64
	len         uint32
	flags, next uint16
}

// descAt returns descriptor i of a table.
func descAt(table []byte, i uint32) desc {
	// Everything is decided by this copy; the other side may change the ring.
	var b [descSize]byte
	at := int(i) * descSize
	copy(b[:], table[at:at+descSize])
	n := binary.LittleEndian
	return desc{n.Uint64(b[:]), n.Uint32(b[8:]), n.Uint16(b[12:]), n.Uint16(b[14:])}
}

// putDesc writes descriptor i.
func (s *split) putDesc(i uint16, d desc) {
	b, n := s.desc[int(i)*descSize:], binary.LittleEndian
	n.PutUint64(b, d.addr)
	n.PutUint32(b[8:], d.len)
	n.PutUint16(b[12:], d.flags)
	n.PutUint16(b[14:], d.next)
}

func (s *split) mask() uint16 { return s.num - 1 }

// availIndex and usedIndex are where the next entries will be put.
func (s *split) availIndex() uint16 { return load16(s.avail, 2) }
func (s *split) usedIndex() uint16  { return load16(s.used, 2) }

// availAt returns the chain at an index of the available ring.
func (s *split) availAt(i uint16) uint16 {
	return binary.LittleEndian.Uint16(s.avail[4+2*int(i&s.mask()):])
}

func (s *split) putAvail(i, head uint16) {
	binary.LittleEndian.PutUint16(s.avail[4+2*int(i&s.mask()):], head)
}

// usedAt returns the chain at an index of the used ring, and the bytes that
// were written to it.
func (s *split) usedAt(i uint16) (head, n uint32) {
	b := s.used[4+usedSize*int(i&s.mask()):]
	return binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
}

func (s *split) putUsed(i, head uint16, n uint32) {
	b := s.used[4+usedSize*int(i&s.mask()):]
	binary.LittleEndian.PutUint32(b, uint32(head))
	binary.LittleEndian.PutUint32(b[4:], n)
}

// publish hands over everything put into our ring before index i. quiet asks
// the other side not to wake us, where flags say so.
func publish(ring []byte, i uint16, quiet bool) {
	v := uint32(i) << 16
	if quiet {
		v |= noWake
	}
	w, shift := word(ring, 0)
	if shift == 0 {
		atomic.StoreUint32(w, v)
		return
	}
	store16(ring, 0, uint16(v)) // an available ring at an odd multiple of two
	store16(ring, 2, i)
}

// usedEvent and availEvent are the event fields.
func (s *split) usedEvent() (b []byte, off int)  { return s.avail, 4 + 2*int(s.num) }
func (s *split) availEvent() (b []byte, off int) { return s.used, 4 + usedSize*int(s.num) }

// deviceWakes reports whether the driver wants to be woken for the used
// entries from index before to now.
func (s *split) deviceWakes(before, now uint16) bool {
	if s.events {
		return passed(load16(s.usedEvent()), before, now)
	}
	return load16(s.avail, 0)&noWake == 0
}

// driverWakes reports whether the device wants to be woken for the available
// entries from index before to now.
func (s *split) driverWakes(before, now uint16) bool {
	if s.events {
		return passed(load16(s.availEvent()), before, now)
	}
	return load16(s.used, 0)&noWake == 0
}
