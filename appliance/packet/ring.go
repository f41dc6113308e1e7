// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"math"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Ring is a bounded FIFO for any number of producers and one consumer.
// Nobody ever waits for anybody.
//
//	          head                          tail
//	           v                             v
//	slots  . . P P P P P P P P P P P _ _ _ _ . . . .
//	runs       |4| | | |3| | |4| | | |
//	           published             reserved, not yet published
//
// Positions count the packets that ever entered; a position modulo the size is
// an index. A producer reserves a run of slots by moving tail, fills them and
// then publishes the run as a whole: the entry of runs at its first slot
// becomes its position and length. That takes two atomic operations however
// many packets there are. The consumer takes published runs in order and gives
// slots back by moving head. A run of an earlier lap has another position and
// cannot be mistaken for a new one.
//
// A queue changes its size by putting a new ring before the old one: producers
// turn to the new ring, the old one is closed, and the consumer empties it
// first. So a resize neither stops anybody nor mixes up the order.
type Ring struct {
	slots []Packet
	runs  []atomic.Uint64 // position << runBits | length
	mask  uint64
	room  uint64 // packets that fit

	// Prev is the ring to be emptied before this one.
	Prev atomic.Pointer[Ring]
	// cut is where those packets begin that a resize left no room for.
	cut atomic.Uint64
	// Before counts the packets that entered earlier rings; control side.
	Before uint64

	_    [64]byte
	tail atomic.Uint64 // moved by producers
	seen atomic.Uint64 // where head was when a producer looked last
	_    [64]byte
	head sys.Cursor // moved by the consumer
	end  uint64     // consumer: end of the published run that head is in
	_    [64]byte
}

const (
	// runBits hold the length of a run, 1..BatchSize.
	runBits = 7
	runMask = 1<<runBits - 1
	// closed is set in tail when no more packets may enter.
	closed = 1 << 63
)

// NewRing returns an empty ring of size slots, a power of two. One slot always
// stays free, as it did in BESS.
func NewRing(size int) *Ring {
	r := &Ring{slots: make([]Packet, size), runs: make([]atomic.Uint64, size),
		mask: uint64(size - 1), room: uint64(size - 1)}
	r.cut.Store(math.MaxUint64)
	return r
}

// Put appends as many of ps as fit and returns their number, or -1 if the ring
// has been closed. used is the fill level, these packets included; up to half of
// the room it may be too high.
func (r *Ring) Put(ps []Packet) (n int, used uint64) {
	var from uint64
	for {
		from = r.tail.Load()
		if from&closed != 0 {
			return -1, 0
		}
		// If from is out of date, head may have passed it and used be
		// nonsense; the swap fails then.
		used = from - r.seen.Load()
		if used > r.room/2 || used+uint64(len(ps)) > r.room {
			head := r.head.Load()
			r.seen.Store(head)
			used = from - head
		}
		if p := r.Prev.Load(); p != nil {
			used += p.Used()
		}
		if int64(used) >= int64(r.room) {
			return 0, used
		}
		n = min(len(ps), int(r.room-used))
		if r.tail.CompareAndSwap(from, from+uint64(n)) {
			break
		}
	}
	i := from & r.mask
	k := copy(r.slots[i:], ps[:n])
	copy(r.slots, ps[k:n])
	if next := int(i) + n; next+BatchSize < len(r.slots) {
		ownAhead(&r.slots[next], &r.runs[next])
	}
	r.runs[i].Store(from<<runBits | uint64(n))
	return n, used + uint64(n)
}

// Take moves up to len(dst) packets to dst, oldest first, and returns their
// number; cut of them, at the end, are to be freed. Consumer only.
func (r *Ring) Take(dst []Packet) (n, cut int) {
	head := r.head.Load()
	for n < len(dst) {
		if head == r.end {
			run := r.runs[head&r.mask].Load()
			if run&runMask == 0 || run>>runBits != head<<runBits>>runBits {
				break
			}
			r.end = head + run&runMask
		}
		k := min(len(dst)-n, int(r.end-head))
		c := copy(dst[n:n+k], r.slots[head&r.mask:])
		copy(dst[n+c:n+k], r.slots)
		n += k
		head += uint64(k)
	}
	if n > 0 {
		r.head.Store(head)
		if limit := r.cut.Load(); head > limit {
			cut = int(min(head-limit, uint64(n)))
		}
	}
	return n, cut
}

// Close lets no packet enter any more and returns how many ever did.
func (r *Ring) Close() uint64 { return r.tail.Or(closed) &^ closed }

// Keep cuts off all but the n oldest packets of the ring, which is closed, and
// of those before it. Control side.
func (r *Ring) Keep(n uint64) {
	if p := r.Prev.Load(); p != nil {
		p.Keep(n)
		n -= min(n, p.Used())
	}
	if head := r.head.Load(); r.Entered()-head > n {
		r.cut.Store(min(r.cut.Load(), head+n))
	}
}

// Room returns how many packets fit.
func (r *Ring) Room() uint64 { return r.room }

// Left returns how many packets have left the ring.
func (r *Ring) Left() uint64 { return r.head.Load() }

// Entered returns how many packets ever entered.
func (r *Ring) Entered() uint64 { return r.tail.Load() &^ closed }

// Drained reports whether the ring is closed and empty, for good.
func (r *Ring) Drained() bool {
	tail := r.tail.Load()
	return tail&closed != 0 && tail&^closed == r.head.Load()
}

// Used returns the fill level of the ring and of those before it, without
// packets that were cut off.
func (r *Ring) Used() uint64 {
	// head first: it never passes a tail that is read later.
	head := r.head.Load()
	n := uint64(0)
	if end := min(r.Entered(), r.cut.Load()); end > head {
		n = end - head
	}
	if p := r.Prev.Load(); p != nil {
		n += p.Used()
	}
	return n
}

// Level is used as a person is to see it: packets that came and went while it
// was being read are not in the ring, so it never exceeds the room.
func (r *Ring) Level() uint64 { return min(r.Used(), r.room) }
