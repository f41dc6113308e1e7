// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	mathrand "math/rand/v2"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// key is an endpoint with its protocol:
//
//	| 1 | transport 2 bits | address 32 bits | port or identifier 16 bits |
//
// so that no key is 0.
type key uint64

// transport numbers the protocols that can be translated.
type transport uint64

const (
	tcp transport = iota
	udp
	icmp
	transports = 3
)

func makeKey(t transport, addr uint32, port uint16) key {
	return key(1<<50 | uint64(t)<<48 | uint64(addr)<<16 | uint64(port))
}

func (k key) transport() transport { return transport(k >> 48 & 3) }
func (k key) addr() uint32         { return uint32(k >> 16) }
func (k key) port() uint16         { return uint16(k) }

// Seconds after which a mapping that the inside has not used is given up:
// RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2.
const (
	timeoutUDP         = 300
	timeoutICMP        = 60
	timeoutTCP         = 240 // being opened or closed
	timeoutEstablished = 7440
)

// Sizes. The memory is reserved, and used as mappings come.
const (
	minMappings = 1 << 20
	maxMappings = 1 << 22
	// maxChain bounds the way through a chain that changes meanwhile.
	maxChain = 256
	// sweepSeconds is within how many seconds all mappings are looked at, and
	// sweepStep how many at most while the lock is held.
	sweepSeconds = 16
	sweepStep    = 1024
)

// mapping joins an inside endpoint to an outside one. It lives outside the Go
// heap. Workers read it without lock: in is 0 while the rest changes, so a
// reader that finds what it looked for before and after reading has read what
// belongs together.
type mapping struct {
	in, out     atomic.Uint64
	next        atomic.Uint32 // of the chain, or of the free list: index + 1
	used        atomic.Uint32 // second in which the inside used it last
	established atomic.Uint32 // 1 for a TCP connection that is open
	space       uint32        // number of the space that out is in; lock
}

// expired reports whether the mapping is to be given up.
func (m *mapping) expired(t transport, now uint32) bool {
	limit := int32(timeoutTCP)
	switch {
	case t == udp:
		limit = timeoutUDP
	case t == icmp:
		limit = timeoutICMP
	case m.established.Load() != 0:
		limit = timeoutEstablished
	}
	return int32(now-m.used.Load()) > limit
}

// touch notes that the inside uses the mapping: only that keeps it alive
// (RFC 4787 REQ-6).
func (m *mapping) touch(now uint32) {
	if m.used.Load() != now {
		m.used.Store(now)
	}
}

// table holds all mappings. Finding takes no lock; making and removing a
// mapping takes it for a moment.
//
//	heads  ──> mapping ──> mapping        by inside endpoint
//	space of an address: port ──> mapping by outside endpoint
type table struct {
	mappings []mapping
	heads    []atomic.Uint32 // index + 1 of the first of a chain
	shift    uint8
	seed     uint64 // so that nobody can choose endpoints of one chain
	live     atomic.Int64
	mem      [2][]byte

	lock   sys.SpinLock
	free   uint32 // first of the free list: index + 1
	fresh  uint32 // mappings from here on were never used
	cursor uint32 // where sweepPart goes on
	random *mathrand.ChaCha8
	spaces []*space // all there ever were; the control side adds to them
	spare  []*space // of addresses that are no longer used; control side
}

// newTable returns a table with room for what the addresses can carry, within
// limits.
func newTable(list []external) (*table, error) {
	n := 0
	for i := range list {
		for _, r := range list[i].ranges {
			n += transports * int(r.end-r.begin)
		}
	}
	n = min(1<<bits.Len(uint(max(n, minMappings)-1)), maxMappings)
	t := &table{shift: uint8(64 - bits.Len(uint(n/2/block-1)))}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, errno.Errorf(errno.EIO, "random numbers: %w", err)
	}
	t.seed = binary.LittleEndian.Uint64(seed[:])
	t.random = mathrand.NewChaCha8(seed)
	var err error
	if t.mappings, t.mem[0], err = mapOf[mapping](n); err == nil {
		t.heads, t.mem[1], err = mapOf[atomic.Uint32](n / 2)
	}
	if err != nil {
		t.close()
		return nil, errno.Errorf(errno.ENOMEM, "mappings: %w", err)
	}
	return t, nil
}

func (t *table) close() {
	for _, m := range t.mem {
		sys.Unmap(m)
	}
	for _, s := range t.spaces {
		sys.Unmap(s.mem)
	}
}

// takeSpace returns an empty space.
func (t *table) takeSpace() (*space, error) {
	if n := len(t.spare); n > 0 {
		s := t.spare[n-1]
		t.spare = t.spare[:n-1]
		return s, nil
	}
	s, err := newSpace(uint32(len(t.spaces)))
	if err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "ports: %w", err)
	}
	t.lock.Lock()
	t.spaces = append(t.spaces, s)
	t.lock.Unlock()
	return s, nil
}

// block is how many neighbouring ports of a host have neighbouring heads, in
// one cache line: hosts use their ports in turn.
const block = 16

// head returns the head of a key's chain.
func (t *table) head(k key) *atomic.Uint32 { return &t.heads[slot(k, t.seed, t.shift)] }

func slot(k key, seed uint64, shift uint8) uint64 {
	return (uint64(k)/block^seed)*0x9e3779b97f4a7c15>>(shift&63)*block + uint64(k)%block
}

// find returns the mapping of an inside endpoint and its outside one, nil if
// there is none, or if the chain changed on the way.
func (t *table) find(k key) (*mapping, key) {
	i := t.head(k).Load()
	for n := 0; i != 0 && n < maxChain; n++ {
		m := &t.mappings[i-1]
		if m.in.Load() == uint64(k) {
			if out := m.out.Load(); m.in.Load() == uint64(k) {
				return m, key(out)
			}
			return nil, 0
		}
		i = m.next.Load()
	}
	return nil, 0
}

// found is what findAll knows of the packets of a batch.
type found struct {
	at  [packet.BatchSize]uint32 // index + 1 of the mapping
	out [packet.BatchSize]key    // its outside endpoint; 0: see find
}

// findAll is find for the keys of packets, 0 for none, but that it only looks at
// the first mapping of a chain. It does one step for all keys before the next: the
// processor then waits for the memory of many keys at once.
func (t *table) findAll(keys []key, f *found) {
	keys = keys[:min(len(keys), packet.BatchSize)]
	heads, seed, shift := t.heads, t.seed, t.shift
	for i, k := range keys {
		f.at[i] = heads[slot(k, seed, shift)].Load()
	}
	mappings := t.mappings
	for i, k := range keys {
		at := f.at[i]
		if at == 0 || k == 0 {
			continue
		}
		m := &mappings[at-1]
		if m.in.Load() == uint64(k) {
			if out := m.out.Load(); m.in.Load() == uint64(k) {
				f.out[i] = key(out)
			}
		}
	}
}

// findOutside returns the mapping of an outside endpoint and its inside one.
func (t *table) findOutside(s *space, k key) (*mapping, key) {
	i := s.index[k.transport()][k.port()].Load()
	if i == 0 {
		return nil, 0
	}
	m := &t.mappings[i-1]
	in := m.in.Load()
	if in == 0 || m.out.Load() != uint64(k) {
		return nil, 0
	}
	return m, key(in)
}

// create makes a mapping for an inside endpoint, or returns what somebody else
// has made meanwhile. reason is the counter of why it cannot.
func (t *table) create(k key, conf *atomic.Pointer[config], now uint32) (m *mapping, out key, reason int) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if m, out := t.find(k); m != nil {
		return m, out, countOutbound
	}
	ext := conf.Load().choose(k.addr())
	port, ok := t.allocate(ext, k)
	if !ok {
		// Perhaps ports of old mappings can be had.
		t.sweepSome(now)
		if port, ok = t.allocate(ext, k); !ok {
			return nil, 0, countNoPort
		}
	}
	i, ok := t.take(now)
	if !ok {
		return nil, 0, countFull
	}
	out = makeKey(k.transport(), ext.addr, port)
	m = &t.mappings[i-1]
	m.out.Store(uint64(out))
	m.used.Store(now)
	m.established.Store(0)
	m.space = ext.space.id
	head := t.head(k)
	m.next.Store(head.Load())
	m.in.Store(uint64(k))
	head.Store(i)
	ext.space.set(k.transport(), port, i)
	t.live.Add(1)
	return m, out, countCreated
}

// take returns a mapping that is not in use, as index + 1.
func (t *table) take(now uint32) (uint32, bool) {
	if t.free == 0 && int(t.fresh) == len(t.mappings) {
		t.sweepSome(now)
	}
	if i := t.free; i != 0 {
		t.free = t.mappings[i-1].next.Load()
		return i, true
	}
	if int(t.fresh) == len(t.mappings) {
		return 0, false
	}
	t.fresh++
	return t.fresh, true
}

// allocate finds a free port for an inside endpoint: low ports for low ports,
// and never 0 for TCP and UDP.
func (t *table) allocate(ext *external, k key) (uint16, bool) {
	lo, hi := uint32(0), uint32(65536)
	if k.transport() != icmp {
		if lo = 1; k.port() >= 1024 {
			lo = 1024
		} else {
			hi = 1024
		}
	}
	for _, r := range ext.ranges {
		from, to := max(lo, r.begin), min(hi, r.end)
		if r.suspended || from >= to {
			continue
		}
		start := from + uint32(t.random.Uint64()>>32*uint64(to-from)>>32)
		if p, ok := ext.space.free(k.transport(), start, to); ok {
			return p, true
		}
		if p, ok := ext.space.free(k.transport(), from, start); ok {
			return p, true
		}
	}
	return 0, false
}

// remove gives a mapping up. The lock is held.
func (t *table) remove(i uint32) {
	m := &t.mappings[i-1]
	in, out := key(m.in.Load()), key(m.out.Load())
	link := t.head(in)
	for link.Load() != i {
		link = &t.mappings[link.Load()-1].next
	}
	m.in.Store(0)
	link.Store(m.next.Load())
	t.spaces[m.space].clear(out.transport(), out.port())
	m.next.Store(t.free)
	t.free = i
	t.live.Add(-1)
}
