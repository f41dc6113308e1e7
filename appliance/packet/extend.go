// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

// CopyAt copies bytes of the whole packet, all segments, from offset off on
// into dst and returns how many there were.
func (p Packet) CopyAt(dst []byte, off int) int {
	n := 0
	for s := p; s != 0 && n < len(dst); s = s.Next() {
		b := s.Bytes()
		if off >= len(b) {
			off -= len(b)
			continue
		}
		n += copy(dst[n:], b[off:])
		off = 0
	}
	return n
}

// Extend appends n bytes of src, from its offset off on, to p, in new segments
// where the tailroom ends. It reports whether it could; if not, because src or
// the pool is exhausted, p has some of them.
func (c *Cache) Extend(p, src Packet, off, n int) bool {
	last := p
	for last.Next() != 0 {
		last = last.Next()
	}
	for n > 0 {
		room := last.TailroomLen()
		if room == 0 {
			s := c.Alloc()
			if s == 0 {
				return false
			}
			last.hdr().setNext(s)
			last, room = s, BufferSize-Headroom
		}
		h := last.hdr()
		at := int(h.len)
		h.len += uint32(min(room, n))
		k := src.CopyAt(last.Bytes()[at:], off)
		h.len = uint32(at + k)
		p.hdr().total += uint32(k)
		if k < min(room, n) {
			return false
		}
		off += k
		n -= k
	}
	return true
}

// AllocTotal returns a packet of n bytes of undefined content in as many
// segments as it needs, like New does; 0 if the pool is exhausted or n exceeds
// MaxTotal.
func (c *Cache) AllocTotal(n int) Packet {
	if n > MaxTotal {
		return 0
	}
	head := c.Alloc()
	if head == 0 {
		return 0
	}
	if n <= BufferSize {
		head.Init(n)
		return head
	}
	const room = BufferSize - Headroom
	head.Init(room)
	for n -= room; n > 0; n -= room {
		s := c.Alloc()
		if s == 0 {
			c.Free(head)
			return 0
		}
		s.Init(min(n, room))
		head.Chain(s)
	}
	return head
}
