// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipfrag

import (
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// The message "fragmentation needed and DF set" (RFC 792, RFC 1191 section 4).
const (
	fragmentationNeeded = 4       // code
	controlTOS          = 48 << 2 // precedence 6, internetwork control (RFC 1812 section 4.3.2.5)
	answerTTL           = 64
	// maxQuote is how much of the packet is sent back, so that the answer has
	// no more than 576 bytes (RFC 1812 section 4.3.2.3).
	maxQuote = 576 - header.IPv4MinLen - header.ICMPLen
)

// answerable reports whether the sender of a packet may be told what became of
// it (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.7).
func (pl *plan) answerable() bool {
	eth := header.Ethernet(pl.l2)
	if eth.Dst().IsMulticast() || eth.Src().IsMulticast() || pl.ip.FragmentOffset() != 0 {
		return false
	}
	if !isHost(pl.ip.Src()) || pl.ip.Dst() >= firstGroup {
		return false
	}
	if pl.ip.Protocol() != header.ProtoICMP {
		return true
	}
	m, ok := header.ParseICMP(pl.ip.Payload(), 0)
	return ok && m.IsQuery() // errors are not answered by errors
}

// firstGroup is the first address that is no host's: groups, reserved ones and
// broadcast follow.
const firstGroup = 224 << 24

// isHost reports whether an address can be that of one other host.
func isHost(addr uint32) bool { return addr>>24 != 0 && addr>>24 != 127 && addr < firstGroup }

// answer returns the message to the sender of p, 0 if there is no buffer for
// it. It has the metadata of p. limit is the longest frame.
func (pl *plan) answer(ctx *module.Context, p packet.Packet, from uint32, limit int) packet.Packet {
	q := ctx.Cache.Alloc()
	if q == 0 {
		return 0
	}
	at := len(pl.l2)
	n := min(pl.ip.TotalLen(), maxQuote)
	q.Append(at + header.IPv4MinLen + header.ICMPLen + n)
	d := q.Bytes()
	copy(d, pl.l2)
	eth := header.Ethernet(d)
	src, dst := eth.Src(), eth.Dst()
	eth.SetDst(src)
	eth.SetSrc(dst)
	header.IPv4(d[at:]).Encode(&header.IPv4Fields{TOS: controlTOS, TotalLen: uint16(len(d) - at),
		Fragment: header.IPv4DontFragment, TTL: answerTTL, Protocol: header.ProtoICMP, Src: from, Dst: pl.ip.Src()})
	m := header.ICMP(d[at+header.IPv4MinLen:])
	m.Encode(&header.ICMPFields{Type: header.ICMPUnreachable, Code: fragmentationNeeded, Seq: uint16(min(limit-at, 0xffff))})
	p.CopyAt(m.Payload(), at)
	m.SetChecksum(m.ComputeChecksum())
	q.CopyMetadata(p, ctx.MetaLen)
	return q
}

// Answers per instance: 1000 a second, 50 at once.
const (
	answerEvery = 1_000_000 // nanoseconds
	answerBurst = 50
)

// pacer limits how many answers are sent (RFC 1812 section 4.3.2.8). Safe for
// use by several workers.
type pacer struct {
	next atomic.Uint64 // when all answers so far are paid for, in nanoseconds
}

// take reports whether one more may be sent now.
func (l *pacer) take(now uint64) bool {
	for {
		next := l.next.Load()
		due := max(next, now)
		if due-now > (answerBurst-1)*answerEvery {
			return false
		}
		if l.next.CompareAndSwap(next, due+answerEvery) {
			return true
		}
	}
}
