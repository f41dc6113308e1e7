// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package veth makes virtual cables (veth(4)): one end is the engine's, the
// other one is for programs, in whatever network namespace.
//
//	engine --- packet or AF_XDP sockets --- near end | far end --- programs
//	                                        here     | there
package veth

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
	"github.com/bessform/terraform-provider-bess/appliance/sys/xdp"
)

// Options say what a Device is to be.
type Options struct {
	// Port is the name of the port that the cable is for.
	Port string
	// Near and Far are the names of the ends, 1..15 bytes.
	Near, Far string
	// Where the far end is to appear. A container should have been found.
	Where netns.Target
	// NearMAC and FarMAC are the ends' addresses, nil: random ones. MTU is that
	// of both; 0 stands for 1500.
	NearMAC, FarMAC net.HardwareAddr
	MTU             int
	// Addresses of the far end, such as 10.0.0.1/24.
	Addresses []string
	// Incoming and Outgoing queues of the near end, 1..128.
	Incoming, Outgoing int
	// Frames is how many packets the kernel keeps for each incoming queue.
	Frames int
	// Large lets packets in as programs left them to be cut.
	Large bool
	// XDP has the near end driven by AF_XDP sockets, as it says; nil: by packet
	// sockets. Its names and numbers of queues and frames are not looked at,
	// Sent is how many frames each outgoing queue has.
	XDP  *xdp.Options
	Sent int
	// Bursts has batches sent as package burst does, whatever XDP says of it.
	Bursts choice.Choice
}

// Device is a cable. Queues and settings are those of the near end. When the
// cable is deleted, or the namespace of its far end, nothing is received or
// sent until it can be made again.
type Device struct {
	near
	o     Options
	home  *netns.Namespace // where the near end is
	over  context.Context  // ends keep
	stop  context.CancelFunc
	ended sync.WaitGroup

	trouble atomic.Pointer[error] // why the cable could not be made again, if so

	mu      sync.Mutex // guards the rest
	made    *cable     // nil if there is none
	returns int        // how often the cable was made again
}

// near is the near end, as packet or AF_XDP sockets drive it.
type near interface {
	Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int
	Send(q int, c *packet.Cache, ps []packet.Packet) int
	WaitFD(q int) int
	Address() (mtu int, mac net.HardwareAddr)
	SetConf(mtu int, mac net.HardwareAddr, up bool) error
	Link() hostif.Link
	Presence() []presence.State
	Dropped() (in, out uint64)
	Sent() (packets, bytes uint64)
	Notes() []string
	Close()
}

// packetNear is a near end with packet sockets.
type packetNear struct{ *pktio.Interface }

// Dropped returns how many packets were lost on reception.
func (n packetNear) Dropped() (in, out uint64) { return n.Interface.Dropped(), 0 }

// Sent returns nothing: what was taken has been sent.
func (n packetNear) Sent() (packets, bytes uint64) { return 0, 0 }

// CountsSent reports whether Sent tells what was sent. Otherwise all is that
// Send took.
func (d *Device) CountsSent() bool { return d.o.XDP != nil }

// defaultMTU is that of Ethernet.
const defaultMTU = 1500

// Open makes the cable. Errors: EEXIST if there is an interface of one of the
// names, those of netns.Target, EINVAL for names, addresses and an MTU that
// cannot be, and what the kernel answers.
func Open(o Options) (_ *Device, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &Device{o: o}
	if d.home, err = netns.Current(); err != nil {
		return nil, err
	}
	d.over, d.stop = context.WithCancel(context.Background())
	updates, err := d.subscribe()
	if err == nil {
		if d.made, err = d.create(o.Where); err == nil {
			err = d.attach()
		}
		if err != nil {
			d.remove()
			d.stop()
			for range updates { // until the subscription has ended
			}
		}
	}
	if err != nil {
		d.stop()
		d.home.Close()
		return nil, err
	}
	d.ended.Go(func() { d.keep(updates) })
	return d, nil
}

func (o *Options) check() error {
	for _, name := range []string{o.Near, o.Far} {
		if err := hostif.CheckName(name); err != nil {
			return err
		}
	}
	if o.Near == o.Far && o.Where.IsHere() {
		return errno.Errorf(errno.EINVAL, "interface %s: both ends are here, so they need two names", o.Near)
	}
	if o.XDP != nil && o.Large {
		return errno.Errorf(errno.EINVAL, "large_packets: true: is not possible with af_xdp")
	}
	if o.MTU == 0 {
		o.MTU = defaultMTU
	}
	if err := hostif.CheckMTU(o.MTU); err != nil {
		return err
	}
	_, err := hostif.ParseAddresses(o.Addresses)
	return err
}

// attach opens the near end.
func (d *Device) attach() error {
	return d.home.Do(func() error {
		if d.o.XDP != nil {
			o := *d.o.XDP
			o.Port, o.StartQueue, o.Queues, o.Incoming = d.o.Port, 0, d.queues(), d.o.Incoming
			o.RxFrames, o.TxFrames = max(d.o.Frames, xdp.MinFrames), max(d.o.Sent, xdp.MinFrames)
			o.Bursts = d.o.Bursts
			n, err := xdp.Open(d.o.Near, o)
			d.near = n
			return err
		}
		n, err := pktio.OpenInterface(d.o.Near, pktio.InterfaceOptions{
			Port: d.o.Port, Exclusive: true, Receive: true, Send: true, Incoming: d.o.Incoming,
			Outgoing: d.o.Outgoing, Frames: d.o.Frames, Large: d.o.Large, Bursts: d.o.Bursts,
		})
		d.near = packetNear{n}
		return err
	})
}

// queues returns how many queues the near end has.
func (d *Device) queues() int { return max(d.o.Incoming, d.o.Outgoing) }

// Close ends the traffic and removes the cable. No worker uses the device any
// more.
func (d *Device) Close() {
	d.stop()
	d.ended.Wait()
	d.near.Close()
	d.remove()
	d.home.Close()
}

// remove removes the cable, if there is one.
func (d *Device) remove() {
	if d.made != nil {
		d.made.End()
		d.made = nil
	}
}
