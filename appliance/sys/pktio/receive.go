// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

const (
	// segmentRoom is what a new segment holds behind the usual headroom.
	segmentRoom = packet.BufferSize - packet.Headroom
	// tagAt is where an Ethernet frame has its outer VLAN tag, of tagSize.
	tagAt   = 12
	tagSize = 4
	// crowd is how many packets at once make it worth two system calls that the
	// kernel tells the poller of none.
	crowd = 8
)

// recv appends up to limit packets to b and returns their number. Tags that
// the kernel took out are put back, checksums that senders on this host left
// for the hardware are completed, and what they left to be cut is cut, so that
// all packets are as they would be on a cable. (Later would be too late:
// modules may have moved the headers by then.)
func (r *receiver) recv(c *packet.Cache, b *packet.Batch, limit int) int {
	ring := r.ring.Load()
	before := b.Len()
	end := before + min(limit, b.Room())
	var f sys.Frame
	for {
		if r.cut.busy() {
			r.addPieces(ring, c, b, end)
		}
		if b.Len() >= end {
			break
		}
		if !ring.Next(&f) {
			if ring = r.adopt(); ring == nil {
				break
			}
			continue
		}
		if f.Kind != 0 && !r.large {
			r.startCut(ring, &f)
			continue
		}
		p := r.take(ring, c, &f)
		ring.Done()
		if p == 0 {
			r.lost.Add(1)
			continue
		}
		b.Add(p)
	}
	n := b.Len() - before
	if r.armed && n >= crowd {
		r.disarm()
	}
	r.packets.Add(uint64(n))
	return n
}

// addPieces adds pieces of the packet being cut to b until it has end packets.
func (r *receiver) addPieces(ring *sys.PacketRing, c *packet.Cache, b *packet.Batch, end int) {
	for r.cut.busy() {
		if b.Len() >= end {
			return
		}
		p := r.cut.next(c)
		if p == 0 {
			r.lost.Add(uint64(r.cut.left()))
			r.cut.data = nil
			break
		}
		b.Add(p)
	}
	if r.held {
		r.held = false
		ring.Done()
	}
}

// startCut begins to cut the packet in f.
func (r *receiver) startCut(ring *sys.PacketRing, f *sys.Frame) {
	data := f.Data
	whole := len(data) == f.Len
	if f.Queued {
		data, whole = r.fetchFlat(ring, f)
	}
	ok := whole && f.Partial && r.cut.start(data, f)
	switch {
	case ok && !f.Queued:
		r.held = true // the pieces are made of what is in the ring
		return
	case !whole:
		r.lost.Add(1)
	case !ok:
		r.uncut.Add(1)
	}
	ring.Done()
}

// fetchFlat returns a packet that did not fit into the ring, in one piece.
func (r *receiver) fetchFlat(ring *sys.PacketRing, f *sys.Frame) ([]byte, bool) {
	if f.Len > len(r.flat) {
		sys.Discard(ring.FD())
		return nil, false
	}
	m := r.long
	m.Reset()
	m.Begin()
	m.Add(r.spare)
	m.Add(r.flat[:f.Len])
	n, ok := ring.Queued(m)
	return r.flat[:f.Len], ok && n == f.Len
}

// take returns the packet in f, 0 if there is no buffer or the kernel had no
// room for all of it.
func (r *receiver) take(ring *sys.PacketRing, c *packet.Cache, f *sys.Frame) packet.Packet {
	total := f.Len
	if f.Tagged {
		total += tagSize
	}
	var p packet.Packet
	switch {
	case f.Queued:
		p = r.fetch(ring, c, f, total)
	case len(f.Data) < f.Len || f.Tagged && f.Len < tagAt:
	default:
		if p = c.AllocTotal(total); p != 0 {
			copyFrame(p, f)
		}
	}
	if p == 0 {
		return 0
	}
	if f.Partial {
		from, at := f.SumFrom, f.SumAt
		if f.Tagged {
			from, at = from+tagSize, at+tagSize
		}
		Complete(p, from, at)
	}
	if f.Kind != 0 {
		p.SetFlags(p.Flags() | packet.FlagLarge)
		p.SetPieces(uint8(f.Kind), f.Cut)
	}
	return p
}

// copyFrame copies a frame of the ring, with its tag, to p.
func copyFrame(p packet.Packet, f *sys.Frame) {
	dst, src := p.Bytes(), f.Data
	if f.Tagged {
		copy(dst, src[:tagAt])
		putTag(dst, f)
		dst, src = dst[tagAt+tagSize:], src[tagAt:]
	}
	n := copy(dst, src)
	for s := p.Next(); s != 0; s = s.Next() {
		n += copy(s.Bytes(), src[n:])
	}
}

func putTag(b []byte, f *sys.Frame) {
	binary.BigEndian.PutUint16(b[tagAt:], f.TPID)
	binary.BigEndian.PutUint16(b[tagAt+2:], f.TCI)
}

// fetch returns a packet that did not fit into the ring.
func (r *receiver) fetch(ring *sys.PacketRing, c *packet.Cache, f *sys.Frame, total int) packet.Packet {
	p := c.AllocTotal(total)
	if p == 0 {
		// It must leave the queue, or the next one would be taken for it.
		sys.Discard(ring.FD())
		return 0
	}
	m := r.long
	m.Reset()
	m.Begin()
	m.Add(r.spare)
	b := p.Bytes()
	if f.Tagged {
		m.Add(b[:tagAt])
		putTag(b, f)
		b = b[tagAt+tagSize:]
	}
	m.Add(b)
	for s := p.Next(); s != 0; s = s.Next() {
		m.Add(s.Bytes())
	}
	if n, ok := ring.Queued(m); !ok || n != f.Len {
		c.Free(p)
		return 0
	}
	return p
}
