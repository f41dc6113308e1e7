// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

const (
	// cacheSlots is the most free packets a cache keeps.
	cacheSlots = 512
	// maxCaches bounds the caches of a pool: 64 workers and the control side.
	maxCaches = 256
)

// Cache is one worker's stock of free packets, last in first out so that the
// next packet is likely still in the processor's cache. Not safe for use by
// several goroutines.
type Cache struct {
	pool  *Pool
	n     int
	limit int
	// cold is how many of the oldest packets came from the pool and have not
	// been asked for, see own.
	cold int
	// spills counts blocks given back to the pool: as long as it stands
	// still, every packet freed is still in slots.
	spills uint64
	free   sys.Counter
	given  sys.Counter // packets that went to the pool
	taken  sys.Counter // packets that came from it
	slots  [cacheSlots + BatchSize]Packet
}

// NewCache returns an empty cache of the pool. Call Close when its worker
// ends. Not safe for concurrent use with itself or Close: the engine creates
// and closes caches under its own lock.
func (p *Pool) NewCache() *Cache {
	c := &Cache{pool: p, limit: p.cacheCap}
	old := *p.caches.Load()
	list := append(append([]*Cache(nil), old...), c)
	p.caches.Store(&list)
	return c
}

// Close returns all packets to the pool.
func (c *Cache) Close() {
	c.Flush()
	c.pool.balance.Add(int64(c.given.Load() - c.taken.Load()))
	var list []*Cache
	for _, o := range *c.pool.caches.Load() {
		if o != c {
			list = append(list, o)
		}
	}
	c.pool.caches.Store(&list)
}

// Flush returns the cached packets to the pool, for a worker that goes idle.
func (c *Cache) Flush() {
	if c.n > 0 {
		c.give(c.n)
		c.n, c.cold = 0, 0
		c.spills++
	}
	c.free.Set(0)
}

// Alloc returns one empty packet, 0 if the pool is exhausted.
func (c *Cache) Alloc() Packet {
	if c.n == 0 && !c.refill(1) {
		return 0
	}
	c.n--
	c.free.Set(uint64(c.n))
	p := c.slots[c.n]
	p.reset()
	return p
}

// AllocBatch fills b with n packets (0..BatchSize) of size bytes whose
// content is undefined, all or none, and reports whether it could.
func (c *Cache) AllocBatch(b *Batch, n, size int) bool {
	if !c.take(b, n) {
		return false
	}
	for _, p := range b.Packets() {
		p.Init(size)
	}
	return true
}

// AllocZeroBatch is AllocBatch with all bytes zero.
func (c *Cache) AllocZeroBatch(b *Batch, n, size int) bool {
	if 0 <= size && size <= ImageSize { // the usual sizes of generated packets
		src, ok := c.draw(b, n)
		if ok {
			stampFresh(b.pkts[:n], src, &zeroImages[size])
		}
		return ok
	}
	if !c.take(b, n) {
		return false
	}
	for _, p := range b.Packets() {
		p.Init(size)
		clear(p.Bytes())
	}
	return true
}

// take moves n packets from the stock to b, all or none.
func (c *Cache) take(b *Batch, n int) bool {
	src, ok := c.draw(b, n)
	copy(b.pkts[:], src)
	return ok
}

// draw takes n packets from the stock, all or none, for b, to which the caller
// has to copy them.
func (c *Cache) draw(b *Batch, n int) (ps []Packet, ok bool) {
	if c.n < n && !c.refill(n) {
		b.n = 0
		return nil, false
	}
	c.n -= n
	b.n = n
	c.free.Set(uint64(c.n))
	if c.n <= c.cold && c.n > 0 {
		c.warm()
	}
	return c.slots[c.n:][:n], true
}

// warm asks for the packets that are taken next.
func (c *Cache) warm() {
	c.cold = max(c.n-unit, 0)
	own(c.slots[c.cold:c.n])
}

func (c *Cache) refill(n int) bool {
	for c.n < n {
		k := c.pool.take(c.slots[c.n : c.n+c.pool.block])
		if k == 0 {
			return false
		}
		c.taken.Add(uint64(k))
		c.n += k
	}
	c.free.Set(uint64(c.n))
	c.warm()
	return true
}

// Free returns p, with all its segments.
func (c *Cache) Free(p Packet) {
	for p != 0 {
		next := p.Next()
		p.hdr().link = 0
		c.put(p)
		p = next
	}
	c.free.Set(uint64(c.n))
}

// FreeTail returns all segments of p but the first, which then is the whole
// packet.
func (c *Cache) FreeTail(p Packet) {
	h := p.hdr()
	next := h.next()
	h.setNext(0)
	h.total = h.len
	c.Free(next)
}

func (c *Cache) put(p Packet) {
	if c.n >= c.limit {
		c.spill()
	}
	c.slots[c.n] = p
	c.n++
}

// FreeBatch returns all packets of b and makes it empty.
func (c *Cache) FreeBatch(b *Batch) {
	c.FreeAll(b.Packets())
	b.n = 0
}

// FreeAll returns all of ps, at most BatchSize.
func (c *Cache) FreeAll(ps []Packet) {
	if c.n+len(ps) > c.limit {
		c.spill()
	}
	// The packets are put down while they are looked at; if one of them has
	// segments or flags, that did not happen.
	links := put(c.slots[c.n:], ps)
	if links == 0 {
		c.n += len(ps)
		c.free.Set(uint64(c.n))
		return
	}
	for _, p := range ps {
		c.Free(p)
	}
}

// putPortable copies ps to dst, which is not shorter, and returns all links of
// the packets in one.
func putPortable(dst, ps []Packet) (links uintptr) {
	dst = dst[:len(ps)]
	for i, p := range ps {
		dst[i] = p
		links |= p.hdr().link
	}
	return links
}

// spill gives the oldest block of the stock to the pool.
func (c *Cache) spill() {
	k := c.pool.block
	c.give(k)
	c.n = copy(c.slots[:], c.slots[k:c.n])
	c.cold = max(c.cold-k, 0)
	c.spills++
}

// give gives the first n packets of the stock to the pool.
func (c *Cache) give(n int) {
	c.pool.give(c.slots[:n])
	c.given.Add(uint64(n))
}

// Copy returns a copy of p: all bytes, the first md bytes of metadata and the
// flags. It returns 0 if the pool is exhausted.
func (c *Cache) Copy(p Packet, md int) Packet {
	var head, last Packet
	for s := p; s != 0; s = s.Next() {
		q := c.Alloc()
		if q == 0 {
			c.Free(head)
			return 0
		}
		sh, qh := s.hdr(), q.hdr()
		qh.data = qh.buf + (sh.data - sh.buf)
		qh.len = sh.len
		copy(q.Bytes(), s.Bytes())
		if head == 0 {
			head = q
			qh.total, qh.csum, qh.pieces = sh.total, sh.csum, sh.pieces
			q.SetFlags(p.Flags())
			if md > 0 {
				q.CopyMetadata(p, md)
			}
		} else {
			last.hdr().setNext(q)
		}
		last = q
	}
	return head
}

// CopyBatch fills the empty batch dst with copies of the packets of src, as
// Copy makes them. It leaves out those for which there is no free packet.
func (c *Cache) CopyBatch(dst, src *Batch, md int) {
	ps := src.Packets()
	var links uintptr
	for _, p := range ps {
		links |= p.hdr().link
	}
	if links == 0 && c.take(dst, len(ps)) {
		copyHeads(dst.Packets(), ps)
		if md > 0 {
			for i, p := range ps {
				dst.At(i).CopyMetadata(p, md)
			}
		}
		return
	}
	for _, p := range ps {
		if q := c.Copy(p, md); q != 0 {
			dst.Add(q)
		}
	}
}

// New returns a packet holding a copy of data, in as many segments as it
// needs, or 0 if the pool is exhausted or data exceeds MaxTotal bytes.
func (c *Cache) New(data []byte) Packet {
	head := c.AllocTotal(len(data))
	for s := head; s != 0; s = s.Next() {
		data = data[copy(s.Bytes(), data):]
	}
	return head
}

// Pool returns the pool the cache belongs to.
func (c *Cache) Pool() *Pool { return c.pool }

// Mark returns a value that Freed later compares with.
func (c *Cache) Mark() uint64 { return c.spills }

// Freed reports, after a fault, which of ps are in the cache now, in the
// order of ps. ok is false if packets went to the pool since mark was taken,
// in which case nobody can tell. It is meant for cleaning up after a panic
// and takes time in proportion to the cache.
func (c *Cache) Freed(mark uint64, ps []Packet) (freed []bool, ok bool) {
	if c.spills != mark {
		return nil, false
	}
	in := make(map[Packet]bool, c.n)
	for _, p := range c.slots[:c.n] {
		in[p] = true
	}
	freed = make([]bool, len(ps))
	for i, p := range ps {
		freed[i] = in[p]
	}
	return freed, true
}
