// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"encoding/binary"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	acltable "github.com/bessform/terraform-provider-bess/appliance/table/acl"
)

// worker6 is what a worker needs besides for the IPv6 packets of a batch.
type worker6 struct {
	n     int                             // packets that are IPv6
	pkts  [packet.BatchSize]packet.Packet // these packets
	rules [packet.BatchSize]int32         // which rule matches, -1 for none
}

// lookupBoth is lookup for a list with rules for IPv6: what read took for
// frames that are not IPv4 gets another chance. ps are the packets that read
// was given.
func (w *worker) lookupBoth(t *tables, own *view, ps []packet.Packet) {
	w.lookup(t, own)
	for i, r := range w.rules[:w.n] {
		if r >= 0 {
			w.rules[i] = t.number[r]
		}
	}
	if w.drops.Len() == 0 {
		return
	}
	w.lookup6(t.six)
	w.merge(ps)
}

// lookup6 takes the packets that are well-formed IPv6 out of those to be
// dropped and finds their rules.
func (w *worker) lookup6(t *six) {
	s := &w.six
	s.n = 0
	others := w.drops.Packets()
	w.drops.Clear()
	for _, p := range others { // which drops overwrites, but behind p
		ip, ok := header6(p)
		if !ok {
			w.drops.Add(p)
			continue
		}
		k := key6(ip)
		r := t.all.Lookup(&k)
		if r >= 0 {
			r = t.number[r]
		}
		s.pkts[s.n&63], s.rules[s.n&63] = p, r
		s.n++
	}
}

// merge puts the IPv6 packets between the others, in the order of the batch.
// From the end, so that nothing is overwritten before it has moved.
func (w *worker) merge(ps []packet.Packet) {
	s := &w.six
	four, six := w.n, s.n
	w.n += s.n
	at := w.n
	for i := len(ps) - 1; i >= 0 && six > 0; i-- {
		switch p := ps[i]; {
		case p == s.pkts[six-1]:
			six--
			at--
			w.pkts[at], w.rules[at] = p, s.rules[six]
		case four > 0 && p == w.pkts[four-1]:
			four--
			at--
			w.pkts[at], w.rules[at] = p, w.rules[four]
		}
	}
}

// header6 returns the IPv6 header of a packet that is well-formed: untagged
// Ethernet, version 6, and the packet is as long as it says.
func header6(p packet.Packet) (header.IPv6, bool) {
	d := p.Bytes()
	if len(d) < ipAt || binary.BigEndian.Uint16(d[12:14]) != header.TypeIPv6 {
		return nil, false
	}
	ip, ok := header.ParseIPv6(d, ipAt)
	return ip, ok && header.IPv6Len+ip.PayloadLen() <= p.TotalLen()-ipAt
}

// key6 takes the key of a packet. Ports are those of TCP, UDP and SCTP, behind
// extension headers too, in unfragmented packets and first fragments.
func key6(ip header.IPv6) acltable.Key6 {
	be := binary.BigEndian
	k := acltable.Key6{be.Uint64(ip[8:16]), be.Uint64(ip[16:24]), be.Uint64(ip[24:32]), be.Uint64(ip[32:40])}
	proto, off, ok := ip.Transport()
	if !ok || !header.HasPorts(proto) || len(ip)-off < portLen {
		return k
	}
	k[4] = acltable.HasPorts | uint64(be.Uint32(ip[off:off+portLen]))
	if proto == header.ProtoTCP && opened(ip[off:]) {
		k[4] |= acltable.Established
	}
	return k
}
