// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/burst"
)

// segmentsPerPacket is how many segments a packet may have on average without
// a batch needing more than one system call; maxSegments bounds one packet's.
const (
	segmentsPerPacket = 8
	maxSegments       = packet.BatchSize * segmentsPerPacket
	// maxDropped is how many packets of a batch an interface may drop before the
	// rest is not tried: that costs as much as sending.
	maxDropped = 8
)

// Sender sends packets through sockets, each as one message. It belongs to
// one worker at a time.
type Sender struct {
	msgs  *sys.Messages
	drops bool   // what a socket refuses has been dropped, and counted, behind it
	large int    // socket for packets of several pieces, -1 if there is none
	head  []byte // what precedes such a packet
}

// NewSender returns a Sender.
func NewSender() (*Sender, error) {
	m, err := sys.NewMessages(packet.BatchSize, maxSegments)
	if err != nil {
		return nil, err
	}
	return &Sender{msgs: m, large: -1}, nil
}

// AllowLarge makes the Sender send packets of several pieces, as they are,
// through a socket whose messages begin with a virtio header: the kernel, or
// what is behind it, cuts them. Without such a socket they cannot be sent.
func (s *Sender) AllowLarge(fd int) (err error) {
	s.large = fd
	s.head, err = sys.Map(sys.VnetSize)
	return err
}

// Close releases the memory.
func (s *Sender) Close() {
	s.msgs.Close()
	sys.Unmap(s.head)
}

// Send sends ps, at most packet.BatchSize, in order through socket fd, frees
// what went and returns how many did. It gives up when the socket is full or
// broken, or too much was dropped behind it: nothing is tried twice then. Packets
// that are refused for what they are (empty, too long) do not hold up others: they
// end up behind those that went, so that ps is a different order of the same
// packets then.
func (s *Sender) Send(fd int, c *packet.Cache, ps []packet.Packet) int {
	sent, dropped := 0, 0
	for i := 0; i < len(ps) && dropped < maxDropped; {
		to := fd
		if s.fill(ps[i:]) == 0 {
			if !s.fillLarge(ps[i]) {
				i++
				continue
			}
			to = s.large
		}
		n, err := s.msgs.Send(to, 0)
		for range n {
			ps[sent], ps[i] = ps[i], ps[sent]
			sent++
			i++
		}
		switch {
		case err == syscall.EMSGSIZE || err == syscall.EINVAL:
			i++
		case s.drops && (err == syscall.ENOBUFS || n > 0 && n < s.msgs.Count()):
			i++
			dropped++
		case n == 0:
			c.FreeAll(ps[:sent])
			return sent
		}
	}
	c.FreeAll(ps[:sent])
	return sent
}

// fill makes messages of the first packets of ps, as far as there is room,
// and returns their number. It stops before a packet that cannot be sent.
func (s *Sender) fill(ps []packet.Packet) int {
	s.msgs.Reset()
	for n, p := range ps {
		if p.TotalLen() == 0 || p.Flags()&packet.FlagLarge != 0 || !s.msgs.Begin() {
			return n
		}
		CompleteFlagged(p)
		if !s.add(p) {
			s.msgs.Undo()
			return n
		}
	}
	return len(ps)
}

// add adds the segments of p to the message begun.
func (s *Sender) add(p packet.Packet) bool {
	for seg := p; seg != 0; seg = seg.Next() {
		if !s.msgs.Add(seg.Bytes()) {
			return false
		}
	}
	return true
}

// fillLarge makes one message of a packet of several pieces and reports
// whether that is possible.
func (s *Sender) fillLarge(p packet.Packet) bool {
	if s.large < 0 {
		return false
	}
	h, ok := LargeHeader(p)
	if !ok {
		return false
	}
	h.Put(s.head)
	s.msgs.Reset()
	return s.msgs.Begin() && s.msgs.Add(s.head) && s.add(p)
}

// LargeHeader returns the header with which the kernel cuts a packet of several
// pieces, whose checksum is made partial again. Where its headers are is found
// out anew: modules may have moved them. One that is not what it was, for
// example since it was put into a tunnel, cannot be sent.
func LargeHeader(p packet.Packet) (sys.VnetHeader, bool) {
	kind, size := p.Pieces()
	var l layout
	b := p.Bytes()
	k := sys.Offload(kind)
	if p.Flags()&packet.FlagLarge == 0 || size == 0 || !l.find(b, p.TotalLen()) || !l.fits(k) {
		return sys.VnetHeader{}, false
	}
	l.putPseudo(b, l.addresses(b), l.end-l.l4)
	return sys.VnetHeader{Kind: k, Size: size, Header: l.payload, SumFrom: l.l4, SumAt: l.sumAt}, true
}

// SendBurst sends the first of ps by way of b, which may be nil, completes
// their checksums, frees what went and returns how many did, and the rest, which
// may be tried in other ways; see burst.Sender.Send. What is longer than the MTU
// allows without tags stops it. A packet that was dropped is not tried again: it
// ends up behind the rest, as not sent.
func SendBurst(b *burst.Sender, c *packet.Cache, ps []packet.Packet, mtu int) (sent int, rest []packet.Packet, end burst.End) {
	if b == nil || len(ps) < burst.Least {
		return 0, ps, burst.Unsent
	}
	for _, p := range ps {
		if p.Flags()&packet.FlagLarge == 0 {
			CompleteFlagged(p)
		}
	}
	n, end := b.Send(c, ps, mtu+ethernetSize)
	c.FreeAll(ps[:n])
	rest = ps[n:]
	if end == burst.Dropped {
		p := rest[0]
		last := copy(rest, rest[1:])
		rest[last] = p
		rest = rest[:last]
	}
	return n, rest, end
}
