// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ipfrag is the module class IPFrag: IPv4 fragmentation (RFC 791; spec:
// modules/mobile.md).
package ipfrag

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "IPFrag",
	Prefix:     "ip_frag",
	Help:       "cuts IPv4 packets that are too long into fragments",
	IGates:     1,
	OGates:     3,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*IPFragArg)(nil),
	Counters: []module.CounterDoc{
		countCut:       {Name: "fragmented", Unit: "packets", Help: "cut into fragments"},
		countFragments: {Name: "fragments", Unit: "packets", Help: "fragments made of them"},
		countDF:        {Name: "dont_fragment", Unit: "packets", Help: "sent to gate 0: too long, and the flag forbids to fragment"},
		countRefused:   {Name: "impossible", Unit: "packets", Help: "sent to gate 0: more than 64 fragments, no room for 8 bytes of payload, or payload beyond what IPv4 can number"},
		countNoBuffer:  {Name: "no_buffer", Unit: "packets", Help: "sent to gate 0: no packet buffers left for the fragments"},
		countAnswered:  {Name: "icmp_sent", Unit: "packets", Help: "messages to senders of packets that must not be fragmented"},
		countLimited:   {Name: "icmp_limited", Unit: "packets", Help: "such messages that were not sent: too many, or no packet buffers left"},
	},
	Commands: []module.Command{
		module.Ask("get_eth_mtu", module.Concurrent, "the longest frame", (*IPFrag).getEthMTU),
	},
	New: module.New(create),
}

// Indexes into Class.Counters. A packet that is sent to gate 0 has the index
// of its counter as reason.
const (
	countCut = iota
	countFragments
	countDF
	countRefused
	countNoBuffer
	countAnswered
	countLimited
)

const (
	// fcsLen is the frame check sequence, which the MTU includes and packets
	// do not have.
	fcsLen = 4
	minMTU = 65
	// minFrame is the shortest Ethernet frame without check sequence.
	minFrame = 60
	// maxFragments is the most that one packet is cut into.
	maxFragments = packet.BatchSize
)

// settings are what an argument asks for. Immutable.
type settings struct {
	limit   int    // bytes of the longest frame, without check sequence
	from    uint32 // address of messages to senders
	answers bool   // there are such messages
}

// validate checks an argument.
func validate(arg *IPFragArg) (*settings, error) {
	if arg.GetMtu() < minMTU {
		return nil, module.Invalid("mtu", arg.GetMtu(), "must be %d bytes or more", minMTU)
	}
	s := &settings{limit: int(arg.GetMtu()) - fcsLen}
	if text := arg.GetIcmpSource(); text != "" {
		addr, err := header.ParseIPv4Addr(text)
		if err != nil {
			return nil, module.Invalid("icmp_source", text, "%v", err)
		}
		if !isHost(addr) {
			return nil, module.Invalid("icmp_source", text, "must be the address of a host")
		}
		s.from, s.answers = addr, true
	}
	return s, nil
}

// IPFrag is an instance. Safe for use by several workers.
type IPFrag struct {
	settings atomic.Pointer[settings]
	pacer    pacer
}

func create(_ *module.Env, arg *IPFragArg) (*IPFrag, error) {
	m := &IPFrag{}
	return m, m.Update(arg)
}

// Update takes a new creation argument.
func (m *IPFrag) Update(arg proto.Message) error {
	s, err := validate(arg.(*IPFragArg))
	if err != nil {
		return err
	}
	m.settings.Store(s)
	return nil
}

func (m *IPFrag) getEthMTU(*api.EmptyArg) (*IPFragArg, error) {
	return &IPFragArg{Mtu: int32(m.settings.Load().limit + fcsLen)}, nil
}

// Process sends short packets and fragments to gate 1 and what must not or
// cannot be cut to gate 0, messages to senders to gate 2.
func (m *IPFrag) Process(ctx *module.Context, b *packet.Batch) {
	s := m.settings.Load()
	limit := s.limit
	if fits(b, limit) {
		ctx.EmitBatch(b, 1)
		return
	}
	for _, p := range b.Packets() {
		if p.TotalLen() <= limit {
			ctx.Emit(p, 1)
			continue
		}
		pl, ok := newPlan(p, limit)
		switch {
		case !ok: // not IPv4
			ctx.Emit(p, 1)
		case pl.refused != 0:
			ctx.Count(pl.refused, 1)
			if s.answers && pl.refused == countDF && pl.answerable() {
				m.answer(ctx, &pl, p, s)
			}
			ctx.Emit(p, 0)
		case !pl.run(ctx, p):
			ctx.Count(countNoBuffer, 1)
			ctx.Emit(p, 0)
		default:
			if pl.count > 1 {
				ctx.Count(countCut, 1)
				ctx.Count(countFragments, uint64(pl.count))
			}
			ctx.Free(p)
		}
	}
}

// answer tells the sender of a packet how long it may be.
func (m *IPFrag) answer(ctx *module.Context, pl *plan, p packet.Packet, s *settings) {
	var q packet.Packet
	if m.pacer.take(ctx.NowNS()) {
		q = pl.answer(ctx, p, s.from, s.limit)
	}
	if q == 0 {
		ctx.Count(countLimited, 1)
		return
	}
	ctx.Count(countAnswered, 1)
	ctx.Emit(q, 2)
}

// fits reports whether no packet is too long.
func fits(b *packet.Batch, limit int) bool {
	for _, p := range b.Packets() {
		if p.TotalLen() > limit {
			return false
		}
	}
	return true
}
