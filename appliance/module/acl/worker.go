// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	acltable "github.com/bessform/terraform-provider-bess/appliance/table/acl"
)

// worker is what one worker needs while it judges a batch. Only epoch is read
// by others.
type worker struct {
	// epoch is odd while the worker may be reading a list.
	epoch atomic.Uint64
	seq   uint64 // the worker's own copy of epoch

	id    int
	n     int                             // packets that are IPv4
	pkts  []packet.Packet                 // these packets, at least n
	kept  [packet.BatchSize]packet.Packet // where they are if they are not the whole batch
	keys  [packet.BatchSize]acltable.Key  // what rules look at
	rules [packet.BatchSize]int32         // which rule matches, -1 for none
	drops packet.Batch                    // packets not to pass
	part  [packet.BatchSize]acltable.Key  // keys for one of two tables
	found [packet.BatchSize]int32         // what it answers
	parts int                             // how many
	six   worker6                         // the packets that are IPv6
}

// enter and leave enclose the reading of a list. A panic between them leaves
// the epoch odd until the next batch, which is harmless.
func (w *worker) enter() {
	w.seq = (w.seq + 2) | 1
	w.epoch.Store(w.seq)
}

func (w *worker) leave() {
	w.seq++
	w.epoch.Store(w.seq)
}

// Offsets in a frame without VLAN tag.
const (
	ipAt    = 14
	l4At    = ipAt + header.IPv4MinLen // without IP options
	portLen = 4                        // of both ports
)

// plainIPv4 are the two bytes of the EtherType and the first of an IPv4 header
// without options.
const plainIPv4 = 0x080045

// read takes the keys of all packets that are well-formed IPv4: untagged
// Ethernet, version, header length and total length hold together and the
// packet is as long as it says. The others are dropped. Ports are those of
// TCP, UDP and SCTP in unfragmented packets and first fragments.
func (w *worker) read(ps []packet.Packet) {
	w.drops.Clear()
	if packet.ReadTuples(ps, &w.keys) {
		w.n, w.pkts = len(ps), ps
		return
	}
	w.readMixed(ps)
}

// What ReadTuples makes is a key.
const _ = uint(acltable.HasPorts-packet.TuplePorts) + uint(packet.TuplePorts-acltable.HasPorts)

// readMixed is read for packets that are not all of the usual kind.
func (w *worker) readMixed(ps []packet.Packet) {
	be := binary.BigEndian
	w.pkts = w.kept[:]
	n := 0
	for _, p := range ps {
		d := p.Bytes()
		if len(d) < l4At+portLen || be.Uint32(d[12:16])>>8 != plainIPv4 {
			// IP options, hardly any payload, or not IPv4.
			k, ok := readAny(p)
			if !ok {
				w.drops.Add(p)
				continue
			}
			w.kept[n&63], w.keys[n&63] = p, k
			n++
			continue
		}
		total := int(be.Uint16(d[ipAt+2 : ipAt+4]))
		if total < header.IPv4MinLen || total > p.TotalLen()-ipAt {
			w.drops.Add(p)
			continue
		}
		k := acltable.Key{Addrs: be.Uint64(d[26:34])}
		if header.HasPorts(d[ipAt+9]) && be.Uint16(d[ipAt+6:ipAt+8])&0x1fff == 0 && total >= header.IPv4MinLen+portLen {
			k.Ports = acltable.HasPorts | uint64(be.Uint32(d[l4At:l4At+portLen]))
		}
		w.kept[n&63], w.keys[n&63] = p, k
		n++
	}
	w.n = n
}

// header4 returns the IPv4 header of a packet that is well-formed.
func header4(p packet.Packet) (header.IPv4, bool) {
	d := p.Bytes()
	if len(d) < l4At || binary.BigEndian.Uint16(d[12:14]) != plainIPv4>>8 {
		return nil, false
	}
	ip, ok := header.ParseIPv4(d, ipAt)
	return ip, ok && ip.TotalLen() <= p.TotalLen()-ipAt
}

// readAny is read for any packet.
func readAny(p packet.Packet) (acltable.Key, bool) {
	ip, ok := header4(p)
	if !ok {
		return acltable.Key{}, false
	}
	sport, dport, has := ip.Ports()
	return acltable.MakeKey(ip.Src(), ip.Dst(), sport, dport, has), true
}

// isEstablished reports whether a packet is a TCP segment with ACK or RST.
func isEstablished(p packet.Packet) bool {
	ip, ok := header4(p)
	if !ok || ip.Protocol() != header.ProtoTCP || !ip.HasTransport() {
		return false
	}
	return opened(ip.Payload())
}

// opened reports whether a TCP header is one with ACK or RST.
func opened(tcp []byte) bool {
	const flags = 13
	return len(tcp) > flags && tcp[flags]&(header.TCPAck|header.TCPRst) != 0
}

// lookup finds the rules of the packets read.
func (w *worker) lookup(t *tables, own *view) {
	if t.fresh == nil {
		ask(t.all, own.all, w.keys[:w.n], w.rules[:w.n])
		return
	}
	every := uint64(1)<<w.n - 1 // also for 64
	var established uint64
	for i, p := range w.pkts[:w.n] {
		if isEstablished(p) {
			established |= 1 << i
		}
	}
	w.gather(established)
	ask(t.all, own.all, w.part[:w.parts], w.found[:w.parts])
	w.scatter(established, nil)
	w.gather(every &^ established)
	ask(t.fresh, own.fresh, w.part[:w.parts], w.found[:w.parts])
	w.scatter(every&^established, t.index)
}

// ask looks keys up, by way of the memo if there is one.
func ask(t *acltable.Table, m *acltable.Memo, keys []acltable.Key, out []int32) {
	if m == nil {
		t.LookupBatch(keys, out)
		return
	}
	m.LookupBatch(t, keys, out)
}

// gather collects the keys of the packets in set.
func (w *worker) gather(set uint64) {
	w.parts = 0
	for ; set != 0; set &= set - 1 {
		w.part[w.parts&63] = w.keys[bits.TrailingZeros64(set)&63]
		w.parts++
	}
}

// scatter gives the packets in set the rules found for what gather collected.
// index, if not nil, turns the table's rule numbers into those of the list.
func (w *worker) scatter(set uint64, index []int32) {
	for i := 0; set != 0; set &= set - 1 {
		r := w.found[i&63]
		i++
		if r >= 0 && index != nil {
			r = index[r]
		}
		w.rules[bits.TrailingZeros64(set)&63] = r
	}
}

// verdict counts what became of a batch.
type verdict struct{ allowed, dropped, noRule int }

// judgeSets is lookup and judge for a short list and packets that are all of
// b: which match a rule is told by the bits of one word.
func (w *worker) judgeSets(t *acltable.Table, cells []cell, b *packet.Batch) (v verdict) {
	var sets [acltable.MaxSets]uint64
	t.LookupSets(&w.keys, w.n, &sets)
	var pass, drop uint64
	for i := range cells {
		c := &cells[i]
		set := sets[i&(acltable.MaxSets-1)]
		if set == 0 {
			continue
		}
		c.packets.Add(uint64(bits.OnesCount64(set)))
		if c.drop {
			drop |= set
		} else {
			pass |= set
		}
	}
	v.allowed, v.dropped = bits.OnesCount64(pass), bits.OnesCount64(drop)
	v.noRule = w.n - v.allowed - v.dropped
	if v.allowed == w.n {
		return v
	}
	n := 0
	for i, p := range b.Packets() {
		if pass>>i&1 == 0 {
			w.drops.Add(p)
			continue
		}
		b.Slots()[n] = p
		n++
	}
	b.SetLen(n)
	return v
}

// judge leaves in b the packets that pass, in order, and collects the others.
// Packets of one rule in a row are counted together: counting each would make
// every packet wait for the one before.
func (w *worker) judge(cells []cell, b *packet.Batch) (v verdict) {
	slots := b.Slots()
	n := min(w.n, len(w.rules))
	for i := 0; i < n; {
		first, r := i, w.rules[i]
		for i++; i < n && w.rules[i] == r; i++ {
		}
		run := w.pkts[first:i]
		if uint32(r) >= uint32(len(cells)) {
			v.noRule += len(run)
			w.drops.Append(run)
			continue
		}
		c := &cells[r]
		c.packets.Add(uint64(len(run)))
		if c.drop {
			v.dropped += len(run)
			w.drops.Append(run)
			continue
		}
		for _, p := range run { // mostly too short for copy to pay
			slots[v.allowed&(packet.BatchSize-1)] = p
			v.allowed++
		}
	}
	b.SetLen(v.allowed)
	return v
}
