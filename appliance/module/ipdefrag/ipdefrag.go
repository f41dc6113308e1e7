// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ipdefrag is the module class IPDefrag: IPv4 reassembly (RFC 791, RFC
// 815; spec: modules/mobile.md).
package ipdefrag

import (
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPDefrag",
	Prefix:     "ip_defrag",
	Help:       "puts the fragments of IPv4 packets together",
	IGates:     1,
	OGates:     2,
	MaxWorkers: module.MaxWorkers,
	Holds:      true,
	Arg:        (*IPDefragArg)(nil),
	Counters: []module.CounterDoc{
		countDone:      {Name: "reassembled", Unit: "packets", Help: "put together from fragments"},
		countBadSum:    {Name: "bad_checksum", Unit: "packets", Help: "whole packets passed on although the header checksum is wrong"},
		countMalformed: {Name: "malformed", Unit: "packets", Help: "fragments sent to gate 0: wrong checksum, cut short, or a place that cannot be"},
		countDuplicate: {Name: "duplicate", Unit: "packets", Help: "fragments dropped: here already"},
		countOverlap:   {Name: "overlap", Unit: "packets", Help: "fragments dropped: one overlaps another or contradicts the length of the packet"},
		countTooMany:   {Name: "too_many", Unit: "packets", Help: "fragments dropped: more than 64 of one packet"},
		countTimeout:   {Name: "timeout", Unit: "packets", Help: "fragments dropped: the rest did not come in time"},
		countEvicted:   {Name: "evicted", Unit: "packets", Help: "fragments dropped: the oldest, to make room for others"},
		countNoBuffer:  {Name: "no_buffer", Unit: "packets", Help: "fragments dropped: no packet buffers left to put them together"},
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countDone = iota
	countBadSum
	countMalformed
	countDuplicate
	countOverlap
	countTooMany
	countTimeout
	countEvicted
	countNoBuffer
)

const (
	maxFlows = 1 << 20
	// defaultTimeout is how long fragments wait for the rest (RFC 1122 section
	// 3.3.2 asks for 60 s or more, hosts have settled on 30 s), maxTimeout the
	// most that RFC 791 allows.
	defaultTimeout = 30 * time.Second
	maxTimeout     = 255 * time.Second
	// poolShare is the part of all packet buffers that fragments may take.
	poolShare = 4
)

// settings are what an argument asks for.
type settings struct {
	flows   int
	timeout time.Duration
}

// validate checks the argument and fills in what is left out. The NUMA node is
// a wish that is not needed: what is allocated is small.
func validate(arg *IPDefragArg) (s settings, err error) {
	if n := arg.GetNumFlows(); n < 1 || n > maxFlows {
		return s, module.Invalid("num_flows", n, "must be 1..%d", maxFlows)
	}
	s = settings{int(arg.GetNumFlows()), time.Duration(arg.GetTimeoutMs()) * time.Millisecond}
	if s.timeout > maxTimeout {
		return s, module.Invalid("timeout_ms", arg.GetTimeoutMs(), "must be at most %d", maxTimeout.Milliseconds())
	}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	return s, nil
}

// IPDefrag is an instance. Any number of workers may call Process at the same
// time; those with fragments take turns, because the fragments of one packet
// may arrive at different workers.
type IPDefrag struct {
	pool    *packet.Pool
	table   *table
	flows   int
	timeout atomic.Uint64 // nanoseconds
	// oldest is when the oldest incomplete packet began, in nanoseconds.
	oldest atomic.Uint64
}

func create(env *module.Env, arg *IPDefragArg) (*IPDefrag, error) {
	s, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &IPDefrag{pool: env.Pool(), flows: s.flows}
	m.timeout.Store(uint64(s.timeout))
	m.table = newTable(s.flows, m.pool.Capacity()/poolShare, &m.oldest)
	return m, nil
}

// Update changes the timeout in place; a table of another size is built anew.
func (m *IPDefrag) Update(arg proto.Message) error {
	s, err := validate(arg.(*IPDefragArg))
	if err != nil {
		return err
	}
	if s.flows != m.flows {
		return module.ErrRebuild
	}
	m.timeout.Store(uint64(s.timeout))
	return nil
}

// Process passes whole packets and other protocols on to gate 1, keeps
// fragments, and sends what they make to gate 1 in the place of the last.
func (m *IPDefrag) Process(ctx *module.Context, b *packet.Batch) {
	if now, oldest := ctx.NowNS(), m.oldest.Load(); now >= oldest && now-oldest >= m.timeout.Load() {
		m.expire(ctx, now-m.timeout.Load())
	}
	slots, n, badSum := b.Slots(), 0, 0
	for _, p := range b.Packets() {
		ip, at, ok := find(p.Bytes())
		if ok && ip.IsFragment() {
			if p = m.fragment(ctx, p, ip, at); p == 0 {
				continue
			}
		} else if ok && !ip.ChecksumOK() {
			badSum++
		}
		slots[n] = p
		n++
	}
	b.SetLen(n)
	if badSum > 0 {
		ctx.Count(countBadSum, uint64(badSum))
	}
	ctx.EmitBatch(b, 1)
}

// find returns the IPv4 header of a frame and where it begins.
func find(frame []byte) (ip header.IPv4, at int, ok bool) {
	etherType, at, ok := header.SkipTags(frame)
	if !ok || etherType != header.TypeIPv4 {
		return nil, 0, false
	}
	ip, ok = header.ParseIPv4(frame, at)
	return ip, at, ok
}

// fragment takes a fragment and returns the packet that it completes, 0 if it
// does not.
func (m *IPDefrag) fragment(ctx *module.Context, p packet.Packet, ip header.IPv4, at int) packet.Packet {
	f, ok := newPiece(p, ip, at)
	if !ok {
		ctx.Count(countMalformed, 1)
		ctx.Emit(p, 0)
		return 0
	}
	var out pieces
	k, now := newKey(p.Bytes(), ip, at), ctx.NowNS()
	result := m.table.insert(k, f, now, &out)
	for result == evicted { // room was made, at the price of others
		m.drop(ctx, &out, countEvicted)
		result = m.table.insert(k, f, now, &out)
	}
	switch result {
	case complete:
		return m.join(ctx, &out)
	case duplicate:
		m.drop(ctx, &out, countDuplicate)
	case overlap:
		m.drop(ctx, &out, countOverlap)
	case tooMany:
		m.drop(ctx, &out, countTooMany)
	}
	return 0
}

// join puts the pieces together, or drops them if buffers run out.
func (m *IPDefrag) join(ctx *module.Context, out *pieces) packet.Packet {
	p := assemble(ctx, out)
	if p == 0 {
		m.drop(ctx, out, countNoBuffer)
		return 0
	}
	ctx.Count(countDone, 1)
	return p
}

// drop drops pieces for a reason.
func (*IPDefrag) drop(ctx *module.Context, out *pieces, reason int) {
	ctx.Count(reason, uint64(out.n))
	for _, f := range out.list() {
		ctx.Drop(f.p)
	}
	out.n = 0
}

// expire drops the fragments of packets that began at a time or before.
func (m *IPDefrag) expire(ctx *module.Context, began uint64) {
	var out pieces
	for m.table.expired(began, &out) {
		m.drop(ctx, &out, countTimeout)
	}
}

// Close frees the fragments that wait.
func (m *IPDefrag) Close() {
	cache := m.pool.NewCache()
	defer cache.Close()
	var out pieces
	for m.table.expired(never, &out) {
		for _, f := range out.list() {
			cache.Free(f.p)
		}
		out.n = 0
	}
}
