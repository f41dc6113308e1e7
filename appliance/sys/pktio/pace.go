// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Pace says how fast the packets of a file come. At most one field is set;
// without any they come as fast as they are asked for.
type Pace struct {
	// Recorded keeps the distances in time that the file tells.
	Recorded bool
	// PPS is a number of packets per second.
	PPS uint64
	// BPS is a number of bits per second, counted as traffic classes do: with
	// the overhead of Ethernet.
	BPS uint64
}

// maxLag is how much of what was due while nobody asked, or no buffer was
// free, comes at once.
const maxLag = int64(100 * time.Millisecond)

// pacer tells when the next packet of a file is due. Times are in nanoseconds
// since start.
type pacer struct {
	Pace
	start time.Time
	clock func() time.Duration // of tests; otherwise the time since start
	base  int64                // when the first packet was due
	sent  uint64               // packets or bits since base
	due   int64                // when the next packet is due

	first, last int64 // stamps of the first and the last packet of the file
	round       int64 // from one first packet to the next when the file is repeated
}

// paced reports whether there is anything to wait for.
func (p *pacer) paced() bool { return p.Recorded || p.PPS > 0 || p.BPS > 0 }

// see notes the stamp of the next packet of the file, before the first use.
func (p *pacer) see(stamp int64, frames int) {
	if frames == 1 {
		p.first, p.last = stamp, stamp
	}
	p.first, p.last = min(p.first, stamp), max(p.last, stamp)
	// Between the last packet and the first one of the next round passes the
	// mean distance; a file that takes no time is sent once a second.
	p.round = int64(time.Second)
	if d := p.last - p.first; d > 0 {
		p.round = d + d/int64(frames-1)
	}
}

// now returns the time; the first call, which is told the stamp of the first
// packet, is the beginning.
func (p *pacer) now(stamp int64) int64 {
	if p.start.IsZero() {
		p.start = time.Now()
		if p.Recorded {
			p.due = stamp - p.first
		}
	}
	now := int64(p.since())
	if late := now - p.due; late > maxLag {
		p.base += late
		p.due = now
	}
	return now
}

func (p *pacer) since() time.Duration {
	if p.clock != nil {
		return p.clock()
	}
	return time.Since(p.start)
}

// advance notes that a packet of size bytes went. The next one has the given
// stamp; again says that it is the first of the next round.
func (p *pacer) advance(size int, stamp int64, again bool) {
	switch {
	case p.Recorded:
		if again {
			p.base += p.round
		}
		p.due = p.base + stamp - p.first
	case p.PPS > 0:
		p.sent++
		p.due = p.base + scale(p.sent, uint64(time.Second), p.PPS)
	case p.BPS > 0:
		p.sent += packet.Bits(1, uint64(size))
		p.due = p.base + scale(p.sent, uint64(time.Second), p.BPS)
	}
}

// scale returns n * mul / div, at most the largest number.
func scale(n, mul, div uint64) int64 {
	hi, lo := bits.Mul64(n, mul)
	if hi >= div {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, div)
	return int64(min(q, math.MaxInt64))
}

// String tells the pace, with a leading comma; "" if there is none.
func (p Pace) String() string {
	switch {
	case p.Recorded:
		return ", as recorded"
	case p.PPS > 0:
		return fmt.Sprintf(", %d packets per second", p.PPS)
	case p.BPS > 0:
		return fmt.Sprintf(", %d bits per second", p.BPS)
	}
	return ""
}
