// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

const (
	// blockSize is the most free packets that move between a cache and the
	// pool together: half a cache, so that what other cores write, too, is
	// looked at rarely.
	blockSize = cacheSlots / 2
	// unit divides the sizes of caches and blocks of small pools.
	unit = 64
)

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
	block    int // packets of a block that is full
	arena    []byte
	meta     []byte
	fresh    atomic.Int64 // packets handed out for the first time
	blocks   []block
	full     stack
	empty    stack
	nextNew  atomic.Int64 // blocks taken for the first time
	caches   atomic.Pointer[[]*Cache]
	// balance is how many more packets closed caches gave than they took.
	balance atomic.Int64
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
	p.cacheCap = min(max(capacity/8, 2*unit), cacheSlots)
	p.block = p.cacheCap / 2 / unit * unit
	p.blocks = make([]block, 2*capacity/p.block+maxCaches)
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
	n := p.capacity + int(p.balance.Load())
	for _, c := range *p.caches.Load() {
		n += int(c.free.Load() + c.given.Load() - c.taken.Load())
	}
	return min(max(n, 0), p.capacity)
}

// CacheSize returns the most packets one worker keeps for itself.
func (p *Pool) CacheSize() int { return p.cacheCap }

// FreeListBytes returns the memory of the lists of free packets.
func (p *Pool) FreeListBytes() uint64 {
	return uint64(len(p.blocks)) * (blockSize + 2) * 8
}

// pop takes a block off the top of s and returns its number + 1, or 0 if there
// is none.
func (p *Pool) pop(s *stack) uint32 {
	for {
		h := s.head.Load()
		id := uint32(h)
		if id == 0 {
			return 0
		}
		// If others take the block meanwhile the link is of another stack; the
		// swap fails then.
		below := p.blocks[id-1].next.Load()
		if s.head.CompareAndSwap(h, (h>>32+1)<<32|uint64(below)) {
			return id
		}
	}
}

// push puts a block on s, by its number + 1.
func (p *Pool) push(s *stack, id uint32) {
	for {
		h := s.head.Load()
		p.blocks[id-1].next.Store(uint32(h))
		if s.head.CompareAndSwap(h, (h>>32+1)<<32|uint64(id)) {
			return
		}
	}
}

// take moves the free packets of a block into dst, which has room for them, and
// returns how many there were; 0 if the pool is exhausted.
func (p *Pool) take(dst []Packet) int {
	id := p.pop(&p.full)
	if id == 0 {
		return p.takeFresh(dst)
	}
	b := &p.blocks[id-1]
	n := copy(dst, b.pkts[:b.n])
	p.push(&p.empty, id)
	return n
}

// takeFresh is take for packets that were never used, a unit of them.
func (p *Pool) takeFresh(dst []Packet) int {
	if p.fresh.Load() >= int64(p.capacity) {
		return 0
	}
	end := p.fresh.Add(unit)
	first := end - unit
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
// the top of full: two neighbours on full then hold more packets than a block,
// and twice the capacity in blocks always suffices.
func (p *Pool) give(src []Packet) {
	if short := len(src) % p.block; short > 0 {
		if id := p.pop(&p.full); id > 0 {
			b := &p.blocks[id-1]
			k := copy(b.pkts[b.n:p.block], src[:short])
			b.n += k
			src = src[k:]
			p.push(&p.full, id)
		}
	}
	for len(src) > 0 {
		id := p.emptyBlock()
		b := &p.blocks[id-1]
		b.n = copy(b.pkts[:p.block], src)
		src = src[b.n:]
		p.push(&p.full, id)
	}
}

func (p *Pool) emptyBlock() uint32 {
	if id := p.pop(&p.empty); id > 0 {
		return id
	}
	return uint32(p.nextNew.Add(1))
}
