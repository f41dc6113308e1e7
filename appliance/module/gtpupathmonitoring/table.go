// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gtpupathmonitoring

import (
	"math"
	"slices"
)

const (
	// window is how many of the last requests can still be answered.
	window = 1024
	// patience is how long an answer can take, in ns.
	patience = 60_000_000_000
	// maxPeers bounds the memory that a client can ask for.
	maxPeers = 65536
)

// peer is who is probed, or was and has results.
type peer struct {
	ip   uint32
	refs uint32 // how often it was added; 0: only its results are kept
	// pending has a bit for each of the last requests that is not answered.
	pending [window / 64]uint64

	count, mean, min, max uint64 // of latencies, ns
}

// reset empties the results.
func (p *peer) reset() { p.count, p.mean, p.min, p.max = 0, 0, math.MaxUint64, 0 }

// record takes a latency in ns into the results.
func (p *peer) record(ns uint64) {
	p.count++
	p.min, p.max = min(p.min, ns), max(p.max, ns)
	p.mean = uint64(int64(p.mean) + (int64(ns)-int64(p.mean))/int64(p.count))
}

// table holds the peers in the order of their addresses, and when the last
// requests were sent.
type table struct {
	peers []peer
	// gone are peers that were deleted; their results can still be read.
	gone []peer
	seq  uint16         // of the next request
	when [window]uint64 // ns, by the low bits of the sequence number
}

func byIP(p peer, ip uint32) int {
	switch {
	case p.ip < ip:
		return -1
	case p.ip > ip:
		return 1
	}
	return 0
}

// find returns the place of the peer, or where it belongs.
func find(peers []peer, ip uint32) (int, bool) { return slices.BinarySearchFunc(peers, ip, byIP) }

// clear forgets everything.
func (t *table) clear() { *t = table{} }

// next returns the sequence number of a request sent now.
func (t *table) next(now uint64) uint16 {
	seq := t.seq
	t.seq++
	t.when[seq%window] = now
	// Whoever has not answered the request that had this place will not.
	for i := range t.peers {
		t.peers[i].pending[seq%window/64] &^= 1 << (seq % 64)
	}
	return seq
}

// sent notes that the request goes to peer i and returns its address.
func (t *table) sent(i int, seq uint16) uint32 {
	p := &t.peers[i]
	p.pending[seq%window/64] |= 1 << (seq % 64)
	return p.ip
}

// answered records the response to request seq and reports whether there was
// one to wait for.
func (t *table) answered(ip uint32, seq uint16, now uint64) bool {
	i, ok := find(t.peers, ip)
	if age := t.seq - seq; !ok || age == 0 || age > window {
		return false
	}
	p, bit := &t.peers[i], uint64(1)<<(seq%64)
	word := &p.pending[seq%window/64]
	if *word&bit == 0 {
		return false
	}
	*word &^= bit
	sent := t.when[seq%window]
	if now < sent || now-sent > patience {
		return false
	}
	p.record((now - sent) / 2)
	return true
}
