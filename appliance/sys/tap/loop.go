// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// ringSlots is how many packets wait in a ring, a power of two.
const ringSlots = 256

// loop is where an incoming queue finds what was sent through outgoing queues.
// Each of these has a ring of its own, which one worker writes and one reads.
type loop struct {
	wake  *sys.Event
	awake atomic.Bool // wake has been signalled
	rings []*ring
}

type ring struct {
	to    *loop
	slots [ringSlots]packet.Packet
	head  atomic.Uint32 // next to be written, by the sender
	tail  atomic.Uint32 // next to be read, by the receiver
	pool  atomic.Pointer[packet.Pool]
}

func newLoop() (*loop, error) {
	wake, err := sys.NewEvent()
	if err != nil {
		return nil, err
	}
	return &loop{wake: wake}, nil
}

// add returns a new ring that leads here.
func (l *loop) add() *ring {
	r := &ring{to: l}
	l.rings = append(l.rings, r)
	return r
}

// push takes over as many packets as there is room for.
func (r *ring) push(c *packet.Cache, ps []packet.Packet) int {
	if r.pool.Load() == nil {
		r.pool.Store(c.Pool())
	}
	head := r.head.Load()
	n := min(len(ps), ringSlots-int(head-r.tail.Load()))
	for i, p := range ps[:n] {
		r.slots[(head+uint32(i))%ringSlots] = p
	}
	r.head.Store(head + uint32(n))
	if n > 0 && !r.to.awake.Swap(true) {
		r.to.wake.Signal()
	}
	return n
}

// pop appends up to limit packets to b.
func (l *loop) pop(b *packet.Batch, limit int) {
	// First this: what is pushed later signals again.
	if l.awake.Load() {
		l.awake.Store(false)
		l.wake.Clear()
	}
	left := false
	for _, r := range l.rings {
		tail := r.tail.Load()
		n := min(limit, int(r.head.Load()-tail))
		for i := range uint32(n) {
			b.Add(r.slots[(tail+i)%ringSlots])
		}
		r.tail.Store(tail + uint32(n))
		limit -= n
		left = left || r.head.Load() != r.tail.Load()
	}
	if left && !l.awake.Swap(true) {
		l.wake.Signal()
	}
}

// close frees what nobody has fetched.
func (l *loop) close() {
	for _, r := range l.rings {
		pool := r.pool.Load()
		if pool == nil {
			continue
		}
		c := pool.NewCache()
		for i := r.tail.Load(); i != r.head.Load(); i++ {
			c.Free(r.slots[i%ringSlots])
		}
		c.Close()
	}
	l.wake.Close()
}
