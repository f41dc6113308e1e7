// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package drr

import (
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// maxFlows is the largest num_flows, flowHeads how many chains flows share.
const (
	maxFlows  = 1<<20 - 1
	headBits  = 18
	flowHeads = 1 << headBits
)

// flow is a flow with packets waiting. Others are forgotten: their deficit
// would be 0. Links are index + 1.
type flow struct {
	key        flowKey
	deficit    uint64 // bytes it may send
	next       uint32 // of the chain, or of the free list
	ring       uint32 // flow to be served after it
	head, tail uint32 // its oldest and newest packet
	count      uint32 // of packets
	_          uint32
}

// waiting is a packet in a queue.
type waiting struct {
	p    packet.Packet
	next uint32 // of the queue, or of the free list: index + 1
	_    uint32
}

// scheduler is the state of all queues, outside the Go heap:
//
//	heads ──> flow ──> flow           by key
//	first ──> flow ··> flow <── last  by turn
//	flow: head ──> packet ··> packet <── tail
//
// There is room for as many packets as there are buffers, so only limits can
// refuse one.
type scheduler struct {
	heads   []uint32
	flows   []flow
	packets []waiting
	mem     [3][]byte

	freeFlow, freePacket   uint32 // free lists
	freshFlow, freshPacket uint32 // from here on never used
	first, last            uint32 // whose turn it is, and who comes last
	// current is set if the turn of the flow at first was interrupted because
	// the batch was full: it goes on without another quantum.
	current bool

	active                      uint64 // flows
	enqueued, dequeued, dropped uint64 // packets
}

func newScheduler(buffers int) (*scheduler, error) {
	s := &scheduler{}
	var err error
	if s.heads, s.mem[0], err = mapOf[uint32](flowHeads); err == nil {
		if s.flows, s.mem[1], err = mapOf[flow](maxFlows); err == nil {
			s.packets, s.mem[2], err = mapOf[waiting](buffers)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *scheduler) close() {
	for _, m := range s.mem {
		sys.Unmap(m)
	}
}

// limits are what put obeys.
type limits struct{ flows, queue uint32 }

// verdict is what put has done.
type verdict int

const (
	queued verdict = iota
	queueFull
	tooManyFlows
)

// put appends a packet to the queue of its flow.
func (s *scheduler) put(p packet.Packet, k *flowKey, lim limits) verdict {
	i := s.find(k)
	if i == 0 {
		if s.active >= uint64(lim.flows) {
			s.dropped++
			return tooManyFlows
		}
		i = s.begin(k)
	}
	f := &s.flows[i-1]
	if f.count >= lim.queue {
		s.dropped++
		return queueFull
	}
	n := s.slot(p)
	if f.count == 0 {
		f.head = n
	} else {
		s.packets[f.tail-1].next = n
	}
	f.tail = n
	f.count++
	s.enqueued++
	return queued
}

// slot gives a packet a place.
func (s *scheduler) slot(p packet.Packet) uint32 {
	n := s.freePacket
	if n != 0 {
		s.freePacket = s.packets[n-1].next
	} else {
		s.freshPacket++
		n = s.freshPacket
	}
	s.packets[n-1] = waiting{p: p}
	return n
}

// find returns the flow of a key, 0 if it has no packets.
func (s *scheduler) find(k *flowKey) uint32 {
	i := s.heads[k.hash()]
	for i != 0 && s.flows[i-1].key != *k {
		i = s.flows[i-1].next
	}
	return i
}

// begin makes a flow, whose turn comes after all others.
func (s *scheduler) begin(k *flowKey) uint32 {
	i := s.freeFlow
	if i != 0 {
		s.freeFlow = s.flows[i-1].next
	} else {
		s.freshFlow++
		i = s.freshFlow
	}
	head := &s.heads[k.hash()]
	s.flows[i-1] = flow{key: *k, next: *head}
	*head = i
	s.append(i)
	s.active++
	return i
}

// append puts a flow behind all others.
func (s *scheduler) append(i uint32) {
	s.flows[i-1].ring = 0
	if s.first == 0 {
		s.first = i
	} else {
		s.flows[s.last-1].ring = i
	}
	s.last = i
}

// end forgets the flow at first, which has no packets left.
func (s *scheduler) end() {
	i := s.first
	f := &s.flows[i-1]
	s.first = f.ring
	link := &s.heads[f.key.hash()]
	for *link != i {
		link = &s.flows[*link-1].next
	}
	*link = f.next
	f.next = s.freeFlow
	s.freeFlow = i
	s.active--
}

// take moves packets into b, until it is full or a whole round has brought
// nothing, and reports whether packets wait.
func (s *scheduler) take(b *packet.Batch, quantum uint64) bool {
	for barren := uint64(0); s.first != 0 && barren < s.active && !b.Full(); {
		i := s.first
		f := &s.flows[i-1]
		if !s.current {
			f.deficit += quantum
		}
		s.current = false
		barren++
		if s.serve(f, b) > 0 {
			barren = 0
		}
		switch {
		case f.count == 0:
			s.end()
		case b.Full() && s.fits(f):
			s.current = true
		default:
			s.first = f.ring
			s.append(i)
		}
	}
	return s.first != 0
}

// fits reports whether the deficit allows for the flow's next packet.
func (s *scheduler) fits(f *flow) bool {
	return uint64(s.packets[f.head-1].p.TotalLen()) <= f.deficit
}

// serve sends what a flow may send, as far as there is room.
func (s *scheduler) serve(f *flow, b *packet.Batch) (n int) {
	for f.count > 0 && !b.Full() && s.fits(f) {
		i := f.head
		w := &s.packets[i-1]
		f.deficit -= uint64(w.p.TotalLen())
		b.Add(w.p)
		f.head = w.next
		f.count--
		w.next = s.freePacket
		s.freePacket = i
		n++
	}
	s.dequeued += uint64(n)
	return n
}
