// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package urlfilter

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// segment is a TCP segment in an untagged frame.
type segment struct {
	packet  packet.Packet // it came in
	eth     header.Ethernet
	key     key
	tcp     header.TCP
	payload []byte
}

// parseSegment reads a whole TCP segment over IPv4 or IPv6.
func parseSegment(p packet.Packet) (s segment, ok bool) {
	d := p.Bytes()
	if len(d) < header.EthernetLen {
		return s, false
	}
	s.packet, s.eth = p, header.Ethernet(d)
	var tcp []byte
	switch s.eth.Type() {
	case header.TypeIPv4:
		ip, ok := header.ParseIPv4(d, header.EthernetLen)
		if !ok || ip.Protocol() != header.ProtoTCP || ip.IsFragment() || ip.Truncated() {
			return s, false
		}
		copy(s.key.src[:], ip[12:16])
		copy(s.key.dst[:], ip[16:20])
		tcp = ip.Payload()
	case header.TypeIPv6:
		ip, ok := header.ParseIPv6(d, header.EthernetLen)
		if !ok || ip.Truncated() {
			return s, false
		}
		proto, off, ok := ip.Transport()
		if !ok || proto != header.ProtoTCP {
			return s, false
		}
		s.key.src, s.key.dst, s.key.v6 = ip.Src(), ip.Dst(), true
		tcp = ip[off:]
	default:
		return s, false
	}
	if s.tcp, ok = header.ParseTCP(tcp, 0); !ok {
		return s, false
	}
	s.key.sport, s.key.dport = s.tcp.SrcPort(), s.tcp.DstPort()
	s.payload = s.tcp.Payload()
	return s, true
}

// fromClient passes or drops a packet, having read what it adds to a request.
func (m *URLFilter) fromClient(ctx *module.Context, f *flows, list pages, p packet.Packet) {
	s, ok := parseSegment(p)
	if !ok || p.Next() != 0 {
		ctx.Emit(p, 0)
		return
	}
	fl := f.find(&s.key)
	if fl != nil && fl.blocked {
		ctx.Count(countDropped, 1)
		ctx.Drop(p)
		return
	}
	if s.tcp.Flags()&header.TCPSyn != 0 {
		if fl != nil {
			f.forget(fl)
		}
		if _, given := f.watch(&s.key, s.tcp.Seq()+1); given {
			ctx.Count(countUnchecked, 1)
		}
		ctx.Emit(p, 0)
		return
	}
	if fl == nil {
		ctx.Emit(p, 0)
		return
	}
	if f.read(ctx, fl, &s, list) {
		fl.blocked = true
		f.release(fl)
		m.block(ctx, &s)
		ctx.Count(countBlocked, 1)
		ctx.Count(countDropped, 1)
		ctx.Drop(p)
		return
	}
	if fl.lost || s.tcp.Flags()&(header.TCPFin|header.TCPRst) != 0 {
		f.forget(fl)
	}
	ctx.Emit(p, 0)
}

// read adds a segment's bytes to those of its connection and reports whether a
// request for a listed page is complete. A connection that cannot be read any
// more is lost.
func (f *flows) read(ctx *module.Context, fl *flow, s *segment, list pages) (blocked bool) {
	piece, at := s.payload, int(int32(s.tcp.Seq()-fl.next))
	if at < 0 { // sent again, wholly or in part
		piece = piece[min(-at, len(piece)):]
		at = 0
	}
	if len(piece) == 0 {
		return false
	}
	if fl.buf == nil && !f.buffer(fl) || !fl.buf.add(at, piece) {
		ctx.Count(countUnchecked, 1)
		fl.lost = true
		return false
	}
	for {
		data := fl.buf.ready()
		if len(data) == 0 {
			return false
		}
		r, v := parseRequest(data)
		switch {
		case v == incomplete && len(data) < maxRequest:
			return false
		case v != complete:
			ctx.Count(countUnchecked, 1)
			fl.lost = true
			return false
		case list.blocks(&r):
			return true
		}
		if r.n < 0 || !f.skip(fl, r.n) {
			ctx.Count(countUnchecked, 1)
			fl.lost = true
			return false
		}
	}
}

// skip goes on behind n bytes, to the next request.
func (f *flows) skip(fl *flow, n int) bool {
	b := fl.buf
	data := b.ready()
	fl.next += uint32(n)
	if n >= len(data) && b.n == 1 {
		f.release(fl)
		return f.buffer(fl)
	}
	if n > len(data) || b.n > 1 {
		return false // a body with holes: not worth following
	}
	b.have[0][1] = copy(b.data[:], data[n:])
	return true
}

// answer is what the client gets.
const answer = "HTTP/1.1 403 Bad Forbidden\r\nConnection: Closed\r\n\r\n"

// block resets the server's end, then answers the client and resets it.
func (m *URLFilter) block(ctx *module.Context, s *segment) {
	seq, ack := s.tcp.Seq(), s.tcp.Ack()
	end := seq + uint32(len(s.payload))
	m.send(ctx, 0, s, reply{seq: seq, ack: ack, flags: header.TCPRst | header.TCPAck, id: 2})
	m.send(ctx, 1, s, reply{back: true, seq: ack, ack: end, flags: header.TCPAck, id: 1, payload: answer})
	m.send(ctx, 1, s, reply{back: true, seq: ack + uint32(len(answer)), ack: end, flags: header.TCPRst | header.TCPAck, id: 2})
}

// reply is a packet that the module makes.
type reply struct {
	back     bool // from server to client
	seq, ack uint32
	flags    uint8
	id       uint16 // of IPv4
	payload  string
}

// send makes a packet of a connection, with the metadata of the segment that
// it answers, and sends it to a gate.
func (m *URLFilter) send(ctx *module.Context, gate int, s *segment, r reply) {
	ipLen := header.IPv4MinLen
	if s.key.v6 {
		ipLen = header.IPv6Len
	}
	var frame [header.EthernetLen + header.IPv6Len + header.TCPMinLen + len(answer)]byte
	d := frame[:header.EthernetLen+ipLen+header.TCPMinLen+len(r.payload)]
	k := s.key
	eth := header.EthernetFields{Dst: s.eth.Dst(), Src: s.eth.Src(), Type: s.eth.Type()}
	if r.back {
		eth.Dst, eth.Src = eth.Src, eth.Dst
		k.src, k.dst, k.sport, k.dport = k.dst, k.src, k.dport, k.sport
	}
	header.Ethernet(d).Encode(&eth)
	tcp := header.TCP(d[header.EthernetLen+ipLen:])
	tcp.Encode(&header.TCPFields{SrcPort: k.sport, DstPort: k.dport, Seq: r.seq, Ack: r.ack, Flags: r.flags})
	copy(tcp[header.TCPMinLen:], r.payload)
	ip := d[header.EthernetLen:]
	if k.v6 {
		header.IPv6(ip).Encode(&header.IPv6Fields{PayloadLen: uint16(len(tcp)), NextHeader: header.ProtoTCP, HopLimit: 64, Src: k.src, Dst: k.dst})
		sum := header.Sum(ip[8:40], uint32(len(tcp))+uint32(header.ProtoTCP))
		tcp.SetChecksum(^header.Fold(header.Sum(tcp, sum)))
	} else {
		src, dst := binary.BigEndian.Uint32(k.src[:]), binary.BigEndian.Uint32(k.dst[:])
		header.IPv4(ip).Encode(&header.IPv4Fields{TotalLen: uint16(ipLen + len(tcp)), ID: r.id, TTL: 64, Protocol: header.ProtoTCP, Src: src, Dst: dst})
		tcp.SetChecksum(tcp.ComputeChecksum(src, dst))
	}
	p := ctx.Cache.New(d)
	if p == 0 {
		ctx.Count(countNoPacket, 1)
		return
	}
	p.CopyMetadata(s.packet, ctx.MetaLen)
	ctx.Emit(p, gate)
}
