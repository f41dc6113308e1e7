// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// maxPieces bounds the descriptors of the chains that make up one packet,
// and with it the time that a packet may take.
const maxPieces = 1024

// piece is a part of a region. It holds no pointer, so that filling in pieces
// costs no write barrier.
type piece struct {
	region, len uint32
	off         uint64
}

// scatter is the memory that chains of descriptors describe, in order.
type scatter struct {
	n      int
	total  int // bytes
	steps  int // descriptors looked at
	pieces [maxPieces]piece
}

func (s *scatter) reset() { s.n, s.total, s.steps = 0, 0, 0 }

// add appends n bytes at a guest address, which may go on in other regions.
func (s *scatter) add(m *memory, addr uint64, n uint32) bool {
	for n > 0 {
		i, off, left, ok := m.find(addr)
		if !ok || s.n >= len(s.pieces) {
			return false
		}
		k := uint32(min(uint64(n), left))
		s.pieces[s.n] = piece{uint32(i), k, off}
		s.n++
		addr += uint64(k)
		n -= k
	}
	return true
}

// chain appends the buffers of the chain that begins at a descriptor, which
// are all for writing or all for reading. false: it makes no sense; then
// nothing is appended.
func (s *scatter) chain(l *live, head uint16, write bool) bool {
	n, total := s.n, s.total
	if s.follow(l, head, write) {
		return true
	}
	s.n, s.total = n, total
	return false
}

func (s *scatter) follow(l *live, head uint16, write bool) bool {
	table, size, i, indirect := l.desc, uint32(l.num), uint32(head), false
	for ; s.steps < maxPieces; s.steps++ {
		if i >= size {
			return false
		}
		d := descAt(table, i)
		if d.flags&descIndirect != 0 {
			if indirect || !l.indirect || d.flags&descNext != 0 || d.len == 0 || d.len%descSize != 0 || d.len > maxPieces*descSize {
				return false
			}
			var ok bool
			if table, ok = l.mem.guest(d.addr, int(d.len)); !ok {
				return false
			}
			size, i, indirect = d.len/descSize, 0, true
			continue
		}
		if d.flags&descWrite != 0 != write || !s.add(l.mem, d.addr, d.len) {
			return false
		}
		s.total += int(d.len)
		if !write && s.total > packet.MaxTotal+netHeader {
			return false
		}
		if d.flags&descNext == 0 {
			return true
		}
		i = uint32(d.next)
	}
	return false // a circle, or as good as one
}

// cursor goes through a scatter.
type cursor struct {
	at  int // piece
	off uint32
}

// bytes returns the rest of the piece at the cursor; empty at the end.
func (s *scatter) bytes(m *memory, c *cursor) []byte {
	if c.at >= s.n {
		return nil
	}
	p := &s.pieces[c.at]
	data := m.regions[p.region].data
	return data[p.off+uint64(c.off) : p.off+uint64(p.len)]
}

// advance moves the cursor n bytes on, at most to the end of its piece.
func (s *scatter) advance(c *cursor, n int) {
	if c.off += uint32(n); c.off >= s.pieces[c.at].len {
		c.at, c.off = c.at+1, 0
	}
}

// read copies bytes at the cursor to dst, as many as there are.
func (s *scatter) read(m *memory, c *cursor, dst []byte) {
	for len(dst) > 0 {
		b := s.bytes(m, c)
		if len(b) == 0 {
			return
		}
		n := copy(dst, b)
		s.advance(c, n)
		dst = dst[n:]
	}
}

// write copies src to the cursor, as far as there is room.
func (s *scatter) write(m *memory, c *cursor, src []byte) {
	for len(src) > 0 {
		b := s.bytes(m, c)
		if len(b) == 0 {
			return
		}
		n := copy(b, src)
		s.advance(c, n)
		src = src[n:]
	}
}
