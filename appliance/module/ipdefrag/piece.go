// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipdefrag

import (
	"bytes"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// maxPieces is the most fragments of one packet; the longest packet in frames
// of 1500 bytes has 45.
const maxPieces = 64

// piece is a fragment.
type piece struct {
	p    packet.Packet
	skip int // bytes of the frame in front of the payload
	off  int // place of the payload in the packet's, bytes
	len  int // bytes of payload
	last bool
}

// pieces are those of one packet in the order of their places, or those to be
// dropped together.
type pieces struct {
	n  int
	at [maxPieces + 1]piece
}

func (s *pieces) list() []piece { return s.at[:s.n] }

func (s *pieces) add(f piece) {
	s.at[s.n] = f
	s.n++
}

// size returns the bytes of payload.
func (s *pieces) size() (n int) {
	for i := range s.list() {
		n += s.at[i].len
	}
	return n
}

// newPiece judges a fragment and cuts off the padding of its frame. ok is
// false for one that must not be used.
func newPiece(p packet.Packet, ip header.IPv4, at int) (f piece, ok bool) {
	total := ip.TotalLen()
	hl := ip.HeaderLen()
	f = piece{p: p, skip: at + hl, off: ip.FragmentOffset(), len: total - hl, last: !ip.MoreFragments()}
	switch {
	case !ip.ChecksumOK(), at+total > p.TotalLen(), f.len == 0:
		return f, false
	case !f.last && f.len%8 != 0, hl+f.off+f.len > 0xffff:
		return f, false
	}
	return f, at+total == p.TotalLen() || p.Trim(at+total)
}

// room returns how much payload the total length of IPv4 has room for behind
// this fragment's header.
func (f *piece) room() int {
	_, at, _ := header.SkipTags(f.p.Bytes())
	return 0xffff - (f.skip - at)
}

// same reports whether two fragments say the same, for two that claim the same
// place.
func (f *piece) same(g *piece) bool {
	if f.len != g.len || f.last != g.last {
		return false
	}
	var a, b [256]byte
	for i := 0; i < f.len; i += len(a) {
		k := f.p.CopyAt(a[:min(len(a), f.len-i)], f.skip+i)
		if g.p.CopyAt(b[:k], g.skip+i) != k || !bytes.Equal(a[:k], b[:k]) {
			return false
		}
	}
	return true
}

// assemble makes one packet of all pieces of it and frees the others; 0 if
// buffers run out, then nothing was freed. It has the first fragment's headers
// and metadata, and is in one buffer if it fits into a new one.
func assemble(ctx *module.Context, s *pieces) packet.Packet {
	first, size := s.at[0], s.size()
	base := first.p
	fits := first.skip+size <= packet.BufferSize-packet.Headroom
	if fits && (base.Next() != 0 || base.TailroomLen() < size-first.len) {
		base = ctx.Cache.Alloc()
		if base == 0 {
			return 0
		}
		ctx.Cache.Extend(base, first.p, 0, first.p.TotalLen())
		base.CopyMetadata(first.p, ctx.MetaLen)
	}
	for _, f := range s.at[1:s.n] {
		if !ctx.Cache.Extend(base, f.p, f.skip, f.len) {
			if base != first.p {
				ctx.Free(base)
			}
			return 0
		}
	}
	for _, f := range s.list() {
		if f.p != base {
			ctx.Free(f.p)
		}
	}
	base.SetFlags(0)
	frame := base.Bytes()
	_, at, _ := header.SkipTags(frame)
	ip := header.IPv4(frame[at:])
	ip.SetTotalLen(uint16(ip.HeaderLen() + size))
	ip.SetFragment(ip.Fragment() & (reservedBit | header.IPv4DontFragment))
	ip.UpdateChecksum()
	return base
}

// reservedBit is the first bit of the fragment field.
const reservedBit = 0x8000
