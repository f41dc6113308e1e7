// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

const (
	// minLen is the shortest frame that can be sent.
	minLen = 14
	// beyondMTU is what a frame may have besides: addresses, type, two tags.
	beyondMTU = 22
	// maxParts is how many frames a packet may take: what a kernel that
	// copies has room for.
	maxParts = 17
	// kicks is how often the kernel is told about a batch as long as it goes
	// on taking packets.
	kicks = 8
)

// Send takes ps over to be sent through queue q, frees what it took and returns
// how many. What becomes of them, Sent and Dropped tell. It gives up when all
// frames are under way. What was dropped of a burst is not taken. Packets that
// are refused for what they are (shorter than a header, longer than the
// interface's MTU, to be cut by hardware) do not hold up others: they end up
// behind those that were taken, so that ps is a different order of the same
// packets then.
func (d *Device) Send(q int, c *packet.Cache, ps []packet.Packet) int {
	qu := &d.queues[q]
	qu.sending.Store(1)
	n := 0
	if s := qu.socket.Load(); s != nil {
		mtu, rest := d.host.MTU(), ps
		if s.untaken() == 0 { // or they would overtake what waits for the kernel
			b := d.bursts.Of(q)
			n, rest, _ = pktio.SendBurst(b, c, ps, mtu)
			qu.gone.Add(uint64(n))
			qu.goneBytes.Add(b.Bytes(n))
		}
		n += s.send(c, rest, mtu+beyondMTU)
		if s.owing.Load() {
			d.owed.tell()
		}
	}
	qu.sending.Store(0)
	return n
}

func (s *socket) send(c *packet.Cache, ps []packet.Packet, longest int) int {
	s.reclaim()
	if s.multi {
		longest = min(longest, maxParts*s.size)
	} else {
		longest = min(longest, s.size)
	}
	sent, room := 0, s.room()
	for i, p := range ps {
		n := p.TotalLen()
		if n < minLen || n > longest || p.Flags()&packet.FlagLarge != 0 {
			continue
		}
		parts := (n + s.size - 1) / s.size
		if parts > min(len(s.free), room) {
			break
		}
		room -= parts
		pktio.CompleteFlagged(p)
		s.write(p, n)
		ps[sent], ps[i] = p, ps[sent]
		sent++
	}
	if sent > 0 {
		s.tx.publish()
		if s.zeroCopy {
			s.trust()
		}
		s.flush()
		c.FreeAll(ps[:sent])
	} else if s.owing.Load() || s.untaken() > 0 {
		s.flush()
	}
	return sent
}

// reclaim takes back the frames that have been sent.
func (s *socket) reclaim() {
	n := s.done.filled()
	if n == 0 {
		return
	}
	for range n {
		s.free = append(s.free, *s.done.at(s.done.cons)&^uint64(s.size-1))
		s.done.cons++
	}
	s.done.release()
}

// write puts a packet of n bytes into the outgoing ring.
func (s *socket) write(p packet.Packet, n int) {
	seg, src := p, p.Bytes()
	for n > 0 {
		last := len(s.free) - 1
		addr := s.free[last]
		s.free = s.free[:last]
		part := min(n, s.size)
		for dst := s.mem[addr:][:part]; len(dst) > 0; {
			if len(src) == 0 {
				seg = seg.Next()
				src = seg.Bytes()
				continue
			}
			k := copy(dst, src)
			dst, src = dst[k:], src[k:]
		}
		n -= part
		d := unix.XDPDesc{Addr: addr, Len: uint32(part)}
		if n > 0 {
			d.Options = unix.XDP_PKT_CONTD
		}
		s.tx.put(d)
	}
}

// flush tells the kernel about packets to be sent. One that sends them in the
// call itself may need to be told several times. What it does not take now, it
// is told about by the next Send or Recv, or by the collector. A device that
// reads the frames itself takes them when it likes, once its driver was told:
// that is waited for by the collector only.
func (s *socket) flush() {
	if s.wakeup && !s.tx.wantsWakeup() {
		s.owing.Store(false)
		return
	}
	for range kicks {
		if left, less := s.again(); !left || !less || s.zeroCopy {
			break
		}
	}
}

// again tells the kernel about packets to be sent, and returns and notes whether
// any are left; less says that it took some. Anybody may do it, but only one at
// a time: others leave it at the note.
func (s *socket) again() (left, less bool) {
	if !s.fate.asked.CompareAndSwap(false, true) {
		s.owing.Store(true)
		return true, false
	}
	s.owing.Store(false) // first: what another one notes meanwhile holds
	less = s.learn(s.kick())
	s.fate.asked.Store(false)
	if s.untaken() == 0 {
		return false, less
	}
	s.owing.Store(true)
	return true, less
}
