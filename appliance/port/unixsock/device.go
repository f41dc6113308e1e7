// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package unixsock

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

const (
	// room is what a packet buffer holds behind the usual headroom, excess
	// what a message may have beyond that: it moves into the headroom.
	room   = packet.BufferSize - packet.Headroom
	excess = packet.Headroom
	// timed is the interval, in nanoseconds, from which on the port asks to
	// be polled by the clock: its descriptor would wake the worker for
	// packets it must not fetch yet.
	timed = 1_000_000
)

// device is an open port.
//
//	worker of Recv ---.
//	worker of Send ---+--> slot (a number that stays) --> the client's socket
//	serve ------------'        changed by serve alone
//
// The workers use the slot's number without a lock whenever connected is set.
// That it is set a moment too long does no harm: the calls then fail, or hit
// the next client's socket. See sys.Slot.
type device struct {
	port.NoSettings
	path  string
	greet bool

	listener  int
	file      os.FileInfo // the socket's file, nil for abstract addresses
	slot      *sys.Slot
	wake      *sys.Event // makes serve look around
	connected atomic.Bool
	closing   atomic.Bool
	ended     sync.WaitGroup // serve

	// For the worker that receives.
	hz       uint64
	interval uint64 // between polls when idle, in cycles
	clocked  bool   // see timed
	next     uint64 // no poll before that, in cycles; 0: none was in vain
	batch    packet.Batch
	in       *sys.Messages
	over     []byte // for each packet of batch the excess bytes
	lost     sys.Counter

	// For the worker that sends.
	sender *pktio.Sender
}

func (d *device) setInterval(ns int64) {
	switch {
	case ns < 0:
		return
	case ns == 0:
		ns = defaultInterval
	}
	d.interval = sys.CyclesOfNS(uint64(min(ns, maxInterval)), d.hz)
	d.clocked = ns >= timed
}

// open acquires everything; release gives back as much as there is.
func (d *device) open() (err error) {
	d.listener = -1
	if d.in, err = sys.NewMessages(packet.BatchSize, 2*packet.BatchSize); err != nil {
		return err
	}
	if d.over, err = sys.Map(packet.BatchSize * excess); err != nil {
		return err
	}
	if d.sender, err = pktio.NewSender(); err != nil {
		return err
	}
	if d.wake, err = sys.NewEvent(); err != nil {
		return err
	}
	if d.slot, err = sys.NewSlot(); err != nil {
		return err
	}
	return d.listen()
}

func (d *device) release() {
	d.unlisten()
	if d.slot != nil {
		d.slot.Close()
	}
	if d.wake != nil {
		d.wake.Close()
	}
	if d.sender != nil {
		d.sender.Close()
	}
	if d.in != nil {
		d.in.Close()
	}
	sys.Unmap(d.over)
}

// Close hangs up, ends serve and removes the socket.
func (d *device) Close() {
	d.closing.Store(true)
	d.wake.Signal()
	d.ended.Wait()
	d.release()
}

// Recv receives up to limit packets. Messages beyond the size of a buffer are
// cut, empty ones ignored.
func (d *device) Recv(_ int, c *packet.Cache, b *packet.Batch, limit int) int {
	if !d.connected.Load() {
		return 0
	}
	if d.interval != 0 && d.next != 0 && sys.Cycles() < d.next {
		return 0
	}
	n := d.poll(c, b, min(limit, b.Room()))
	d.next = 0
	if n == 0 && d.interval != 0 {
		d.next = sys.Cycles() + d.interval
	}
	return n
}

// poll asks the socket for up to limit messages.
func (d *device) poll(c *packet.Cache, b *packet.Batch, limit int) int {
	for !c.AllocBatch(&d.batch, limit, room) {
		if limit /= 2; limit == 0 {
			d.discard()
			return 0
		}
	}
	d.in.Reset()
	for i, p := range d.batch.Packets() {
		d.in.Begin()
		d.in.Add(p.Bytes())
		d.in.Add(d.over[i*excess : (i+1)*excess])
	}
	got, err := d.in.Recv(d.slot.FD())
	if err == syscall.ECONNRESET {
		// The client left without reading all we sent. What it sent before
		// can still be received.
		got, _ = d.in.Recv(d.slot.FD())
	}
	n := d.sort(got)
	b.Append(d.batch.Packets()[:n])
	c.FreeAll(d.batch.Packets()[n:])
	if got > n {
		d.sawEmpty()
	}
	return n
}

// sort makes packets of the first got messages and puts the ones with content
// in front. It returns their number.
func (d *device) sort(got int) int {
	ps := d.batch.Packets()
	n := 0
	for i, p := range ps[:got] {
		size := d.in.Len(i)
		if size == 0 {
			continue
		}
		whole := p.Bytes()
		p.Init(size)
		if size > room {
			moved := p.Bytes()
			copy(moved, whole)
			copy(moved[room:], d.over[i*excess:(i+1)*excess])
		}
		ps[n], ps[i] = p, ps[n]
		n++
	}
	return n
}

// discard drops a message for which there is no buffer.
func (d *device) discard() {
	fd := d.slot.FD()
	if sys.Unread(fd) == 0 {
		d.sawEmpty()
	} else if sys.Discard(fd) {
		d.lost.Add(1)
	}
}

// sawEmpty is told of messages without content. They may be the client's, or
// what reading from a closed connection looks like.
func (d *device) sawEmpty() {
	if fd := d.slot.FD(); sys.HungUp(fd) && sys.Unread(fd) == 0 {
		d.wake.Signal()
	}
}

// Send sends ps, as many as the client's socket takes.
func (d *device) Send(_ int, c *packet.Cache, ps []packet.Packet) int {
	if !d.connected.Load() {
		return 0
	}
	return d.sender.Send(d.slot.FD(), c, ps)
}

// WaitFD returns a descriptor that stays the same while clients come and go,
// or none while the port must not be polled for long.
func (d *device) WaitFD(int) int {
	if d.RetryAfter(0) != 0 {
		return -1
	}
	return d.slot.WaitFD()
}

// RetryAfter says how long the port must not be polled, if that is long.
func (d *device) RetryAfter(int) uint64 {
	if !d.clocked || d.next == 0 || !d.connected.Load() {
		return 0
	}
	now := sys.Cycles()
	if now >= d.next {
		return 0
	}
	return max(sys.Nanoseconds(d.next-now, d.hz), 1)
}

// DeviceStats counts messages dropped for want of a buffer.
func (d *device) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.lost.Load()}, port.DeviceStats{}
}

// Notes say where the port listens and whether there is a client.
func (d *device) Notes() []string {
	if d.connected.Load() {
		return []string{"listens at " + d.path, "a client is connected"}
	}
	return []string{"listens at " + d.path, "no client is connected"}
}
