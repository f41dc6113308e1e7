// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Queue is one queue of a port with its statistics. The worker that uses the
// queue writes them; anybody reads.
type Queue struct {
	owner     string // guarded by Port.mu
	packets   sys.Counter
	dropped   sys.Counter
	bytes     sys.Counter
	requested [packet.BatchSize + 1]sys.Counter
	actual    [packet.BatchSize + 1]sys.Counter
	diff      [packet.BatchSize + 1]sys.Counter
	large     sys.Counter // of dropped: with packet.FlagLarge, which the device cannot send
}

// Stats are the statistics of one direction since the port was created.
type Stats struct {
	Packets, Dropped, Bytes uint64
	// Histograms over batch sizes 0..packet.BatchSize: asked for, obtained
	// (or sent), and the difference.
	Requested, Actual, Diff [packet.BatchSize + 1]uint64
}

// Recv receives up to limit packets from incoming queue q into the empty
// batch b and returns their number. Polls of a port that is down are not
// counted.
func (p *Port) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	if !p.adminUp.Load() {
		return 0
	}
	s := &p.inc[q]
	n := p.Device.Recv(q, c, b, limit)
	s.requested[limit].Add(1)
	s.actual[n].Add(1)
	s.diff[limit-n].Add(1)
	if n > 0 {
		s.packets.Add(uint64(n))
		s.bytes.Add(b.Bytes())
	}
	return n
}

// Send sends all packets of b through outgoing queue q and makes b empty.
// What the device does not take, or everything if the port is down, is freed
// and counted as dropped.
func (p *Port) Send(q int, c *packet.Cache, b *packet.Batch) {
	s := &p.out[q]
	n := b.Len()
	sent := 0
	if p.adminUp.Load() {
		// Lengths are read before the device owns, and may have freed, the
		// packets.
		var flags uint32
		var bytes uint64
		for _, pkt := range b.Packets() {
			bytes += uint64(pkt.TotalLen())
			flags |= pkt.Flags()
		}
		if flags&packet.FlagLarge != 0 && !p.large {
			n = s.dropLarge(c, b)
			bytes = b.Bytes()
		}
		sent = p.Device.Send(q, c, b.Packets())
		// A device may change the order: what it has not sent tells what it has.
		for _, pkt := range b.Packets()[sent:] {
			bytes -= uint64(pkt.TotalLen())
		}
		if !p.own {
			s.packets.Add(uint64(sent))
			s.bytes.Add(bytes)
		}
		s.requested[n].Add(1)
		s.actual[sent].Add(1)
		s.diff[n-sent].Add(1)
	}
	if sent < n {
		s.dropped.Add(uint64(n - sent))
		c.FreeAll(b.Packets()[sent:])
	}
	b.Clear()
}

// dropLarge frees the packets of b that the device cannot send and returns how
// many are left.
func (s *Queue) dropLarge(c *packet.Cache, b *packet.Batch) int {
	ps, n := b.Packets(), 0
	for _, pkt := range ps {
		if pkt.Flags()&packet.FlagLarge != 0 {
			c.Free(pkt)
			continue
		}
		ps[n] = pkt
		n++
	}
	s.dropped.Add(uint64(len(ps) - n))
	s.large.Add(uint64(len(ps) - n))
	b.SetLen(n)
	return n
}

// Stats returns the sum over all queues of a direction and the device.
func (p *Port) Stats(dir Dir) Stats {
	var t Stats
	qs := p.queues(dir)
	for i := range qs {
		q := &qs[i]
		t.Packets += q.packets.Load()
		t.Dropped += q.dropped.Load()
		t.Bytes += q.bytes.Load()
		for j := range t.Requested {
			t.Requested[j] += q.requested[j].Load()
			t.Actual[j] += q.actual[j].Load()
			t.Diff[j] += q.diff[j].Load()
		}
	}
	if d, ok := p.Device.(Statser); ok {
		inc, out := d.DeviceStats()
		if dir == Out {
			inc = out
		}
		t.Packets += inc.Packets
		t.Dropped += inc.Dropped
		t.Bytes += inc.Bytes
	}
	return t
}

// WaitFD returns the descriptor that ends the idleness of incoming queue q,
// -1 if there is none.
func (p *Port) WaitFD(q int) int {
	if w, ok := p.Device.(FDWaiter); ok {
		return w.WaitFD(q)
	}
	return -1
}

// RetryAfter returns in how many nanoseconds the idle incoming queue q is to
// be polled again; 0 if its descriptor tells, or if nothing will come.
func (p *Port) RetryAfter(q int) uint64 {
	if r, ok := p.Device.(Retrier); ok {
		return r.RetryAfter(q)
	}
	if _, ok := p.Device.(FDWaiter); ok {
		return 0
	}
	return 100_000
}
