// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"encoding/binary"
	"sync/atomic"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

const (
	// room is what a new segment holds behind the usual headroom.
	room = packet.BufferSize - packet.Headroom
	// shortMTU is the largest MTU whose packets, with addresses, type and two
	// tags, fit into a segment, with a byte to spare that tells a longer one.
	shortMTU = room - 23
	// headerSize is the size of struct virtio_net_hdr, which precedes every
	// packet (linux/virtio_net.h): flags, kind of segmentation, header length,
	// segment size, where the checksum starts, where it is stored from there.
	headerSize = 10
	// maxSegments is the most a packet sent may have.
	maxSegments = 1000
)

// fewest is how many reads are tried at least at a time. One that finds nothing
// costs a tenth of a system call.
const fewest = 4

// inQueue is what the worker of an incoming queue needs.
type inQueue struct {
	slot  *sys.Slot
	reads *sys.Transfers
	ahead int    // reads to be tried next, fewest..packet.BatchSize
	over  []byte // takes what does not fit into a segment, packet.MaxTotal for each read
	wait  bool   // reading would wait if not told otherwise
	loop  *loop  // frames sent come back here, nil: they do not
	tags  [2]tag // pushed, the inner one first
	lost  sys.Counter

	large bool // packets of several pieces are let in
	// long says that packets may be too long for a segment. It is found out
	// from one that is, which is lost, unless the MTU or large tells.
	long  atomic.Bool
	spill bool // the reads of the moment have room for such

	fresh [packet.BatchSize]packet.Packet // to be read into
}

// outQueue is what the worker of an outgoing queue needs.
type outQueue struct {
	slot   *sys.Slot
	writes *sys.Transfers
	head   []byte // room for the header of each write
	inside uint64 // bit for each write: its header is in the packet itself
	loop   *ring  // instead of the interface, nil: none
}

// Recv appends up to limit packets of incoming queue q to b and returns their
// number.
func (d *Device) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	in := &d.in[q]
	from := b.Len()
	end := from + min(limit, b.Room())
	if in.loop != nil {
		in.loop.pop(b, end-from)
	}
	for b.Len() < end && !d.gone.Load() {
		if err := in.read(c, b, end-b.Len()); err != 0 {
			d.check(err)
			break
		}
	}
	if in.tags[0].tci != 0 || in.tags[1].tci != 0 {
		in.push(b.Packets()[from:])
	}
	return b.Len() - from
}

// read appends up to most packets to b. Without error there may be more. How
// many reads are tried follows how many found something.
func (in *inQueue) read(c *packet.Cache, b *packet.Batch, most int) (err syscall.Errno) {
	n := in.prepare(c, min(most, in.ahead))
	if n == 0 {
		return in.discard()
	}
	in.reads.Read(in.slot.FD(), in.wait)
	got := 0
	for i, p := range in.fresh[:n] {
		size, e := in.reads.Result(i)
		switch {
		case e != 0:
			err = e
			c.Free(p)
			continue
		case size == headerSize+room && !in.spill:
			in.long.Store(true) // it may have been cut
			in.lost.Add(1)
			c.Free(p)
		case in.finish(c, p, in.overflow(i), size):
			b.Add(p)
		default:
			in.lost.Add(1)
			c.Free(p)
		}
		got++
	}
	if got == n {
		in.ahead = min(2*in.ahead, packet.BatchSize)
	} else {
		in.ahead = max(2*got, fewest)
	}
	return err
}

// prepare makes up to most reads, each into a fresh packet and what is behind
// it, and returns their number.
func (in *inQueue) prepare(c *packet.Cache, most int) int {
	in.reads.Reset()
	in.spill = in.long.Load()
	for i := range most {
		p := c.Alloc()
		if p == 0 {
			return i
		}
		p.Init(room)
		p.Prepend(headerSize)
		in.fresh[i] = p
		in.reads.Begin()
		in.reads.Add(p.Bytes())
		if in.spill {
			in.reads.Add(in.overflow(i))
		}
	}
	return most
}

// overflow returns what takes the end of a packet that read i finds too long
// for a segment.
func (in *inQueue) overflow(i int) []byte { return in.over[i*packet.MaxTotal:][:packet.MaxTotal] }

// finish makes a packet of the n bytes that were read into p and over.
func (in *inQueue) finish(c *packet.Cache, p packet.Packet, over []byte, n int) bool {
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
	for rest := over[:max(n-room, 0)]; len(rest) > 0; {
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
	in.reads.Reset()
	in.reads.Begin()
	in.reads.Add(in.overflow(0))
	in.reads.Read(in.slot.FD(), in.wait)
	if _, err := in.reads.Result(0); err != 0 {
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
	for i := 0; i < len(ps); {
		n := out.fill(ps[i:])
		if n == 0 {
			i++
			continue
		}
		out.writes.Write(out.slot.FD())
		var broken syscall.Errno
		for j := range n {
			_, err := out.writes.Result(j)
			if out.inside&(1<<j) != 0 {
				ps[i].Adjust(headerSize)
			}
			if err == 0 {
				ps[sent], ps[i] = ps[i], ps[sent]
				sent++
			} else if !sys.Refused(err) {
				broken = err
			}
			i++
		}
		if broken != 0 {
			d.check(broken)
			break
		}
	}
	c.FreeAll(ps[:sent])
	return sent
}

// SendsLarge says that packets of several pieces can be sent: the kernel, or
// who receives them, cuts them.
func (d *Device) SendsLarge() {}

// fill makes writes of the first packets of ps, as far as there is room, and
// returns their number. It stops before a packet that cannot be sent.
func (out *outQueue) fill(ps []packet.Packet) int {
	out.writes.Reset()
	out.inside = 0
	for _, p := range ps {
		if !out.writes.Begin() {
			break
		}
		if !out.add(p, out.writes.Count()-1) {
			out.writes.Undo()
			break
		}
	}
	return out.writes.Count()
}

// add adds a packet to write i, begun last, behind a header. That is in front
// of the packet's bytes if there is room: then most packets are one segment.
func (out *outQueue) add(p packet.Packet, i int) bool {
	head := out.head[i*headerSize:][:headerSize]
	if !putHeader(head, p) {
		return false
	}
	inside := p.Prepend(headerSize)
	if inside {
		copy(p.Bytes(), head)
	}
	ok := inside || out.writes.Add(head)
	for s := p; s != 0 && ok; s = s.Next() {
		ok = out.writes.Add(s.Bytes())
	}
	switch {
	case inside && ok:
		out.inside |= 1 << i
	case inside:
		p.Adjust(headerSize)
	}
	return ok
}

// putHeader writes the header of a packet. A partial checksum is left for the
// receiver, who would not look at it anyway, and so is a packet of several
// pieces.
func putHeader(head []byte, p packet.Packet) bool {
	clear(head)
	switch flags := p.Flags(); {
	case flags&packet.FlagLarge != 0:
		h, ok := pktio.LargeHeader(p)
		if !ok {
			return false
		}
		h.Put(head)
	case flags&packet.FlagPartialChecksum != 0:
		from, at := p.ChecksumPlace()
		if at < from || at+2 > p.TotalLen() {
			return false
		}
		head[0] = 1
		binary.NativeEndian.PutUint16(head[6:], uint16(from))
		binary.NativeEndian.PutUint16(head[8:], uint16(at-from))
	}
	return true
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
