// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// segmentsPerPacket is how many segments a packet may have on average without
// a batch needing more than one system call; maxSegments bounds one packet's.
const (
	segmentsPerPacket = 8
	maxSegments       = packet.BatchSize * segmentsPerPacket
)

// Sender sends packets through sockets, each as one message. It belongs to
// one worker at a time.
type Sender struct{ msgs *sys.Messages }

// NewSender returns a Sender.
func NewSender() (*Sender, error) {
	m, err := sys.NewMessages(packet.BatchSize, maxSegments)
	if err != nil {
		return nil, err
	}
	return &Sender{m}, nil
}

// Close releases the memory.
func (s *Sender) Close() { s.msgs.Close() }

// Send sends ps, at most packet.BatchSize, in order through socket fd, frees
// what went and returns how many did. It gives up when the socket is full or
// broken. Packets that are refused for what they are (empty, too long) do not
// hold up others: they end up behind those that went, so that ps is a
// different order of the same packets then.
func (s *Sender) Send(fd int, c *packet.Cache, ps []packet.Packet) int {
	sent := 0
	for i := 0; i < len(ps); {
		if s.fill(ps[i:]) == 0 {
			i++
			continue
		}
		n, err := s.msgs.Send(fd, 0)
		for range n {
			ps[sent], ps[i] = ps[i], ps[sent]
			sent++
			i++
		}
		if err == syscall.EMSGSIZE || err == syscall.EINVAL {
			i++
		} else if n == 0 {
			break
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
		if p.TotalLen() == 0 || !s.msgs.Begin() {
			return n
		}
		completeFlagged(p)
		for seg := p; seg != 0; seg = seg.Next() {
			if !s.msgs.Add(seg.Bytes()) {
				s.msgs.Undo()
				return n
			}
		}
	}
	return len(ps)
}
