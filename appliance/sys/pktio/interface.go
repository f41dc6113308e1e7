// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/burst"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// InterfaceOptions say what an Interface is for.
type InterfaceOptions struct {
	// Port is the name of the port that the interface is for.
	Port string
	// Exclusive keeps other ports of this process away, too.
	Exclusive bool
	// Receive and Send open these directions.
	Receive, Send bool
	// Incoming and Outgoing are the numbers of queues; 0 is 1. Over several
	// incoming ones packets are spread as Fanout says.
	Incoming, Outgoing int
	Fanout             sys.Fanout
	// Frames is how many packets the kernel keeps for each incoming queue
	// until they are received.
	Frames int
	// Blocks receives packets in blocks; see sys.PacketRing.
	Blocks bool
	// Bypass sends past the interface's queueing discipline, and so not in bursts.
	Bypass bool
	// Bursts has batches sent as package burst does, where that is decided.
	Bursts choice.Choice
	// Large lets packets in as local senders leave them to be cut, with
	// packet.FlagLarge. Otherwise they are cut.
	Large bool
	// Up makes sure the interface is up.
	Up bool
}

// Interface is an Ethernet interface of Linux as a place packets come from
// and go to (packet(7)). It outlives the interface: when that goes down or
// away, nothing is received and nothing is sent; when one of the same name
// comes, it goes on with that one. Nothing that the host itself sends out of
// the interface is received.
//
// Each queue belongs to one worker at a time.
type Interface struct {
	o     InterfaceOptions
	host  *hostif.Interface
	in    []*receiver
	out   []*transmitter
	downs atomic.Uint64 // how often the interface went down
	mu    sync.Mutex    // guards the control side of the queues
	// Under mu:
	bursts  *burst.Bursts // the control side's part
	again   int           // how often the interface came again
	trouble error         // why the one that came is not used
}

// OpenInterface opens an interface of the current network namespace. Errors:
// ENODEV if there is none of that name, EBUSY if somebody else uses it, and
// what the kernel answers.
func OpenInterface(name string, o InterfaceOptions) (_ *Interface, err error) {
	o.Incoming, o.Outgoing = max(o.Incoming, 1), max(o.Outgoing, 1)
	i := &Interface{o: o, bursts: burst.New(o.Bursts, o.Outgoing)}
	if i.host, err = hostif.Claim(name, hostif.Options{Port: o.Port, Exclusive: o.Exclusive}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			i.Close()
			err = fmt.Errorf("interface %q: %w", name, err)
		}
	}()
	link, err := i.host.Device()
	if err != nil {
		return nil, err
	}
	a := link.Attrs()
	if a.EncapType != "ether" && a.EncapType != "loopback" {
		return nil, fmt.Errorf("carries %s: must carry Ethernet frames", a.EncapType)
	}
	if o.Up { // who finds it up may have to keep it so
		if err := i.SetConf(0, nil, true); err != nil {
			return nil, err
		}
	}
	if err := i.openQueues(link); err != nil {
		return nil, err
	}
	return i, i.host.Watch(i.reopen, i.mode)
}

// openQueues opens all queues.
func (i *Interface) openQueues(link netlink.Link) error {
	a := link.Attrs()
	if i.o.Receive {
		for range i.o.Incoming {
			r, err := newReceiver(i.o.Large)
			if err != nil {
				return err
			}
			i.in = append(i.in, r)
		}
		if err := i.openRings(a); err != nil {
			return err
		}
	}
	if i.o.Send {
		if err := i.takeBursts(link); err != nil {
			return err
		}
		for range i.o.Outgoing {
			t, err := openTransmitter(a, i.o.Bypass)
			if err != nil {
				return err
			}
			i.out = append(i.out, t)
		}
	}
	return nil
}

// takeBursts decides whether batches are sent at once.
func (i *Interface) takeBursts(link netlink.Link) error {
	not := ""
	if i.o.Bypass {
		not = "qdisc_bypass is set"
	}
	return i.bursts.Take(link, not)
}

const (
	// extraSize is what a packet has besides the MTU: addresses, type, two tags.
	extraSize = 22
	// shortest is what the shortest frames hold: packets of an MTU of 1500.
	shortest = 1500 + extraSize
)

// ringMemory bounds what the rings of an interface take, in bytes, unless there
// are so many frames that the shortest ones take more.
var ringMemory = 256 << 20

// openRings gives every incoming queue a ring. Its frames hold a packet of the
// interface's MTU, unless that takes too much memory, as with the 64 kB of lo.
func (i *Interface) openRings(a *netlink.LinkAttrs) error {
	group := i.o.Fanout
	rings := make([]*sys.PacketRing, 0, len(i.in))
	err := func() error {
		for range i.in {
			r, err := sys.OpenPacketRing(sys.RingOptions{Index: a.Index, Frames: i.o.Frames, Longest: a.MTU + extraSize,
				Memory: ringMemory / len(i.in), Shortest: shortest, Blocks: i.o.Blocks})
			if err != nil {
				return err
			}
			rings = append(rings, r)
			if len(i.in) > 1 {
				if err := group.Join(r); err != nil {
					return err
				}
			}
		}
		return nil
	}()
	if err != nil {
		for _, r := range rings {
			r.Close()
		}
		return err
	}
	for q, r := range i.in {
		err = errors.Join(err, r.put(rings[q]))
	}
	return err
}

// reopen goes on with the interface that came again, as if it were opened.
func (i *Interface) reopen() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.trouble = i.follow()
	if i.trouble != nil {
		i.bursts.Leave()
		return i.trouble
	}
	i.again++
	return nil
}

// follow makes all queues those of the interface that came again. i.mu is held.
func (i *Interface) follow() error {
	link, err := i.host.Device()
	if err != nil {
		return err
	}
	a := link.Attrs()
	if len(i.out) > 0 {
		if err := i.host.Do(func() error { return i.takeBursts(link) }); err != nil {
			return err
		}
	}
	if len(i.in) > 0 {
		if err := i.host.Do(func() error { return i.openRings(a) }); err != nil {
			return err
		}
	}
	for _, t := range i.out {
		if err := i.host.Do(func() error { return t.rebind(a.Index) }); err != nil {
			return err
		}
	}
	return nil
}

// Presence says whether the interface is there.
func (i *Interface) Presence() []presence.State { return []presence.State{i.host.Presence()} }

// mode describes how the interface is driven.
func (i *Interface) mode() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	how := []string{"packet sockets"}
	if len(i.in) > 0 {
		how = append(how, "ring of "+i.in[0].rings[len(i.in[0].rings)-1].Shape())
	}
	if note := i.bursts.Note(); note != "" {
		how = append(how, note)
	}
	return strings.Join(how, ", ")
}

// Close ends the traffic and gives the interface back the settings it had.
// No worker uses it any more.
func (i *Interface) Close() {
	i.host.Close() // ends reopen, too
	for _, r := range i.in {
		r.close()
	}
	for _, t := range i.out {
		t.close()
	}
	i.bursts.Close()
}

// Address returns the interface's MTU and hardware address.
func (i *Interface) Address() (mtu int, mac net.HardwareAddr) { return i.host.Address() }

// SetConf changes the MTU (0: keep), the hardware address (nil: keep) and the
// administrative state of the interface until Close. If one of the changes
// fails the others are taken back.
func (i *Interface) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	return i.host.SetConf(mtu, mac, up)
}

// Link asks the kernel for the state of the link. An interface that is gone
// is down.
func (i *Interface) Link() hostif.Link { return i.host.Link() }

// Recv appends up to limit packets of incoming queue q to b and returns their
// number.
func (i *Interface) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	return i.in[q].recv(c, b, limit)
}

// Send sends ps through outgoing queue q and returns how many went; see
// Sender.Send. Nothing goes while the interface has no link.
func (i *Interface) Send(q int, c *packet.Cache, ps []packet.Packet) int {
	t := i.out[q]
	if i.host.Dark() && !t.flags.Running(t.out) {
		return 0
	}
	n := t.send(i.bursts.Of(q), c, ps, i.host.MTU())
	t.packets.Add(uint64(n))
	return n
}

// SendsLarge marks what packets of several pieces may be sent to.
func (i *Interface) SendsLarge() {}

// WaitFD returns the descriptor that is readable while incoming queue q has
// packets. It has to be asked for before every sleep.
func (i *Interface) WaitFD(q int) int {
	r := i.in[q]
	// An error would keep the descriptor readable and the caller awake. What
	// happens to one queue's socket happens to all.
	if r.ring.Load().TakeError() == syscall.ENETDOWN && q == 0 {
		i.downs.Add(1)
	}
	return r.wait()
}

// Dropped returns how many packets were lost on reception: because a ring was
// full, because the pool had no buffer, or because they could not be cut.
func (i *Interface) Dropped() uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	var n uint64
	for _, r := range i.in {
		r.sweep()
		n += r.dropped()
	}
	return n
}

// Notes describe the interface and the state it is in.
func (i *Interface) Notes() []string {
	name := i.host.Name()
	var notes []string
	say := func(format string, args ...any) {
		notes = append(notes, fmt.Sprintf("interface %s"+format, append([]any{name}, args...)...))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.in) > 0 {
		say(": ring of %s", i.in[0].ring.Load().Shape())
		if n := i.in[0].ring.Load().Longest(); n < i.host.MTU()+extraSize {
			say(": packets of more than %d bytes are fetched one by one", n)
		}
	}
	a, err := i.host.Attrs()
	if note := i.bursts.Note(); err == nil && note != "" {
		say(": %s", note)
	}
	if i.trouble != nil {
		say(": not opened again: %v", i.trouble)
	}
	switch {
	case err != nil:
		say(" is gone")
	case a.Flags&net.FlagUp == 0:
		say(" is down")
	case i.host.Dark():
		say(" has no link: what is sent is dropped")
	}
	if n := i.downs.Load(); n > 0 {
		say(" went down %d times", n)
	}
	if i.again > 0 {
		say(" came again %d times", i.again)
	}
	var uncut uint64
	for q, r := range i.in {
		if len(i.in) > 1 {
			say(", incoming queue %d: %d packets, %d dropped", q, r.packets.Load(), r.dropped())
		}
		uncut += r.uncut.Load()
	}
	for q, t := range i.out {
		if len(i.out) > 1 {
			say(", outgoing queue %d: %d packets", q, t.packets.Load())
		}
	}
	if uncut > 0 {
		say(": %d packets of several in one could not be cut", uncut)
	}
	return notes
}
