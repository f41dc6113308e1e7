// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"net"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// Notes describe the interface, the mode it is driven in and why it is not a
// better one, and the state it is in.
func (d *Device) Notes() []string {
	name := d.host.Name()
	d.mu.Lock()
	defer d.mu.Unlock()
	var notes []string
	if s := d.queues[0].socket.Load(); s != nil {
		notes = append(notes, fmt.Sprintf("interface %s: %s", name, d.mode(s)))
	}
	a, err := d.host.Attrs()
	if note := d.bursts.Note(); err == nil && note != "" {
		notes = append(notes, fmt.Sprintf("interface %s: %s", name, note))
	}
	if d.reason != "" {
		notes = append(notes, fmt.Sprintf("interface %s: %s", name, d.reason))
	}
	switch {
	case err != nil:
		notes = append(notes, fmt.Sprintf("interface %s is gone", name))
	case a.Flags&net.FlagUp == 0:
		notes = append(notes, fmt.Sprintf("interface %s is down", name))
	}
	if err == nil && d.has > d.o.Incoming {
		notes = append(notes, fmt.Sprintf("interface %s: packets of other queues than %d..%d of its %d go to the host",
			name, d.o.StartQueue, d.o.StartQueue+d.o.Incoming-1, d.has))
	}
	for i := range d.queues {
		q := &d.queues[i]
		if i < d.o.Incoming {
			notes = append(notes, fmt.Sprintf("interface %s: incoming queue %d: %d packets, %d dropped", name, i, q.received.Load(), q.dropped()))
		}
		sent, _ := q.sent()
		notes = append(notes, fmt.Sprintf("interface %s: outgoing queue %d: %d packets, %d frames under way, %d dropped", name, i, sent, q.underWay(), q.lostOut()))
	}
	if s := d.queues[0].socket.Load(); s != nil {
		switch {
		case s.zeroCopy:
			notes = append(notes, fmt.Sprintf("interface %s: what the device drops of what it was given counts as sent", name))
		case s.fate.vague:
			notes = append(notes, fmt.Sprintf("interface %s: the bytes of dropped packets are not exact before Linux 6.17", name))
		}
	}
	if n := d.uncut(); n > 0 {
		notes = append(notes, fmt.Sprintf("interface %s: %d packets of several in one could not be cut", name, n))
	}
	if d.comes > 0 {
		notes = append(notes, fmt.Sprintf("interface %s came back %d times", name, d.comes))
	}
	return notes
}

// Presence says whether the interface is there.
func (d *Device) Presence() []presence.State { return []presence.State{d.host.Presence()} }

// howDriven describes how the interface is driven now.
func (d *Device) howDriven() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.queues[0].socket.Load()
	switch {
	case s == nil:
		return ""
	case d.reason != "":
		return d.mode(s) + " (" + d.reason + ")"
	}
	return d.mode(s)
}

// mode describes how a socket is driven.
func (d *Device) mode(s *socket) string {
	what := []string{"AF_XDP", Generic.String() + " mode", "copy"}
	if d.prog != nil && d.prog.native {
		what[1] = Native.String() + " mode"
	}
	if s.zeroCopy {
		what[2] = "zero-copy"
	}
	what = append(what, fmt.Sprintf("%d queues from %d", d.o.Queues, d.o.StartQueue))
	for _, f := range []struct {
		on   bool
		text string
	}{{d.o.SharedUMEM, "shared memory"}, {s.busyPoll, "busy poll"}, {!s.multi, fmt.Sprintf("one frame of %d bytes per packet", d.room(s.zeroCopy))},
		{s.tags, "VLAN tags restored"}, {s.checksums, "checksums completed"}} {
		if f.on {
			what = append(what, f.text)
		}
	}
	return strings.Join(what, ", ")
}

// uncut returns how many packets the sockets there are now could not cut. d.mu
// is held.
func (d *Device) uncut() (n uint64) {
	for i := range d.queues {
		if s := d.queues[i].socket.Load(); s != nil {
			n += s.uncut.Load()
		}
	}
	return n
}

// underWay returns how many frames were sent and have not come back from the
// kernel. d.mu is held.
func (q *queue) underWay() uint32 {
	s := q.socket.Load()
	if s == nil {
		return 0
	}
	back := s.done.producer.Load() // first: the other one only grows meanwhile
	return s.tx.producer.Load() - back
}

// lostOut returns how many packets were lost on sending. d.mu is held.
func (q *queue) lostOut() uint64 {
	n := q.oldOut.Load()
	if s := q.socket.Load(); s != nil {
		_, out := drops(s)
		n += out
	}
	return n
}

// dropped returns how many packets were lost on reception. d.mu is held.
func (q *queue) dropped() uint64 {
	n := q.oldIn.Load()
	if s := q.socket.Load(); s != nil {
		in, _ := drops(s)
		n += in
	}
	return n
}
