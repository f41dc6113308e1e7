// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"encoding/binary"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

const (
	// room is what a new segment holds behind the usual headroom.
	room = packet.BufferSize - packet.Headroom
	// headerSize is the size of struct virtio_net_hdr, which precedes every
	// packet (linux/virtio_net.h): flags, kind of segmentation, header length,
	// segment size, where the checksum starts, where it is stored from there.
	headerSize = 10
	// maxSegments is the most a packet sent may have.
	maxSegments = 1000
)

// inQueue is what the worker of an incoming queue needs.
type inQueue struct {
	slot *sys.Slot
	vec  *sys.Vector
	over []byte // takes what does not fit into a segment
	wait bool   // reading would wait if not told otherwise
	loop *loop  // frames sent come back here, nil: they do not
	tags [2]tag // pushed, the inner one first
	lost sys.Counter

	large bool // packets of several pieces are let in
}

// outQueue is what the worker of an outgoing queue needs.
type outQueue struct {
	slot *sys.Slot
	vec  *sys.Vector
	head []byte // header of a packet without a wish, then room for another one
	loop *ring  // instead of the interface, nil: none
}

// Recv appends up to limit packets of incoming queue q to b and returns their
// number.
func (d *Device) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	in := &d.in[q]
	from := b.Len()
	limit = min(limit, b.Room())
	if in.loop != nil {
		in.loop.pop(b, limit)
	}
	for b.Len()-from < limit && !d.gone.Load() {
		p, err := in.read(c)
		if p != 0 {
			b.Add(p)
		} else if err != 0 {
			d.check(err)
			break
		}
	}
	if in.tags[0].tci != 0 || in.tags[1].tci != 0 {
		in.push(b.Packets()[from:])
	}
	return b.Len() - from
}

// read returns the next packet. Without one, but without error as well,
// there was one that was lost.
func (in *inQueue) read(c *packet.Cache) (packet.Packet, syscall.Errno) {
	p := c.Alloc()
	if p == 0 {
		return 0, in.discard()
	}
	p.Init(room)
	p.Prepend(headerSize)
	in.vec.Reset()
	in.vec.Add(p.Bytes())
	in.vec.Add(in.over)
	n, err := in.vec.Read(in.slot.FD(), in.wait)
	if err != 0 {
		c.Free(p)
		return 0, err
	}
	if !in.finish(c, p, n) {
		in.lost.Add(1)
		c.Free(p)
		return 0, 0
	}
	return p, 0
}

// finish makes a packet of the n bytes that were read into p and over.
func (in *inQueue) finish(c *packet.Cache, p packet.Packet, n int) bool {
	if n <= headerSize {
		return false
	}
	h := p.Bytes()
	partial, kind, piece := h[0]&1 != 0, h[1]&^0x80, binary.NativeEndian.Uint16(h[4:])
	from := int(binary.NativeEndian.Uint16(h[6:]))
	at := from + int(binary.NativeEndian.Uint16(h[8:]))
	p.Adjust(headerSize)
	if kind != 0 && !in.large {
		// To be cut by the hardware. The kernel was told not to send such.
		return false
	}
	n -= headerSize
	p.Trim(min(n, room))
	for rest := in.over[:max(n-room, 0)]; len(rest) > 0; {
		s := c.Alloc()
		if s == 0 {
			return false
		}
		s.Init(min(len(rest), room))
		rest = rest[copy(s.Bytes(), rest):]
		p.Chain(s)
	}
	if partial {
		pktio.Complete(p, from, at)
	}
	if kind != 0 {
		p.SetFlags(p.Flags() | packet.FlagLarge)
		p.SetPieces(kind, int(piece))
	}
	return true
}

// discard takes a packet for which there is no buffer from the kernel: the
// worker could not sleep as long as it waits there.
func (in *inQueue) discard() syscall.Errno {
	in.vec.Reset()
	in.vec.Add(in.over)
	_, err := in.vec.Read(in.slot.FD(), in.wait)
	if err != 0 {
		return err
	}
	in.lost.Add(1)
	return syscall.ENOBUFS
}

// Send sends the first packets of ps, as many as it returns, and frees them to
// c. Packets that are refused for what they are (too short, too long) do not
// hold up others: they end up behind those that went.
func (d *Device) Send(q int, c *packet.Cache, ps []packet.Packet) int {
	out := &d.out[q]
	if out.loop != nil {
		return out.loop.push(c, ps)
	}
	if d.gone.Load() {
		return 0
	}
	sent := 0
	fd := out.slot.FD()
	for i, p := range ps {
		err := out.write(fd, p)
		if err == 0 {
			ps[sent], ps[i] = p, ps[sent]
			sent++
		} else if err != syscall.EINVAL && err != syscall.EMSGSIZE && err != syscall.EFAULT {
			d.check(err)
			break
		}
	}
	c.FreeAll(ps[:sent])
	return sent
}

// SendsLarge says that packets of several pieces can be sent: the kernel, or
// who receives them, cuts them.
func (d *Device) SendsLarge() {}

// write sends one packet. A partial checksum is left for the receiver, who
// would not look at it anyway, and so is a packet of several pieces.
func (out *outQueue) write(fd int, p packet.Packet) syscall.Errno {
	head := out.head[:headerSize]
	switch flags := p.Flags(); {
	case flags&packet.FlagLarge != 0:
		h, ok := pktio.LargeHeader(p)
		if !ok {
			return syscall.EMSGSIZE
		}
		head = out.head[headerSize:]
		h.Put(head)
	case flags&packet.FlagPartialChecksum != 0:
		from, at := p.ChecksumPlace()
		if at < from || at+2 > p.TotalLen() {
			return syscall.EINVAL
		}
		head = out.head[headerSize:]
		clear(head)
		head[0] = 1
		binary.NativeEndian.PutUint16(head[6:], uint16(from))
		binary.NativeEndian.PutUint16(head[8:], uint16(at-from))
	}
	out.vec.Reset()
	out.vec.Add(head)
	for s := p; s != 0; s = s.Next() {
		if !out.vec.Add(s.Bytes()) {
			return syscall.EMSGSIZE
		}
	}
	_, err := out.vec.Write(fd)
	return err
}

// tag is a VLAN tag; without tag control information there is none.
type tag struct{ tpid, tci uint16 }

// push puts the tags into packets, behind the addresses.
func (in *inQueue) push(ps []packet.Packet) {
	for _, p := range ps {
		for _, t := range in.tags {
			if t.tci == 0 || p.Len() < 12 || !p.Prepend(4) {
				continue
			}
			b := p.Bytes()
			copy(b, b[4:16])
			binary.BigEndian.PutUint16(b[12:], t.tpid)
			binary.BigEndian.PutUint16(b[14:], t.tci)
		}
	}
}
