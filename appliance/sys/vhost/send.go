// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// Send puts ps, at most packet.BatchSize, into buffers of the driver, frees
// what went and returns how many did. It gives up when there are no buffers.
// Packets that no buffer is large enough for do not hold up others: they end
// up behind those that went, so that ps is a different order of the same
// packets then.
func (d *Back) Send(q int, c *packet.Cache, ps []packet.Packet) (sent int) {
	r := &d.rings[2*q]
	l := r.gate.enter()
	if l == nil {
		return 0
	}
	defer r.guard(faults())
	defer func() { c.FreeAll(ps[:sent]) }()
	avail := r.pending(l)
	for i, p := range ps {
		used, fate := r.put(l, p, avail)
		avail -= used
		if fate == noRoom {
			break
		}
		if fate == gone {
			ps[sent], ps[i] = ps[i], ps[sent]
			sent++
		}
	}
	r.publish(l)
	return sent
}

// maxBad bounds the chains that make no sense that are looked at for a packet.
const maxBad = 64

// fate is what becomes of a packet to be sent.
type fate int

const (
	gone    fate = iota
	noRoom       // there are no buffers for it now
	tooLong      // or empty
)

// filling is a chain that a packet goes into.
type filling struct {
	head uint16
	room int // bytes
}

// put puts a packet into the next of so many available chains, as many as it
// takes, and says how many that were.
func (r *ring) put(l *live, p packet.Packet, avail int) (used int, _ fate) {
	need := p.TotalLen() + l.header
	if need == l.header {
		return 0, tooLong
	}
	r.sc.reset()
	k := 0
	for r.sc.total < need {
		if k > 0 && !l.merge || k == int(l.num) || k == len(r.filling) {
			return used, tooLong
		}
		if used+k == avail || used >= maxBad {
			return used, noRoom
		}
		before := r.sc.total
		head := l.availAt(l.next + uint16(k))
		ok := r.sc.chain(l, head, true)
		r.filling[k] = filling{head, r.sc.total - before}
		k++
		if !ok {
			// What was taken for this packet is given back empty with it.
			r.malformed.Add(1)
			r.giveAll(l, k, 0)
			used, k = used+k, 0
			r.sc.reset()
		}
	}
	r.fill(l, p, k)
	r.giveAll(l, k, need)
	return used + k, gone
}

// fill copies a packet with its header into the chains taken for it.
func (r *ring) fill(l *live, p packet.Packet, chains int) {
	var h [netHeader]byte
	describe(&h, p, chains, l.carry)
	var at cursor
	r.sc.write(l.mem, &at, h[:l.header])
	for s := p; s != 0; s = s.Next() {
		r.sc.write(l.mem, &at, s.Bytes())
	}
}

// giveAll gives the first k chains taken back, with n bytes in them.
func (r *ring) giveAll(l *live, k, n int) {
	for _, f := range r.filling[:k] {
		m := min(f.room, n)
		l.give(f.head, uint32(m))
		n -= m
	}
	l.next += uint16(k)
}
