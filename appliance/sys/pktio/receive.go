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
)

// Recv appends up to limit packets to b and returns their number. Tags that
// the kernel took out are put back and checksums that senders on this host
// left for the hardware are completed, so that all packets are as they would
// be on a cable. (Later would be too late: modules may have moved the
// headers by then.)
func (i *Interface) Recv(c *packet.Cache, b *packet.Batch, limit int) int {
	n := 0
	var f sys.Frame
	for range min(limit, b.Room()) {
		if !i.ring.Next(&f) {
			break
		}
		p := i.take(c, &f)
		i.ring.Done()
		if p == 0 {
			i.lost.Add(1)
			continue
		}
		b.Add(p)
		n++
	}
	return n
}

// take returns the packet in f, 0 if there is no buffer or the kernel had no
// room for all of it.
func (i *Interface) take(c *packet.Cache, f *sys.Frame) packet.Packet {
	total := f.Len
	if f.Tagged {
		total += tagSize
	}
	var p packet.Packet
	switch {
	case f.Queued:
		p = i.fetch(c, f, total)
	case len(f.Data) < f.Len || f.Tagged && f.Len < tagAt:
	default:
		if p = c.AllocTotal(total); p != 0 {
			copyFrame(p, f)
		}
	}
	if p != 0 && f.Partial {
		from, at := f.SumFrom, f.SumAt
		if f.Tagged {
			from, at = from+tagSize, at+tagSize
		}
		Complete(p, from, at)
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
func (i *Interface) fetch(c *packet.Cache, f *sys.Frame, total int) packet.Packet {
	p := c.AllocTotal(total)
	if p == 0 {
		// It must leave the queue, or the next one would be taken for it.
		sys.Discard(i.ring.FD())
		return 0
	}
	m := i.long
	m.Reset()
	m.Begin()
	m.Add(i.spare)
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
	if n, ok := i.ring.Queued(m); !ok || n != f.Len {
		c.Free(p)
		return 0
	}
	return p
}
