// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"fmt"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// InterfaceOptions say what an Interface is for.
type InterfaceOptions struct {
	// Port is the name of the port that the interface is for.
	Port string
	// Receive and Send open these directions.
	Receive, Send bool
	// Frames is how many packets the kernel keeps until they are received.
	Frames int
	// Up makes sure the interface is up.
	Up bool
}

// Interface is an Ethernet interface of Linux as a place packets come from
// and go to (packet(7)). It outlives the interface: when that goes down or
// away, nothing is received and nothing is sent. Nothing that the host itself
// sends out of the interface is received.
//
// Recv belongs to one worker at a time, Send to another.
type Interface struct {
	host   *hostif.Interface
	ring   *sys.PacketRing // nil without Receive
	out    int             // socket, -1 without Send
	sender *Sender
	long   *sys.Messages // fetches packets longer than a frame of the ring
	spare  []byte        // takes what precedes such a packet
	lost   atomic.Uint64 // packets received for which there was no buffer
	downs  atomic.Uint64 // how often the interface went down
}

// OpenInterface opens an interface of the current network namespace. Errors:
// ENODEV if there is none of that name, EBUSY if another process uses it, and
// what the kernel answers.
func OpenInterface(name string, o InterfaceOptions) (_ *Interface, err error) {
	i := &Interface{out: -1}
	if i.host, err = hostif.Claim(name, hostif.Options{Port: o.Port}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			i.Close()
			err = fmt.Errorf("interface %q: %w", name, err)
		}
	}()
	a, err := i.host.Attrs()
	if err != nil {
		return nil, err
	}
	if a.EncapType != "ether" && a.EncapType != "loopback" {
		return nil, fmt.Errorf("carries %s: must carry Ethernet frames", a.EncapType)
	}
	if o.Receive {
		if err := i.openReceive(a.Index, o.Frames, a.MTU); err != nil {
			return nil, err
		}
	}
	if o.Send {
		if i.out, err = sys.OpenPacketSender(a.Index); err != nil {
			return nil, err
		}
		if i.sender, err = NewSender(); err != nil {
			return nil, err
		}
	}
	if o.Up && a.Flags&net.FlagUp == 0 {
		return i, i.SetConf(0, nil, true)
	}
	return i, nil
}

// openReceive opens the ring. Its frames hold a packet of the interface's MTU
// with addresses, type and two tags.
func (i *Interface) openReceive(index, frames, mtu int) (err error) {
	if i.ring, err = sys.OpenPacketRing(index, frames, mtu+22); err != nil {
		return err
	}
	if i.spare, err = sys.Map(sys.VnetSize); err != nil {
		return err
	}
	i.long, err = sys.NewMessages(1, packet.MaxTotal/segmentRoom+4)
	return err
}

// Close ends the traffic and gives the interface back the settings it had.
// No worker uses it any more.
func (i *Interface) Close() {
	if i.ring != nil {
		i.ring.Close()
	}
	sys.CloseFD(i.out)
	if i.sender != nil {
		i.sender.Close()
	}
	if i.long != nil {
		i.long.Close()
	}
	sys.Unmap(i.spare)
	i.host.Close()
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

// Send sends ps and returns how many went; see Sender.Send.
func (i *Interface) Send(c *packet.Cache, ps []packet.Packet) int {
	return i.sender.Send(i.out, c, ps)
}

// WaitFD returns the descriptor that is readable while there are packets.
func (i *Interface) WaitFD() int {
	// An error would keep the descriptor readable and the caller awake.
	if i.ring.TakeError() == syscall.ENETDOWN {
		i.downs.Add(1)
	}
	return i.ring.FD()
}

// Dropped returns how many packets were lost on reception: because the ring
// was full, or because the pool had no buffer.
func (i *Interface) Dropped() uint64 {
	n := i.lost.Load()
	if i.ring != nil {
		n += i.ring.Drops()
	}
	return n
}

// Notes describe the interface and the state it is in.
func (i *Interface) Notes() []string {
	var notes []string
	name := i.host.Name()
	if i.ring != nil {
		notes = append(notes, fmt.Sprintf("interface %s: ring of %d frames of %d bytes",
			name, i.ring.Frames(), i.ring.FrameSize()))
	}
	a, err := i.host.Attrs()
	switch {
	case err != nil:
		notes = append(notes, fmt.Sprintf("interface %s is gone", name))
	case a.Flags&net.FlagUp == 0:
		notes = append(notes, fmt.Sprintf("interface %s is down", name))
	}
	if n := i.downs.Load(); n > 0 {
		notes = append(notes, fmt.Sprintf("interface %s went down %d times", name, n))
	}
	return notes
}
