// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package memring joins pipelines inside the engine: what one end sends the
// other end receives, packets themselves, not copies.
package memring

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Options say what an End is like.
type Options struct {
	// Ring is the name that two ends have in common. Empty: the end is its
	// own peer.
	Ring string
	// User is who opens the end, for messages.
	User string
	// Queues is the number of queues to receive from.
	Queues int
	// Size is the least number of slots of each; a power of two is taken.
	Size int
}

// End is one end of a ring, or a loop. Recv belongs to one worker at a time
// for each queue; any number of workers may call Send.
//
//	end a                                   end b
//	Send(q) ---> queue q modulo queues ---> Recv
//	Recv <------ queue q modulo queues <--- Send(q)
//
// While the other end is missing nothing can be sent, and what it had not
// received when it went is gone.
type End struct {
	options Options
	queues  []queue
	pool    atomic.Pointer[packet.Pool] // where the packets in queues belong
	peer    atomic.Pointer[End]
}

// queue is what one worker receives from.
type queue struct {
	ring  *packet.Ring
	event *sys.Event
	// waited is the receiver's: WaitFD was called since the last Recv.
	waited bool
	// armed says that the receiver is about to sleep and wants a signal.
	armed atomic.Bool
	_     [64]byte
}

// ends are the ends of named rings, one or two of each.
var ends = struct {
	sync.Mutex
	of map[string][]*End
}{of: map[string][]*End{}}

// Open opens an end. Errors: EBUSY if the ring has two ends already.
func Open(o Options) (*End, error) {
	e := &End{options: o, queues: make([]queue, o.Queues)}
	for i := range e.queues {
		q := &e.queues[i]
		q.ring = packet.NewRing(Slots(o.Size))
		var err error
		if q.event, err = sys.NewEvent(); err != nil {
			e.closeEvents()
			return nil, err
		}
	}
	if o.Ring == "" {
		e.peer.Store(e)
		return e, nil
	}
	if err := e.join(); err != nil {
		e.closeEvents()
		return nil, err
	}
	return e, nil
}

// Slots returns how many slots a queue of the given size has.
func Slots(size int) int { return max(4, 1<<bits.Len(uint(max(size, 1)-1))) }

// join finds the other end, if it is there.
func (e *End) join() error {
	ends.Lock()
	defer ends.Unlock()
	name := e.options.Ring
	all := ends.of[name]
	if len(all) == 2 {
		return errno.Errorf(errno.EBUSY, "ring %q joins %s and %s already", name, all[0].options.User, all[1].options.User)
	}
	if len(all) == 1 {
		e.peer.Store(all[0])
		all[0].peer.Store(e)
	}
	ends.of[name] = append(all, e)
	return nil
}

// leave makes the other end, if there is one, stand alone.
func (e *End) leave() {
	ends.Lock()
	defer ends.Unlock()
	name := e.options.Ring
	var rest []*End
	for _, other := range ends.of[name] {
		if other != e {
			other.peer.Store(nil)
			rest = append(rest, other)
		}
	}
	if ends.of[name] = rest; rest == nil {
		delete(ends.of, name)
	}
}

// Close frees what has not been received. No worker uses this end any more,
// but the other end may be sending.
func (e *End) Close() {
	if e.options.Ring != "" {
		e.leave()
	}
	for i := range e.queues {
		e.queues[i].ring.Close()
	}
	if p := e.pool.Load(); p != nil {
		c := p.NewCache()
		for i := range e.queues {
			drain(e.queues[i].ring, c)
		}
		c.Close()
	}
	e.closeEvents()
}

// drain empties a closed ring. A sender that was let in before it was closed
// may still be storing packets; that takes it less than a microsecond.
func drain(r *packet.Ring, c *packet.Cache) {
	var left [packet.BatchSize]packet.Packet
	for !r.Drained() {
		n, _ := r.Take(left[:])
		c.FreeAll(left[:n])
		if n == 0 {
			runtime.Gosched()
		}
	}
}

func (e *End) closeEvents() {
	for i := range e.queues {
		if ev := e.queues[i].event; ev != nil {
			ev.Close()
		}
	}
}

// Recv appends up to limit packets of queue q to b and returns their number.
func (e *End) Recv(qid int, b *packet.Batch, limit int) int {
	q := &e.queues[qid]
	if q.waited {
		q.waited = false
		q.armed.Store(false)
		q.event.Clear()
	}
	at := b.Len()
	n, _ := q.ring.Take(b.Slots()[at : at+min(limit, b.Room())])
	b.SetLen(at + n)
	return n
}

// Send hands the first packets of ps, as many as it returns, to the other end.
// Packets of another pool than the first ones it was ever sent are refused:
// they could not be freed.
func (e *End) Send(qid int, c *packet.Cache, ps []packet.Packet) int {
	p := e.peer.Load()
	if p == nil || len(ps) == 0 || !p.accepts(c.Pool()) {
		return 0
	}
	q := &p.queues[qid%len(p.queues)]
	n, _ := q.ring.Put(ps)
	// A receiver that arms itself after this look finds the packets.
	if n > 0 && q.armed.Load() && q.armed.CompareAndSwap(true, false) {
		q.event.Signal()
	}
	return max(n, 0)
}

func (e *End) accepts(p *packet.Pool) bool {
	own := e.pool.Load()
	return own == p || own == nil && (e.pool.CompareAndSwap(nil, p) || e.pool.Load() == p)
}

// WaitFD returns the descriptor that is readable as soon as queue q has
// packets. It is meant to be called just before waiting.
func (e *End) WaitFD(qid int) int {
	q := &e.queues[qid]
	q.waited = true
	q.armed.Store(true)
	if q.ring.Used() > 0 {
		q.event.Signal()
	}
	return q.event.FD()
}

// SendsLarge marks what packets of several pieces may be sent to: here they
// stay what they are.
func (e *End) SendsLarge() {}

// Connected reports whether there is another end.
func (e *End) Connected() bool { return e.peer.Load() != nil }

// Note says what the end is connected to.
func (e *End) Note() string {
	p := e.peer.Load()
	switch p {
	case e:
		return "a loop: what is sent comes back"
	case nil:
		return fmt.Sprintf("ring %s: the other end is missing", e.options.Ring)
	}
	return fmt.Sprintf("ring %s: the other end is %s", e.options.Ring, p.options.User)
}
