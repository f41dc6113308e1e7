// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"sync/atomic"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/burst"
)

// receiver is an incoming queue of an Interface. Its ring belongs to one
// worker at a time, which turns to the ring of an interface that came again
// when it has emptied the old one.
//
//	control side:  next <- ring of the new interface      closes what is
//	worker:        ring empty? ring <- next               neither
//
// Under load the poller has no ring: the kernel would tell it of each packet, on
// the core that brings them.
type receiver struct {
	ring atomic.Pointer[sys.PacketRing]
	next atomic.Pointer[sys.PacketRing]
	poll *sys.Poller

	long  *sys.Messages // fetches packets longer than a frame of the ring
	spare []byte        // takes what precedes such a packet
	flat  []byte        // such a packet, to be cut
	cut   cutter
	held  bool // the packet being cut lies in the ring
	large bool // packets of several pieces are not cut
	armed bool // the poller has the ring

	packets sys.Counter
	lost    sys.Counter // no buffer, or not whole
	uncut   sys.Counter // of no known kind

	// Owned by the control side, under Interface.mu.
	rings []*sys.PacketRing // not closed yet
	drops uint64            // of those that are
}

func newReceiver(large bool) (_ *receiver, err error) {
	r := &receiver{large: large}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.poll, err = sys.NewPoller(); err != nil {
		return nil, err
	}
	if r.spare, err = sys.Map(sys.VnetSize); err != nil {
		return nil, err
	}
	if r.flat, err = sys.Map(packet.MaxTotal); err != nil {
		return nil, err
	}
	r.long, err = sys.NewMessages(1, packet.MaxTotal/segmentRoom+4)
	return r, err
}

func (r *receiver) close() {
	for _, ring := range r.rings {
		ring.Close()
	}
	if r.poll != nil {
		r.poll.Close()
	}
	if r.long != nil {
		r.long.Close()
	}
	sys.Unmap(r.spare)
	sys.Unmap(r.flat)
}

// put makes ring, which it takes over, the one to receive from.
func (r *receiver) put(ring *sys.PacketRing) error {
	if err := r.poll.Add(ring.FD()); err != nil {
		ring.Close()
		return err
	}
	for _, old := range r.rings {
		// What befell an old one is of no interest.
		r.poll.Remove(old.FD())
	}
	r.rings = append(r.rings, ring)
	if r.ring.Load() == nil {
		r.ring.Store(ring)
		r.armed = true
	} else {
		r.next.Store(ring)
	}
	r.sweep()
	return nil
}

// wait returns the descriptor that is readable while there are packets, until
// some are received.
func (r *receiver) wait() int {
	if !r.armed {
		ring := r.ring.Load()
		if r.poll.Add(ring.FD()) != nil {
			return ring.FD() // the kernel has no room: asleep, the ring that comes again is missed
		}
		r.armed = true
	}
	return r.poll.FD()
}

// disarm keeps the kernel from telling the poller of packets that are looked
// for anyway.
func (r *receiver) disarm() {
	r.poll.Remove(r.ring.Load().FD())
	r.armed = false
}

// sweep closes the rings that no worker will ever look at again.
func (r *receiver) sweep() {
	// In this order: a ring moves from next to ring; see adopt.
	next, now := r.next.Load(), r.ring.Load()
	kept := r.rings[:0]
	for _, ring := range r.rings {
		if ring == next || ring == now {
			kept = append(kept, ring)
			continue
		}
		r.drops += ring.Drops()
		ring.Close()
	}
	clear(r.rings[len(kept):])
	r.rings = kept
}

// dropped returns how many packets were lost on the way in.
func (r *receiver) dropped() uint64 {
	n := r.drops + r.lost.Load() + r.uncut.Load()
	for _, ring := range r.rings {
		n += ring.Drops()
	}
	return n
}

// adopt turns to the ring of the interface that came again, if there is one.
// The old one, which is empty, may be closed from the first store on; a ring
// is used only if it is still in next then, or it may be closed, too.
func (r *receiver) adopt() *sys.PacketRing {
	for {
		next := r.next.Load()
		if next == nil {
			return nil
		}
		r.ring.Store(next)
		r.armed = true // by put
		if r.next.CompareAndSwap(next, nil) {
			return next
		}
	}
}

// ethernetSize is the size of the header of a frame, without tags.
const ethernetSize = 14

// transmitter is an outgoing queue of an Interface. It belongs to one worker
// at a time. It has no ring: the kernel would send the ring's own pages, which
// veth and its like then have to copy, instead of copying the packet once.
type transmitter struct {
	out, large int        // sockets
	flags      *sys.Flags // asked when no link has been heard of
	sender     *Sender
	packets    sys.Counter
}

// openTransmitter opens a queue that leads to an interface of the current
// network namespace.
func openTransmitter(a *netlink.LinkAttrs, bypass bool) (_ *transmitter, err error) {
	index := a.Index
	t := &transmitter{out: -1, large: -1, flags: sys.NewFlags(a.Name)}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if t.out, err = sys.OpenPacketSender(index, sys.SenderOptions{Bypass: bypass}); err != nil {
		return nil, err
	}
	if t.large, err = sys.OpenPacketSender(index, sys.SenderOptions{Bypass: bypass, Header: true}); err != nil {
		return nil, err
	}
	if t.sender, err = NewSender(); err != nil {
		return nil, err
	}
	t.sender.drops = true // sendmmsg does not say why it took no more
	return t, t.sender.AllowLarge(t.large)
}

// send sends ps, as a burst as far as b can, frees what went and returns how many
// did; see Sender.Send.
func (t *transmitter) send(b *burst.Sender, c *packet.Cache, ps []packet.Packet, mtu int) int {
	n, rest, end := SendBurst(b, c, ps, mtu)
	if end == burst.NoLink {
		return n
	}
	return n + t.sender.Send(t.out, c, rest)
}

// rebind makes the queue lead to another interface of the current network
// namespace.
func (t *transmitter) rebind(index int) error {
	if err := sys.BindPacketSender(t.out, index); err != nil {
		return err
	}
	return sys.BindPacketSender(t.large, index)
}

func (t *transmitter) close() {
	sys.CloseFD(t.out)
	sys.CloseFD(t.large)
	if t.sender != nil {
		t.sender.Close()
	}
}
