// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

const (
	// tagAt is where an Ethernet frame has its outer VLAN tag, of tagSize.
	tagAt   = 12
	tagSize = 4
)

// Recv appends up to limit packets of queue q to b and returns their number.
// Packets are as they would be on a cable: tags that the kernel took out are
// back, checksums that senders on this host left for the hardware are completed,
// and what the kernel put together is cut.
func (d *Device) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	qu := &d.queues[q]
	qu.receiving.Store(1)
	n := 0
	if s := qu.socket.Load(); s != nil {
		n = s.recv(c, b, min(limit, b.Room()), d.host.MTU())
	}
	qu.received.Add(uint64(n))
	qu.receiving.Store(0)
	return n
}

func (s *socket) recv(c *packet.Cache, b *packet.Batch, limit, mtu int) int {
	if s.owing.Load() && !s.zeroCopy {
		_, _ = s.again()
	}
	n := s.addPieces(c, b, limit)
	if s.rx.filled() == 0 {
		if s.busyPoll || s.wakeup && s.fill.wantsWakeup() {
			s.poke()
		}
		return n
	}
	for n < limit && s.rx.filled() > 0 {
		frames := s.frames()
		if frames == 0 {
			break
		}
		if s.flat != nil && s.startCut(frames, mtu) {
			s.next(frames)
			n += s.addPieces(c, b, limit-n)
			continue
		}
		if p := s.take(c, frames); p != 0 {
			b.Add(p)
			n++
		} else {
			s.lost.Add(1)
		}
		s.next(frames)
	}
	s.rx.release()
	s.fill.publish()
	s.setGate()
	return n
}

// setGate shuts the gate when the ring is about to be full, so that packets get
// lost anyway, and opens it when half of it is free again. It is open when recv
// has emptied the ring: a worker may sleep then.
func (s *socket) setGate() {
	if s.gate == nil {
		return
	}
	size := s.rx.mask + 1
	s.rx.prod = s.rx.producer.Load()
	switch waits := s.rx.prod - s.rx.cons; {
	case !s.shut && waits >= size-size/8:
		s.shut = true
		s.gate.shut.Store(1)
	case s.shut && waits <= size/2:
		s.shut = false
		s.gate.shut.Store(0)
	}
}

// next goes past a packet that took so many frames, which the kernel may use
// again.
func (s *socket) next(frames uint32) {
	for range frames {
		s.fill.put(s.rx.at(s.rx.cons).Addr &^ uint64(s.size-1))
		s.rx.cons++
	}
}

// frames returns how many frames the next packet takes, 0 if the kernel has
// not written all of them yet.
func (s *socket) frames() uint32 {
	for n, have := uint32(0), s.rx.filled(); n < have; n++ {
		if s.rx.at(s.rx.cons+n).Options&unix.XDP_PKT_CONTD == 0 {
			return n + 1
		}
	}
	// What is known now may not be all there is.
	s.rx.prod = s.rx.producer.Load()
	for n, have := uint32(0), s.rx.prod-s.rx.cons; n < have; n++ {
		if s.rx.at(s.rx.cons+n).Options&unix.XDP_PKT_CONTD == 0 {
			return n + 1
		}
	}
	return 0
}

// total returns how many bytes the next packet has, which takes so many frames.
func (s *socket) total(frames uint32) (n int) {
	for i := range frames {
		n += int(s.rx.at(s.rx.cons + i).Len)
	}
	return n
}

// take returns the next packet, which takes so many frames; 0 if there is no
// buffer for it.
func (s *socket) take(c *packet.Cache, frames uint32) packet.Packet {
	first, total := s.rx.at(s.rx.cons), s.total(frames)
	var tag uint32
	if s.tags {
		tag = s.tag(first.Addr)
	}
	room := 0
	if tag != 0 && total >= tagAt {
		room = tagSize
	}
	p := c.AllocTotal(total + room)
	if p == 0 {
		return 0
	}
	if frames == 1 && total+room <= packet.BufferSize {
		b := p.Bytes()
		copy(b[room:], s.mem[first.Addr:][:total])
	} else {
		s.gather(p, frames, room)
	}
	if room > 0 {
		b := p.Bytes()
		copy(b, b[tagSize:tagSize+tagAt])
		binary.NativeEndian.PutUint32(b[tagAt:], tag)
	}
	if s.checksums {
		finish(p)
	}
	return p
}

// gather copies the bytes of several frames to p, from an offset on.
func (s *socket) gather(p packet.Packet, frames uint32, at int) {
	seg := p
	dst := seg.Bytes()[at:]
	for i := range frames {
		d := s.rx.at(s.rx.cons + i)
		for src := s.mem[d.Addr:][:d.Len]; len(src) > 0; {
			if len(dst) == 0 {
				if seg = seg.Next(); seg == 0 {
					return
				}
				dst = seg.Bytes()
			}
			n := copy(dst, src)
			src, dst = src[n:], dst[n:]
		}
	}
}

// tag returns the VLAN tag that the program stored in front of a packet, as it
// is in memory; 0 if there is none.
func (s *socket) tag(addr uint64) uint32 {
	if addr&uint64(s.size-1) < hintSize {
		return 0
	}
	m := s.mem[addr-hintSize : addr]
	if binary.NativeEndian.Uint32(m) != hintMagic {
		return 0
	}
	var b [tagSize]byte
	copy(b[:2], m[4:6])
	binary.BigEndian.PutUint16(b[2:], binary.NativeEndian.Uint16(m[6:]))
	clear(m) // the next packet in the frame may come without
	return binary.NativeEndian.Uint32(b[:])
}
