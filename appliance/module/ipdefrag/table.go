// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package ipdefrag

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// key tells incomplete packets apart: addresses, identification, protocol (RFC
// 791) and, as the same addresses may be in use in several of them, VLANs.
type key struct{ addrs, rest uint64 }

// newKey returns the key of a fragment whose IPv4 header begins at at.
func newKey(frame []byte, ip header.IPv4, at int) key {
	k := key{binary.LittleEndian.Uint64(ip[12:20]), uint64(ip.ID())<<40 | uint64(ip.Protocol())<<32}
	for i := header.EthernetLen; i < at; i += header.VLANLen {
		k.rest |= uint64(header.VLAN(frame[i:]).VID()) << (12 * (i - header.EthernetLen) / header.VLANLen)
	}
	return k
}

// result is what became of a fragment.
type result int

const (
	kept      result = iota
	complete         // all pieces are given back
	duplicate        // it alone is given back
	overlap          // all pieces are given back, for dropping
	tooMany          // the same
	evicted          // it is not in yet, the oldest packet's pieces are given back
)

// never is later than any time.
const never = math.MaxUint64

// none ends lists of indexes.
const none = int32(-1)

// table holds the fragments of incomplete packets. All memory is taken at the
// start; when it is used up the oldest packet makes room.
//
//	buckets --> entry --> entry        one entry per packet
//	              |  \
//	            node  node  node       its fragments in the order of places
//
// Entries are also on a list in the order in which they began.
type table struct {
	mu      sync.Mutex
	first   *atomic.Uint64 // when the oldest entry began, never if there is none
	buckets []int32        // first entry; a power of two
	entries []entry
	nodes   []node

	freeEntry, freeNode int32
	oldest, newest      int32
}

type entry struct {
	key          key
	began        uint64
	chain        int32 // next entry in the bucket, or on the free list
	older, newer int32
	first        int32 // node
	count        int   // nodes
	have         int   // bytes of payload
	size         int   // bytes of payload of the packet, -1 if not known yet
}

type node struct {
	piece
	next int32
}

// nodesPerFlow is how many fragments there is room for on average.
const nodesPerFlow = 8

// newTable returns a table for the fragments of that many packets, of which no
// more than held are kept.
func newTable(flows, held int, first *atomic.Uint64) *table {
	held = max(min(flows*nodesPerFlow, held), maxPieces)
	t := &table{
		first:   first,
		buckets: make([]int32, 1<<bits.Len(uint(flows-1))),
		entries: make([]entry, flows),
		nodes:   make([]node, held),
		oldest:  none, newest: none,
	}
	first.Store(never)
	for i := range t.buckets {
		t.buckets[i] = none
	}
	for i := range t.entries {
		t.entries[i].chain = int32(i + 1)
	}
	t.entries[flows-1].chain = none
	for i := range t.nodes {
		t.nodes[i].next = int32(i + 1)
	}
	t.nodes[held-1].next = none
	return t
}

func (t *table) bucket(k key) *int32 {
	h := header.CRC32CUint64(header.CRC32CUint64(0, k.addrs), k.rest)
	return &t.buckets[h&uint32(len(t.buckets)-1)]
}

// insert takes fragment f of the packet k, or gives back fragments in out,
// which must be empty. A new packet begins now.
func (t *table) insert(k key, f piece, now uint64, out *pieces) result {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.freeNode == none {
		t.remove(t.oldest, out)
		return evicted
	}
	i := *t.bucket(k)
	for i != none && t.entries[i].key != k {
		i = t.entries[i].chain
	}
	if i == none {
		if t.freeEntry == none {
			t.remove(t.oldest, out)
			return evicted
		}
		i = t.open(k, now)
	}
	r := t.place(&t.entries[i], f)
	switch {
	case r == duplicate:
		out.add(f)
		return r
	case r != kept:
		t.remove(i, out)
		out.add(f)
		return r
	case t.entries[i].have == t.entries[i].size:
		t.remove(i, out)
		if out.size() > out.at[0].room() {
			return overlap
		}
		return complete
	}
	return kept
}

// open begins a packet.
func (t *table) open(k key, now uint64) int32 {
	i := t.freeEntry
	e := &t.entries[i]
	t.freeEntry = e.chain
	b := t.bucket(k)
	*e = entry{key: k, began: now, chain: *b, older: t.newest, newer: none, first: none, size: -1}
	*b = i
	if t.newest != none {
		t.entries[t.newest].newer = i
	} else {
		t.oldest = i
		t.first.Store(now)
	}
	t.newest = i
	return i
}

// place puts a fragment where it belongs, or says why it must not.
func (t *table) place(e *entry, f piece) result {
	end := f.off + f.len
	link := &e.first
	tail := 0 // end of the payload in front of f
	for *link != none && t.nodes[*link].off < f.off {
		n := &t.nodes[*link]
		tail = n.off + n.len
		link = &n.next
	}
	if next := *link; next != none {
		n := &t.nodes[next]
		if n.off == f.off && n.same(&f) {
			return duplicate
		}
		if n.off < end || f.last {
			return overlap
		}
	}
	switch {
	case tail > f.off, e.size >= 0 && (f.last || end > e.size):
		return overlap
	case e.count == maxPieces:
		return tooMany
	}
	if f.last {
		e.size = end
	}
	i := t.freeNode
	t.freeNode = t.nodes[i].next
	t.nodes[i] = node{f, *link}
	*link = i
	e.count++
	e.have += f.len
	return kept
}

// remove gives back the fragments of a packet and forgets it.
func (t *table) remove(i int32, out *pieces) {
	e := &t.entries[i]
	for j := e.first; j != none; {
		n := &t.nodes[j]
		out.add(n.piece)
		next := n.next
		n.p, n.next = packet.Packet(0), t.freeNode
		t.freeNode = j
		j = next
	}
	link := t.bucket(e.key)
	for *link != i {
		link = &t.entries[*link].chain
	}
	*link = e.chain
	if e.older != none {
		t.entries[e.older].newer = e.newer
	} else {
		t.oldest = e.newer
	}
	if e.newer != none {
		t.entries[e.newer].older = e.older
	} else {
		t.newest = e.older
	}
	e.chain = t.freeEntry
	t.freeEntry = i
	if t.oldest == none {
		t.first.Store(never)
	} else {
		t.first.Store(t.entries[t.oldest].began)
	}
}

// expired gives back the fragments of a packet that began at a time or before
// and reports whether there was one.
func (t *table) expired(began uint64, out *pieces) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.oldest == none || t.entries[t.oldest].began > began {
		return false
	}
	t.remove(t.oldest, out)
	return true
}
