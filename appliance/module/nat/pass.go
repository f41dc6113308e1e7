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
	slots, n := b.Slots(), 0
	for _, p := range b.Packets() {
		switch what := w.out(p); what {
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
	w.ctx.Count(countOutbound, uint64(n))
	b.SetLen(n)
	w.ctx.EmitBatch(b, gateOutside)
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
	// Only the inside keeps a mapping alive (RFC 4787 REQ-6).
	if m.used.Load() != w.now {
		m.used.Store(w.now)
	}
	if f.kind == isTCP {
		follow(m, f.flags())
	}
	f.setSrc(ext)
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
