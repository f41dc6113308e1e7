// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"fmt"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// waker is the part that both sides' rings have in common: who is let in, and
// how both sides wake each other.
type waker[T any] struct {
	gate   gate[T]
	wait   *sys.Slot // readable when the other side has woken us
	wake   *sys.Slot // to wake the other side
	armed  bool      // the other side was asked to wake us; the worker's
	broken func(error)
	lost   sys.Counter // packets dropped on reception
}

func (k *waker[T]) init(broken func(error)) (err error) {
	k.broken = broken
	if k.wait, err = sys.NewSlot(); err != nil {
		return err
	}
	k.wake, err = sys.NewSlot()
	return err
}

func (k *waker[T]) close() {
	for _, s := range []*sys.Slot{k.wait, k.wake} {
		if s != nil {
			s.Close()
		}
	}
}

// guard ends an access to shared memory: leave, and if memory was missing, or
// anything else went wrong with what the other side has put there, hang up.
// It is to be deferred.
func (k *waker[T]) guard(faultsBefore bool) {
	k.gate.leave()
	restore(faultsBefore)
	if e := recover(); e != nil {
		k.broken(fmt.Errorf("shared memory: %v", e))
	}
}

// rest forgets that the other side has woken us while there is no ring, or the
// worker could not sleep, and reports whether there is one meanwhile.
func (k *waker[T]) rest() bool {
	drain(k.wait.FD())
	return k.gate.what.Load() != nil
}

// live is a ring that the device may use.
type live struct {
	split
	mem      *memory
	indirect bool
	header   int  // bytes of the header
	merge    bool // a packet may take several chains
	carry    bool // the driver completes checksums
	next     uint16
	// done is the index of the used ring; published what the driver knows.
	done, published uint16
}

// ring is one ring of the device. It stays while front ends come and go.
//
//	stopped --(size, addresses, kick, enabled, memory)--> live
//	   ^---------- GET_VRING_BASE, hang-up --------------------'
type ring struct {
	waker[live]
	sc        scatter
	malformed sys.Counter        // chains that make no sense
	held      packet.Packet      // being filled
	filling   [maxPieces]filling // chains taken for a packet to be sent

	// What the front end has said; the control side's.
	size    uint32
	base    uint16
	addr    *addresses
	kicked  bool // setVringKick came
	enabled bool
	polled  atomic.Bool // there is no descriptor to wait for
}

// forget is what happens to a ring when the front end goes.
func (r *ring) forget() {
	r.gate.shut()
	r.unkick()
	r.wake.Clear()
	r.size, r.base, r.addr, r.enabled = 0, 0, nil, false
}

// stop takes the ring from its worker and remembers where it stands.
func (r *ring) stop() {
	if l := r.gate.shut(); l != nil {
		r.base = l.next
	}
}

// ready reports whether all is known that the ring needs.
func (r *ring) ready() bool { return r.size != 0 && r.addr != nil && r.kicked && r.enabled }

// start gives the ring to its worker. Nothing happens unless it is ready.
func (r *ring) start(m *memory, features uint64) error {
	if !r.ready() || r.gate.what.Load() != nil {
		return nil
	}
	if m == nil || len(m.regions) == 0 {
		return errNoMemory
	}
	l := &live{mem: m, next: r.base, header: headerLen(features), indirect: features&featIndirect != 0,
		merge: features&featMergeable != 0, carry: features&featGuestCsum != 0}
	l.num, l.events = uint16(r.size), features&featEventIdx != 0
	nd, na, nu := sizes(int(r.size))
	var err error
	if l.desc, err = m.user(r.addr.desc, nd, 16); err != nil {
		return fmt.Errorf("descriptors: %w", err)
	}
	if l.avail, err = m.user(r.addr.avail, na, 2); err != nil {
		return fmt.Errorf("available ring: %w", err)
	}
	if l.used, err = m.user(r.addr.used, nu, 4); err != nil {
		return fmt.Errorf("used ring: %w", err)
	}
	if err := r.prepare(l); err != nil {
		return err
	}
	r.gate.open(l)
	// The driver may have offered buffers long ago, and asked not to wake us.
	signal(r.wait.FD())
	return nil
}

// prepare makes the first access to the ring.
func (r *ring) prepare(l *live) (err error) {
	defer func(before bool) {
		restore(before)
		if e := recover(); e != nil {
			err = fmt.Errorf("shared memory: %v", e)
		}
	}(faults())
	l.done = l.usedIndex()
	l.published = l.done
	l.tell(true)
	return nil
}

// pending returns how many chains the driver offers. An index that cannot be
// ends the connection.
func (r *ring) pending(l *live) int {
	n := l.availIndex() - l.next
	if n > l.num {
		r.broken(fmt.Errorf("available ring: index %d: is more than %d ahead of %d", l.next+n, l.num, l.next))
		return 0
	}
	return int(n)
}

// give puts a chain into the used ring.
func (l *live) give(head uint16, n uint32) {
	l.putUsed(l.done, head, n)
	l.done++
}

// tell publishes the used ring. quiet asks the driver not to wake us; where
// events say that, flags are not used.
func (l *live) tell(quiet bool) { publish(l.used, l.published, quiet && !l.events) }

// publish tells the driver about the chains given back.
func (r *ring) publish(l *live) {
	if l.done == l.published {
		return
	}
	before := l.published
	l.published = l.done
	l.tell(true)
	if l.deviceWakes(before, l.done) {
		signal(r.wake.FD())
	}
}

// arm asks the driver to wake us and reports whether there is already
// something to do.
func (r *ring) arm() (busy bool) {
	l := r.gate.enter()
	if l == nil {
		return r.rest()
	}
	defer r.guard(faults())
	if l.events {
		b, off := l.availEvent()
		store16(b, off, l.next)
	} else {
		l.tell(false)
	}
	r.armed = true
	return r.pending(l) > 0
}

// disarm is the end of waiting.
func (r *ring) disarm(l *live) {
	if r.armed {
		r.armed = false
		drain(r.wait.FD())
		l.tell(true)
	}
}
