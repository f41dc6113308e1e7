// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// blockSize is how many free packets move between a cache and the pool
// together. Several blocks move at a time if there are as many.
const blockSize = 64

// Pool owns all packet buffers of an engine. Workers take and return packets
// through a Cache of their own; caches exchange whole blocks with the pool
// without locks.
//
// Free packets are in one of three places: never used yet (fresh), in a block
// on the stack full, or in a cache. Blocks without packets wait on the stack
// empty. Both stacks are lists of block numbers whose head carries a tag that
// changes with every operation, so that a slow reader cannot mistake a block
// that went and came back for one that stayed.
type Pool struct {
	capacity int
	cacheCap int
	arena    []byte
	meta     []byte
	fresh    atomic.Int64 // packets handed out for the first time
	blocks   []block
	full     stack
	empty    stack
	nextNew  atomic.Int64 // blocks taken for the first time
	caches   atomic.Pointer[[]*Cache]
	fullPkts atomic.Int64 // packets in blocks on full
}

type block struct {
	next atomic.Uint32 // block number + 1 of the one below, 0 at the bottom
	n    int           // packets in pkts
	pkts [blockSize]Packet
}

// overRead is how far behind the last buffer ReadTuples may read.
const overRead = 64

type stack struct{ head atomic.Uint64 } // tag << 32 | block number + 1

// NewPool returns a pool of capacity buffers, a power of two (spec: daemon.md,
// flag -buffers). Memory is reserved, not touched: it becomes resident as
// packets are used.
func NewPool(capacity int) (*Pool, error) {
	if capacity < 1 || bits.OnesCount(uint(capacity)) != 1 || capacity > 1<<26 {
		return nil, fmt.Errorf("packet pool: %d buffers: must be a power of two in 1..%d", capacity, 1<<26)
	}
	arena, err := sys.Map(capacity*Stride + overRead)
	if err != nil {
		return nil, fmt.Errorf("packet pool of %d buffers: %w", capacity, err)
	}
	meta, err := sys.Map(capacity * MetadataSize)
	if err != nil {
		sys.Unmap(arena)
		return nil, fmt.Errorf("packet pool of %d buffers: metadata: %w", capacity, err)
	}
	p := &Pool{capacity: capacity, arena: arena, meta: meta}
	p.cacheCap = min(max(capacity/8, 2*blockSize), cacheSlots)
	p.blocks = make([]block, 2*capacity/blockSize+maxCaches)
	p.caches.Store(&[]*Cache{})
	return p, nil
}

// Close releases the memory. No packet of the pool may be in use.
func (p *Pool) Close() {
	sys.Unmap(p.arena)
	sys.Unmap(p.meta)
	p.arena, p.meta = nil, nil
}

// Capacity returns the number of buffers.
func (p *Pool) Capacity() int { return p.capacity }

// Available returns how many packets are free, caches included. While
// workers run the figure is approximate.
func (p *Pool) Available() int {
	n := p.capacity - int(min(p.fresh.Load(), int64(p.capacity)))
	n += int(p.fullPkts.Load())
	for _, c := range *p.caches.Load() {
		n += int(c.free.Load())
	}
	return min(max(n, 0), p.capacity)
}

// CacheSize returns the most packets one worker keeps for itself.
func (p *Pool) CacheSize() int { return p.cacheCap }

// FreeListBytes returns the memory of the lists of free packets.
func (p *Pool) FreeListBytes() uint64 {
	return uint64(len(p.blocks)) * (blockSize + 1) * 8
}

// chain is blocks that are linked, by number + 1; first is 0 if there are none.
type chain struct{ first, last uint32 }

// pop takes up to max blocks off the top of s, with one look at what other
// cores write, too.
func (p *Pool) pop(s *stack, max int) (c chain, n int) {
	for {
		h := s.head.Load()
		c = chain{first: uint32(h), last: uint32(h)}
		if c.first == 0 {
			return c, 0
		}
		// If others take these blocks meanwhile the links are of another
		// chain; the swap fails then.
		below := p.blocks[c.last-1].next.Load()
		for n = 1; n < max && below != 0; n++ {
			c.last = below
			below = p.blocks[below-1].next.Load()
		}
		if s.head.CompareAndSwap(h, (h>>32+1)<<32|uint64(below)) {
			return c, n
		}
	}
}

// push puts the blocks of c on s.
func (p *Pool) push(s *stack, c chain) {
	last := &p.blocks[c.last-1]
	for {
		h := s.head.Load()
		last.next.Store(uint32(h))
		if s.head.CompareAndSwap(h, (h>>32+1)<<32|uint64(c.first)) {
			return
		}
	}
}

// take moves free packets into dst, as many blocks as there is room for at
// most, and returns how many there were; 0 if the pool is exhausted.
func (p *Pool) take(dst []Packet) int {
	if c, k := p.pop(&p.full, len(dst)/blockSize); k > 0 {
		n, id := 0, c.first
		for range k {
			b := &p.blocks[id-1]
			n += copy(dst[n:], b.pkts[:b.n])
			id = b.next.Load()
		}
		p.fullPkts.Add(-int64(n))
		p.push(&p.empty, c)
		return n
	}
	return p.takeFresh(dst)
}

// takeFresh is take for packets that were never used, a block of them.
func (p *Pool) takeFresh(dst []Packet) int {
	if p.fresh.Load() >= int64(p.capacity) {
		return 0
	}
	end := p.fresh.Add(blockSize)
	first := end - blockSize
	end = min(end, int64(p.capacity))
	n := 0
	for i := first; i < end; i++ {
		dst[n] = p.build(int(i))
		n++
	}
	return n
}

// build writes the header of buffer i for the first time.
func (p *Pool) build(i int) Packet {
	at := addressOf(p.arena) + uintptr(i*Stride)
	pkt := Packet(at)
	h := pkt.hdr()
	h.buf = at + headerSize
	h.meta = addressOf(p.meta) + uintptr(i*MetadataSize)
	pkt.reset()
	return pkt
}

// give returns free packets to the pool. A short block is first filled up from
// the top of full: two neighbours on full then hold more than blockSize
// packets, and twice the capacity in blocks always suffices.
func (p *Pool) give(src []Packet) {
	p.fullPkts.Add(int64(len(src)))
	if short := len(src) % blockSize; short > 0 {
		p.giveShort(src[:short])
		src = src[short:]
	}
	for len(src) > 0 {
		c, k := p.emptyBlocks(len(src) / blockSize)
		id := c.first
		for range k {
			b := &p.blocks[id-1]
			b.n = copy(b.pkts[:], src)
			src = src[b.n:]
			id = b.next.Load()
		}
		p.push(&p.full, c)
	}
}

// giveShort is give for less than a block.
func (p *Pool) giveShort(src []Packet) {
	if c, k := p.pop(&p.full, 1); k > 0 {
		b := &p.blocks[c.first-1]
		k := copy(b.pkts[b.n:], src)
		b.n += k
		src = src[k:]
		p.push(&p.full, c)
	}
	if len(src) > 0 {
		c, _ := p.emptyBlocks(1)
		b := &p.blocks[c.first-1]
		b.n = copy(b.pkts[:], src)
		p.push(&p.full, c)
	}
}

// emptyBlocks returns one to max blocks.
func (p *Pool) emptyBlocks(max int) (chain, int) {
	if c, k := p.pop(&p.empty, max); k > 0 {
		return c, k
	}
	id := uint32(p.nextNew.Add(1))
	return chain{id, id}, 1
}
