// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// Recv appends up to limit packets that the driver sends to b and returns
// their number. Partial checksums are completed. A chain that makes no sense
// and a frame for which there is no buffer are dropped and counted.
func (d *Back) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) (n int) {
	r := &d.rings[2*q+1]
	l := r.gate.enter()
	if l == nil {
		return 0
	}
	defer r.guard(faults())
	defer r.release(c)
	r.disarm(l)
	for left := min(r.pending(l), min(limit, b.Room())); left > 0; left-- {
		head := l.availAt(l.next)
		l.next++
		if p := r.take(l, c, head); p != 0 {
			b.Add(p)
			n++
		}
		l.give(head, 0)
	}
	r.publish(l)
	return n
}

// take returns the packet in a chain, 0 if there is none.
func (r *ring) take(l *live, c *packet.Cache, head uint16) packet.Packet {
	r.sc.reset()
	if !r.sc.chain(l, head, false) || r.sc.total <= l.header {
		r.malformed.Add(1)
		return 0
	}
	size := r.sc.total - l.header
	if r.held = c.AllocTotal(size); r.held == 0 {
		r.lost.Add(1)
		return 0
	}
	var h [netHeader]byte
	var at cursor
	r.sc.read(l.mem, &at, h[:l.header])
	for s := r.held; s != 0; s = s.Next() {
		r.sc.read(l.mem, &at, s.Bytes())
	}
	p := r.held
	r.held = 0
	finish(p, &h)
	return p
}

// release frees the packet that a fault has left half filled.
func (r *ring) release(c *packet.Cache) {
	if r.held != 0 {
		c.Free(r.held)
		r.held = 0
	}
}
