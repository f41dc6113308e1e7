// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package staticnat is the module class StaticNAT: ranges of IPv4 addresses
// translated one to one (spec: modules/stateful.md).
package staticnat

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "StaticNAT",
	Prefix:     "static_nat",
	Help:       "translates ranges of IPv4 addresses one to one",
	IGates:     2,
	OGates:     2,
	MaxWorkers: 1,
	Arg:        (*StaticNATArg)(nil),
	Counters: []module.CounterDoc{
		countTranslated: {Name: "translated", Unit: "packets", Help: "given another address"},
		countUnchanged:  {Name: "unchanged", Unit: "packets", Help: "passed as they were: not IPv4, or an address in no range"},
	},
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "the argument as given", (*StaticNAT).getInitialArg),
		module.Ask("get_runtime_config", module.Concurrent, "what set_runtime_config has set; empty while the argument applies", (*StaticNAT).getRuntimeConfig),
		module.Do("set_runtime_config", module.Concurrent, "replaces all pairs; without pairs nothing changes", (*StaticNAT).setRuntimeConfig),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countTranslated = iota
	countUnchanged
)

// inside is the input gate of packets from the inside. Gates are crossed: what
// enters 0 leaves on 1, and the other way round.
const inside = 0

// StaticNAT is an instance.
type StaticNAT struct {
	pairs atomic.Pointer[pairs]

	// Owned by the commands.
	arg     *StaticNATArg // as given
	runtime *StaticNATArg // empty unless set_runtime_config has set another
}

func create(_ *module.Env, arg *StaticNATArg) (*StaticNAT, error) {
	m := &StaticNAT{}
	return m, m.Update(arg)
}

// Process translates the source of packets from the inside, the destination of
// those from the outside.
func (m *StaticNAT) Process(ctx *module.Context, b *packet.Batch) {
	pairs := m.pairs.Load()
	from, side, out := pairs.inside, header.SrcSide, 1
	if ctx.IGate != inside {
		from, side, out = pairs.outside, header.DstSide, 0
	}
	n := from.translate(b.Packets(), side)
	ctx.Count(countTranslated, uint64(n))
	ctx.Count(countUnchanged, uint64(b.Len()-n))
	ctx.EmitBatch(b, out)
}

var be, le = binary.BigEndian, binary.LittleEndian

// plainLen is what a frame must have for the short way of translate: room for
// headers of Ethernet, IPv4 without options and TCP.
const (
	plainLen  = header.EthernetLen + header.IPv4MinLen + header.TCPMinLen
	plainIPv4 = 0x450008 // EtherType, version and header length, first byte lowest
	offset    = 0xff1f   // of a fragment, likewise
)

// translate gives one side of the packets their other addresses and returns how
// many have one.
func (s spans) translate(ps []packet.Packet, side header.Side) (n int) {
	if len(s) == 0 || len(ps) == 0 {
		return 0
	}
	at := 26
	if side == header.DstSide {
		at = 30
	}
	r := &s[0]
	if len(s) > 1 { // most packets of a batch belong to the range of the first
		if d := ps[0].Front(plainLen); d != nil {
			if first := s.search(be.Uint32(d[at:])); first != nil {
				r = first
			}
		}
	}
	rest := r.translate(ps, at)
	n = len(ps) - bits.OnesCount64(rest)
	for ; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if d := ps[i].Front(plainLen); d == nil || !plain(d, ps[i].Flags()) {
			if s.translateAny(ps[i], side) {
				n++
			}
		} else if r := s.search(be.Uint32(d[at:])); r != nil {
			r.translate(ps[i:i+1], at)
			n++
		}
	}
	return n
}

// translate translates the addresses of the range at one place of the usual
// packets: IPv4 without options, whole TCP or UDP headers, nothing left for the
// hardware. The bits of its result tell the others. It is a loop without calls,
// all of which stays in registers.
func (s *span) translate(ps []packet.Packet, at int) (rest uint64) {
	start, count, shift := s.start, s.last-s.start, s.to-s.start
	// By so much the sums of all packets grow; their bytes are exchanged.
	delta := bits.ReverseBytes16(header.Fold(header.Delta32(start, s.to)))
	at &= 31 // changes nothing
	for i, p := range ps {
		d := p.Front(plainLen)
		if d == nil || !plain(d, p.Flags()) {
			rest |= 1 << (i & 63)
			continue
		}
		old := be.Uint32(d[at:])
		if old-start > count {
			rest |= 1 << (i & 63)
			continue
		}
		be.PutUint32(d[at:], old+shift)
		le.PutUint16(d[24:26], header.Deduct(le.Uint16(d[24:26]), delta))
		if d[23] != header.ProtoUDP {
			le.PutUint16(d[50:52], header.Deduct(le.Uint16(d[50:52]), delta))
		} else if sum := le.Uint16(d[40:42]); sum != 0 {
			le.PutUint16(d[40:42], header.NonZero(header.Deduct(sum, delta)))
		}
	}
	return rest
}

// plain reports whether a packet of plainLen bytes is IPv4 without options, no
// later fragment, has a whole header of TCP or UDP, and no flags.
func plain(d *packet.Front, flags uint32) bool {
	need := uint16(header.IPv4MinLen + header.TCPMinLen)
	if d[23] == header.ProtoUDP {
		need = header.IPv4MinLen + header.UDPLen
	} else if d[23] != header.ProtoTCP {
		return false
	}
	return le.Uint32(d[12:16])&0xffffff == plainIPv4 && be.Uint16(d[16:18]) >= need && le.Uint16(d[20:22])&offset == 0 && flags == 0
}

// translateAny is translate for any packet.
func (s spans) translateAny(p packet.Packet, side header.Side) bool {
	d := p.Bytes()
	eth, ok := header.ParseEthernet(d)
	if !ok || eth.Type() != header.TypeIPv4 {
		return false
	}
	ip, ok := header.ParseIPv4(d, header.EthernetLen)
	if !ok {
		return false
	}
	quote := ip.Protocol() == header.ProtoICMP && ip.HasTransport() && s.translateQuote(ip, side)
	old := ip.Src()
	if side == header.DstSide {
		old = ip.Dst()
	}
	now, ok := s.find(old)
	if !ok {
		return quote
	}
	if side == header.SrcSide {
		ip.SetSrc(now)
	} else {
		ip.SetDst(now)
	}
	delta := header.Delta32(old, now)
	ip.SetChecksum(header.Adjust(ip.Checksum(), delta))
	ip.AdjustTransport(delta, 0, p.Flags()&packet.FlagPartialChecksum != 0)
	return true
}

// translateQuote translates the packet that an ICMP error quotes and reports
// whether it did. That one went the other way, so its other side is meant.
func (s spans) translateQuote(ip header.IPv4, side header.Side) bool {
	icmp, ok := header.ParseICMP(ip, ip.HeaderLen())
	if !ok {
		return false
	}
	q, ok := icmp.Quoted()
	if !ok {
		return false
	}
	old := q.Dst()
	if side == header.DstSide {
		old = q.Src()
	}
	now, ok := s.find(old)
	return ok && icmp.SetQuoted(header.SrcSide+header.DstSide-side, header.Endpoint{Addr: now}, false)
}

// Update replaces the argument at once.
func (m *StaticNAT) Update(arg proto.Message) error {
	a := arg.(*StaticNATArg)
	if err := m.configure(a); err != nil {
		return err
	}
	m.arg, m.runtime = proto.CloneOf(a), &StaticNATArg{}
	return nil
}

func (m *StaticNAT) configure(arg *StaticNATArg) error {
	p, err := newPairs(arg.GetPairs())
	if err != nil {
		return err
	}
	m.pairs.Store(p)
	return nil
}

func (m *StaticNAT) getInitialArg(*api.EmptyArg) (*StaticNATArg, error) { return m.arg, nil }

func (m *StaticNAT) getRuntimeConfig(*api.EmptyArg) (*StaticNATArg, error) { return m.runtime, nil }

// setRuntimeConfig leaves all as it is without pairs: clients of BESS, where
// the command does nothing, send it an empty argument.
func (m *StaticNAT) setRuntimeConfig(arg *StaticNATArg) error {
	if len(arg.GetPairs()) == 0 {
		return nil
	}
	if err := m.configure(arg); err != nil {
		return err
	}
	m.runtime = proto.CloneOf(arg)
	return nil
}
