// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package nat

import (
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// pass is one batch on its way through the NAT.
type pass struct {
	*NAT
	conf    *config
	ctx     *module.Context
	now     uint32
	created uint64
}

// outbound lets packets from the inside pass.
func (w *pass) outbound(b *packet.Batch) {
	var keys [packet.BatchSize]key
	var rest uint64
	if sources(b, &keys) {
		rest = w.outFlow(b, keys[0])
	} else {
		rest = w.outFlows(b, &keys)
	}
	n := b.Len()
	if rest != 0 {
		n = w.outRest(b, rest)
	}
	w.ctx.Count(countOutbound, uint64(n))
	w.ctx.EmitBatch(b, gateOutside)
}

// outFlow is outFlows for packets that all have the source k.
func (w *pass) outFlow(b *packet.Batch, k key) (rest uint64) {
	m, ext := w.table.find(k)
	if m == nil {
		return ^uint64(0)
	}
	m.touch(w.now)
	bloom, isTCP := w.conf.bloom, k.transport() == tcp
	addr, both := deltas(k, ext)
	for i, p := range b.Packets() {
		d := p.Front(plainLen)
		if d == nil || maybe(bloom, be.Uint32(d[30:34])) {
			rest |= 1 << (i & 63)
			continue
		}
		if isTCP {
			follow(m, d[plainL4+13])
		}
		replaceSource(d, ext, isTCP, addr, both)
	}
	return rest
}

// outFlows translates the packets whose mappings can be found. The bits of its
// result tell the others, and those that may be for an inside host.
func (w *pass) outFlows(b *packet.Batch, keys *[packet.BatchSize]key) (rest uint64) {
	var f found
	w.table.findAll(keys[:b.Len()], &f)
	mappings, bloom, now := w.table.mappings, w.conf.bloom, w.now
	for i, p := range b.Packets() {
		i &= packet.BatchSize - 1
		ext, d := f.out[i], p.Front(plainLen)
		if ext == 0 || d == nil || maybe(bloom, be.Uint32(d[30:34])) {
			rest |= 1 << i
			continue
		}
		m := &mappings[f.at[i]-1]
		m.touch(now)
		if ext.transport() == tcp {
			follow(m, d[plainL4+13])
		}
		addr, both := deltas(keys[i], ext)
		replaceSource(d, ext, ext.transport() == tcp, addr, both)
	}
	return rest
}

// outRest lets the packets pass that rest tells, beside those that have been
// translated, and returns how many remain in b.
func (w *pass) outRest(b *packet.Batch, rest uint64) (n int) {
	slots := b.Slots()
	for i, p := range b.Packets() {
		what := countOutbound
		if rest>>i&1 != 0 {
			what = w.out(p)
		}
		switch what {
		case countOutbound:
			slots[n] = p
			n++
		case countHairpinned:
			w.ctx.Count(countHairpinned, 1)
			w.ctx.Emit(p, gateInside)
		default:
			w.ctx.Count(what, 1)
			w.ctx.Drop(p)
		}
	}
	if w.created > 0 {
		w.ctx.Count(countCreated, w.created)
	}
	b.SetLen(n)
	return n
}

// sources writes the sources of usual packets to keys; those of others stay 0.
// It reports whether all packets are usual and have the same source.
func sources(b *packet.Batch, keys *[packet.BatchSize]key) (same bool) {
	differ := key(0)
	for i, p := range b.Packets() {
		if d := p.Front(plainLen); d != nil {
			if k, ok := usual(d, p.Flags()); ok {
				keys[i&(packet.BatchSize-1)] = makeKey(transport(k), be.Uint32(d[26:30]), be.Uint16(d[34:36]))
			}
		}
		differ |= keys[i&(packet.BatchSize-1)] ^ keys[0]
	}
	return differ == 0 && keys[0] != 0
}

// inbound lets packets from the outside pass.
func (w *pass) inbound(b *packet.Batch) {
	slots, n := b.Slots(), 0
	for _, p := range b.Packets() {
		f := parse(p)
		if what := w.in(&f); what != countInbound {
			w.ctx.Count(what, 1)
			w.ctx.Drop(p)
			continue
		}
		slots[n] = p
		n++
	}
	w.ctx.Count(countInbound, uint64(n))
	b.SetLen(n)
	w.ctx.EmitBatch(b, gateInside)
}

// refuse returns the counter of a frame that cannot be translated.
func refuse(k kind) int {
	if k == isFragment {
		return countFragment
	}
	return countUnsupported
}

// out translates a packet from the inside and returns the counter of what
// became of it.
func (w *pass) out(p packet.Packet) int {
	f := parse(p)
	if f.kind >= isError {
		if f.kind == isError {
			return w.outError(&f)
		}
		return refuse(f.kind)
	}
	k := f.key(header.SrcSide)
	m, ext := w.table.find(k)
	if m == nil {
		if k.port() == 0 && f.kind != isQuery {
			return countUnsupported
		}
		var what int
		m, ext, what = w.table.create(k, &w.NAT.conf, w.now)
		if m == nil {
			return what
		}
		if what == countCreated {
			w.created++
		}
	}
	m.touch(w.now)
	if f.kind == isTCP {
		follow(m, f.flags())
	}
	f.set(header.SrcSide, ext)
	if dst := be.Uint32(f.d[30:34]); w.conf.maybe(dst) && f.kind != isQuery && w.in(&f) == countInbound {
		return countHairpinned
	}
	return countOutbound
}

// in translates a packet from the outside and returns the counter of what
// became of it. It changes nothing unless that is countInbound.
func (w *pass) in(f *frame) int {
	if f.kind >= isError {
		if f.kind == isError {
			return w.inError(f)
		}
		return refuse(f.kind)
	}
	ext := w.conf.find(be.Uint32(f.d[30:34]))
	if ext == nil {
		return countNoMapping
	}
	m, host := w.table.findOutside(ext.space, f.key(header.DstSide))
	if m == nil || m.expired(transport(f.kind), w.now) {
		return countNoMapping
	}
	if f.kind == isTCP {
		follow(m, f.flags())
	}
	f.set(header.DstSide, host)
	return countInbound
}

// follow notes when a TCP connection is open: from SYN with ACK, whoever sends
// it, to FIN or RST. Several connections of one inside port share what is
// known.
func follow(m *mapping, flags uint8) {
	if flags&(header.TCPSyn|header.TCPFin|header.TCPRst) == 0 {
		return
	}
	open := uint32(0)
	if flags&(header.TCPSyn|header.TCPAck|header.TCPFin|header.TCPRst) == header.TCPSyn|header.TCPAck {
		open = 1
	} else if flags&(header.TCPFin|header.TCPRst) == 0 {
		return // SYN: nothing is open yet, but others may be
	}
	if m.established.Load() != open {
		m.established.Store(open)
	}
}

// quoted returns the endpoint of a side of the packet that an error quotes.
func quoted(f *frame, side header.Side) (k key, ok bool) {
	q, _ := f.icmp().Quoted()
	e, ok := q.Endpoint(side)
	if !ok {
		return 0, false
	}
	t := tcp
	switch q.Protocol() {
	case header.ProtoUDP:
		t = udp
	case header.ProtoICMP:
		t = icmp
	}
	return makeKey(t, e.Addr, e.Port), true
}

func endpoint(k key) header.Endpoint { return header.Endpoint{Addr: k.addr(), Port: k.port()} }

// outError translates an ICMP error from the inside about a packet that came
// in: the quote gets the outside endpoint back, and the sender, who may be a
// router without mapping, its address (RFC 5508 REQ-5).
func (w *pass) outError(f *frame) int {
	k, ok := quoted(f, header.DstSide)
	if !ok {
		return countUnsupported
	}
	m, ext := w.table.find(k)
	if m == nil || m.expired(k.transport(), w.now) {
		return countNoMapping
	}
	f.icmp().SetQuoted(header.DstSide, endpoint(ext), true)
	f.setAddr(header.SrcSide, ext.addr())
	if w.conf.maybe(be.Uint32(f.d[30:34])) && w.inError(f) == countInbound {
		return countHairpinned
	}
	return countOutbound
}

// inError translates an ICMP error from the outside about a packet that went
// out (RFC 5508 REQ-4).
func (w *pass) inError(f *frame) int {
	k, ok := quoted(f, header.SrcSide)
	if !ok {
		return countUnsupported
	}
	ext := w.conf.find(k.addr())
	if ext == nil || be.Uint32(f.d[30:34]) != k.addr() {
		return countNoMapping
	}
	m, host := w.table.findOutside(ext.space, k)
	if m == nil || m.expired(k.transport(), w.now) {
		return countNoMapping
	}
	f.icmp().SetQuoted(header.SrcSide, endpoint(host), true)
	f.setAddr(header.DstSide, host.addr())
	return countInbound
}
