// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipfrag

import (
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// plan says how a packet is cut.
type plan struct {
	l2      []byte      // Ethernet header, with tags
	ip      header.IPv4 // of the packet
	payload int         // bytes
	per     int         // bytes of payload in all fragments but the last
	count   int
	// refused is the counter of the reason not to cut, 0 if there is none.
	refused int
}

// newPlan returns the plan for a packet that is too long; ok is false if it is
// not a whole IPv4 packet, whose header must be in the first segment.
func newPlan(p packet.Packet, limit int) (pl plan, ok bool) {
	frame := p.Bytes()
	etherType, at, ok := header.SkipTags(frame)
	if !ok || etherType != header.TypeIPv4 {
		return pl, false
	}
	ip, ok := header.ParseIPv4(frame, at)
	if !ok || at+ip.TotalLen() > p.TotalLen() {
		return pl, false
	}
	pl.l2, pl.ip = frame[:at], ip
	hl := ip.HeaderLen()
	pl.payload = ip.TotalLen() - hl
	if at+ip.TotalLen() <= limit { // only padding is too long
		pl.per, pl.count = pl.payload, 1
		return pl, true
	}
	pl.per = (limit - at - hl) &^ 7
	switch {
	case ip.DontFragment():
		pl.refused = countDF
	case pl.per < 8 || pl.payload > maxFragments*pl.per || ip.FragmentOffset()+pl.payload > 0xffff:
		pl.refused = countRefused
	default:
		pl.count = (pl.payload + pl.per - 1) / pl.per
	}
	return pl, true
}

// run makes all fragments of p and sends them to gate 1, or none if packet
// buffers run out.
func (pl *plan) run(ctx *module.Context, p packet.Packet) bool {
	var out packet.Batch
	head := pl.ip[:pl.ip.HeaderLen()]
	var short [60]byte
	for i := range pl.count {
		q := ctx.Cache.Alloc()
		if q == 0 {
			ctx.FreeBatch(&out)
			return false
		}
		out.Add(q)
		if i == 1 {
			head = short[:laterHeader(short[:], head)]
		}
		if !pl.fragment(ctx, q, p, head, i) {
			ctx.FreeBatch(&out)
			return false
		}
	}
	for _, q := range out.Packets() {
		ctx.Emit(q, 1)
	}
	return true
}

// fragment builds fragment i of p in the empty packet q.
func (pl *plan) fragment(ctx *module.Context, q, p packet.Packet, head header.IPv4, i int) bool {
	from := i * pl.per
	n := min(pl.per, pl.payload-from)
	q.Append(len(pl.l2) + len(head))
	d := q.Bytes()
	ip := header.IPv4(d[copy(d, pl.l2):])
	copy(ip, head)
	if !ctx.Cache.Extend(q, p, len(pl.l2)+pl.ip.HeaderLen()+from, n) {
		return false
	}
	field := pl.ip.Fragment() + uint16(from/8)
	if i < pl.count-1 {
		field |= header.IPv4MoreFragments
	}
	ip.SetTotalLen(uint16(len(head) + n))
	ip.SetFragment(field)
	ip.UpdateChecksum()
	if pad := minFrame - q.TotalLen(); pad > 0 && q.Append(pad) {
		d := q.Bytes()
		clear(d[len(d)-pad:])
	}
	q.CopyMetadata(p, ctx.MetaLen)
	return true
}

// Options of IPv4 (RFC 791 section 3.1).
const (
	optEnd    = 0
	optNop    = 1
	optCopied = 0x80 // the option goes into all fragments
)

// laterHeader writes the header of all fragments but the first to dst, which
// has 60 bytes, and returns its length: only some options are copied. Options
// that make no sense end the list.
func laterHeader(dst []byte, first header.IPv4) int {
	n := copy(dst, first[:header.IPv4MinLen])
	for opts := first[header.IPv4MinLen:]; len(opts) > 0 && opts[0] != optEnd; {
		if opts[0] == optNop {
			opts = opts[1:]
			continue
		}
		if len(opts) < 2 || opts[1] < 2 || int(opts[1]) > len(opts) {
			break
		}
		k := int(opts[1])
		if opts[0]&optCopied != 0 {
			n += copy(dst[n:], opts[:k])
		}
		opts = opts[k:]
	}
	for n%4 != 0 {
		dst[n] = optEnd
		n++
	}
	dst[0] = 0x40 | byte(n/4)
	return n
}
