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
	pkts  [packet.BatchSize]packet.Packet // these packets
	keys  [packet.BatchSize]acltable.Key  // what rules look at
	rules [packet.BatchSize]int32         // which rule matches, -1 for none
	est   uint64                          // bit i: packet i is an established segment
	drops packet.Batch                    // packets not to pass
	part  [packet.BatchSize]acltable.Key  // keys of one table
	found [packet.BatchSize]int32         // their rules
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
	minIPv4 = ipAt + header.IPv4MinLen
)

// tcpFlags is where the flags are in a TCP header.
const tcpFlags = 13

// read takes the keys of all packets that are well-formed IPv4: untagged
// Ethernet, version, header length and total length hold together and the
// packet is as long as it says. The others are dropped. Ports are those of
// TCP, UDP and SCTP in unfragmented packets and first fragments.
func (w *worker) read(ps []packet.Packet) {
	be := binary.BigEndian
	w.drops.Clear()
	w.est = 0
	n := 0
	for _, p := range ps {
		d := p.Bytes()
		if len(d) < minIPv4 {
			w.drops.Add(p)
			continue
		}
		// EtherType, version, header length: 0800 45 for almost all.
		hl := (int(be.Uint32(d[12:16])>>8) - 0x080040) * 4
		total := int(be.Uint16(d[ipAt+2 : ipAt+4]))
		l4 := ipAt + hl
		if hl < header.IPv4MinLen || hl > 60 || total < hl || l4 > len(d) || ipAt+total > p.TotalLen() {
			w.drops.Add(p)
			continue
		}
		k := acltable.Key{Addrs: be.Uint64(d[26:34])}
		proto := d[ipAt+9]
		if total >= hl+4 && len(d) >= l4+4 && header.HasPorts(proto) && be.Uint16(d[ipAt+6:ipAt+8])&0x1fff == 0 {
			k.Ports = acltable.HasPorts | uint64(be.Uint32(d[l4:l4+4]))
			if proto == header.ProtoTCP && total > hl+tcpFlags && len(d) > l4+tcpFlags &&
				d[l4+tcpFlags]&(header.TCPAck|header.TCPRst) != 0 {
				w.est |= 1 << (n & 63)
			}
		}
		w.pkts[n&63], w.keys[n&63] = p, k
		n++
	}
	w.n = n
}

// lookup finds the rules of the packets read.
func (l *list) lookup(w *worker) {
	t := l.tables
	if t.fresh == nil {
		t.all.LookupBatch(w.keys[:w.n], w.rules[:w.n])
		return
	}
	every := uint64(1)<<w.n - 1 // also for 64
	w.lookupSome(t.all, w.est, nil)
	w.lookupSome(t.fresh, every&^w.est, t.index)
}

// lookupSome finds the rules of the packets in set. index turns the table's
// rule numbers into those of the list.
func (w *worker) lookupSome(t *acltable.Table, set uint64, index []int32) {
	n := 0
	for s := set; s != 0; s &= s - 1 {
		w.part[n] = w.keys[bits.TrailingZeros64(s)]
		n++
	}
	t.LookupBatch(w.part[:n], w.found[:n])
	n = 0
	for s := set; s != 0; s &= s - 1 {
		r := w.found[n]
		n++
		if r >= 0 && index != nil {
			r = index[r]
		}
		w.rules[bits.TrailingZeros64(s)] = r
	}
}

// verdict counts what became of a batch.
type verdict struct{ allowed, dropped, noRule int }

// judge leaves in b the packets that pass, in order, and collects the others.
func (w *worker) judge(l *list, b *packet.Batch) (v verdict) {
	cells := l.cells[w.id]
	slots := b.Slots()
	for i, r := range w.rules[:w.n] {
		p := w.pkts[i]
		if uint32(r) >= uint32(len(cells)) {
			v.noRule++
			w.drops.Add(p)
			continue
		}
		c := &cells[r]
		c.packets.Add(1)
		if c.drop {
			v.dropped++
			w.drops.Add(p)
			continue
		}
		slots[v.allowed] = p
		v.allowed++
	}
	b.SetLen(v.allowed)
	return v
}
