// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// drive is a ring that the driver may use.
type drive struct {
	split
	buffers []byte // num of bufSize, one for each descriptor
	base    uint64 // address of buffers
	header  int    // bytes of the header
	merge   bool   // a packet may come in several buffers
	carry   bool   // the device completes checksums
	next    uint16 // index of the available ring
	told    uint16 // what the device knows of it
	seen    uint16 // index of the used ring

	// What was offered, by the first descriptor: how many descriptors; 0:
	// nothing. The descriptors themselves can be changed by the other side.
	chain []uint16
	nexts []uint16 // links of chains and of the free list
	free  uint16   // first free descriptor
	nfree int
}

// frontRing is one ring of a Front.
type frontRing struct {
	waker[drive]
	parts [maxParts]part
}

// part is a buffer with a part of a packet.
type part struct {
	id uint16
	n  int
}

// maxParts is the most buffers a packet takes.
const maxParts = packet.MaxTotal/(bufSize-netHeader) + 2

func (l *drive) tell(quiet bool) { publish(l.avail, l.told, quiet && !l.events) }

func (l *drive) buffer(id uint16) []byte { return l.buffers[int(id)*bufSize : (int(id)+1)*bufSize] }

// offer offers the chain at a descriptor, of so many, to the device.
func (l *drive) offer(head uint16, count int) {
	l.chain[head] = uint16(count)
	l.putAvail(l.next, head)
	l.next++
}

// publish tells the device about what was offered.
func (r *frontRing) publish(l *drive) {
	if l.next == l.told {
		return
	}
	before := l.told
	l.told = l.next
	l.tell(!r.armed)
	if l.driverWakes(before, l.told) {
		signal(r.wake.FD())
	}
}

// pending returns how many chains the device has given back. An index that
// cannot be ends the connection.
func (r *frontRing) pending(l *drive) int {
	n := l.usedIndex() - l.seen
	if n > l.num {
		r.broken(fmt.Errorf("used ring: index %d: is more than %d ahead of %d", l.seen+n, l.num, l.seen))
		return 0
	}
	return int(n)
}

// taken returns a chain that the device has given back at index i, with the
// bytes it says to have written; false if it was not offered.
func (r *frontRing) taken(l *drive, i uint16) (id uint16, n uint32, ok bool) {
	head, n := l.usedAt(i)
	if head >= uint32(l.num) || l.chain[head] == 0 {
		r.broken(fmt.Errorf("used ring: chain %d: was not offered", head))
		return 0, 0, false
	}
	return uint16(head), n, true
}

// arm asks the device to wake us and reports whether there is already
// something to do.
func (r *frontRing) arm() (busy bool) {
	l := r.gate.enter()
	if l == nil {
		return r.rest()
	}
	defer r.guard(faults())
	r.armed = true
	if l.events {
		b, off := l.usedEvent()
		store16(b, off, l.seen)
	} else {
		l.tell(false)
	}
	return r.pending(l) > 0
}

// disarm is the end of waiting.
func (r *frontRing) disarm(l *drive) {
	if r.armed {
		r.armed = false
		drain(r.wait.FD())
		l.tell(true)
	}
}

// offerAll offers every buffer to be written to.
func (l *drive) offerAll() {
	for id := range l.num {
		l.putDesc(id, desc{l.base + uint64(id)*bufSize, bufSize, descWrite, 0})
		l.offer(id, 1)
	}
	l.told = l.next
	l.tell(true)
}

// freeAll makes every descriptor free to be sent with.
func (l *drive) freeAll() {
	for id := range l.num {
		l.nexts[id] = id + 1
	}
	l.free, l.nfree = 0, int(l.num)
}

// Recv appends up to limit packets that the device sends to b and returns
// their number. Partial checksums are completed.
func (f *Front) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) (n int) {
	r := &f.rings[2*q]
	l := r.gate.enter()
	if l == nil {
		return 0
	}
	defer r.guard(faults())
	r.disarm(l)
	pending := r.pending(l)
	for limit = min(limit, b.Room()); n < limit && pending > 0; {
		k, h, ok := r.collect(l, pending)
		if !ok {
			break
		}
		pending -= k
		if p := r.assemble(l, c, k); p != 0 {
			finish(p, &h)
			b.Add(p)
			n++
		}
		for _, x := range r.parts[:k] {
			l.offer(x.id, 1)
		}
	}
	r.publish(l)
	return n
}

// collect takes the buffers of the next packet, their number and header.
func (r *frontRing) collect(l *drive, pending int) (k int, h [netHeader]byte, ok bool) {
	need := 1
	for ; k < need; k++ {
		id, n, ok := r.taken(l, l.seen)
		if !ok {
			return 0, h, false
		}
		l.chain[id] = 0
		l.seen++
		r.parts[k] = part{id, int(min(n, bufSize))}
		if k > 0 {
			continue
		}
		copy(h[:l.header], l.buffer(id))
		if l.merge {
			need = max(int(binary.LittleEndian.Uint16(h[10:])), 1)
		}
		if need > pending || need > maxParts {
			r.broken(fmt.Errorf("used ring: a packet in %d buffers, of %d", need, pending))
			return 0, h, false
		}
	}
	return k, h, true
}

// assemble returns the packet in the first k parts, 0 if there is none.
func (r *frontRing) assemble(l *drive, c *packet.Cache, k int) packet.Packet {
	total := -l.header
	for _, x := range r.parts[:k] {
		total += x.n
	}
	if total <= 0 {
		r.lost.Add(1)
		return 0
	}
	p := c.AllocTotal(total)
	if p == 0 {
		r.lost.Add(1)
		return 0
	}
	seg, dst := p, p.Bytes()
	skip := l.header
	for _, x := range r.parts[:k] {
		src := l.buffer(x.id)[:x.n]
		if skip > 0 {
			k := min(skip, len(src))
			src, skip = src[k:], skip-k
		}
		for len(src) > 0 {
			if len(dst) == 0 {
				seg = seg.Next()
				dst = seg.Bytes()
			}
			n := copy(dst, src)
			dst, src = dst[n:], src[n:]
		}
	}
	return p
}

// Send sends ps, at most packet.BatchSize, frees what went and returns how
// many did. It gives up when there are no buffers. Empty packets end up behind
// those that went, so that ps is a different order of the same packets then.
func (f *Front) Send(q int, c *packet.Cache, ps []packet.Packet) (sent int) {
	r := &f.rings[2*q+1]
	l := r.gate.enter()
	if l == nil {
		return 0
	}
	defer r.guard(faults())
	defer func() { c.FreeAll(ps[:sent]) }()
	r.reclaim(l)
	for i, p := range ps {
		need := p.TotalLen() + l.header
		k := (need + bufSize - 1) / bufSize
		if need == l.header || k > int(l.num) {
			continue
		}
		if k > l.nfree {
			break
		}
		l.send(p, k)
		ps[sent], ps[i] = ps[i], ps[sent]
		sent++
	}
	r.publish(l)
	return sent
}

// reclaim takes back what the device has sent.
func (r *frontRing) reclaim(l *drive) {
	for range r.pending(l) {
		id, _, ok := r.taken(l, l.seen)
		if !ok {
			return
		}
		l.seen++
		last := id
		for range l.chain[id] - 1 {
			last = l.nexts[last]
		}
		l.nexts[last] = l.free
		l.free = id
		l.nfree += int(l.chain[id])
		l.chain[id] = 0
	}
}

// send puts a packet into the next k free buffers, which there are.
func (l *drive) send(p packet.Packet, k int) {
	head, id := l.free, l.free
	buf := l.buffer(id)
	var h [netHeader]byte
	describe(&h, p, 0, l.carry)
	at := copy(buf, h[:l.header])
	for s := p; s != 0; s = s.Next() {
		for src := s.Bytes(); len(src) > 0; {
			if at == bufSize {
				l.link(id, at, true)
				id, at = l.nexts[id], 0
				buf = l.buffer(id)
			}
			n := copy(buf[at:], src)
			at, src = at+n, src[n:]
		}
	}
	l.link(id, at, false)
	l.free = l.nexts[id]
	l.nfree -= k
	l.offer(head, k)
}

// link writes the descriptor of a buffer with n bytes.
func (l *drive) link(id uint16, n int, more bool) {
	d := desc{addr: l.base + uint64(id)*bufSize, len: uint32(n)}
	if more {
		d.flags, d.next = descNext, l.nexts[id]
	}
	l.putDesc(id, d)
}
