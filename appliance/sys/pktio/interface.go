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

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// InterfaceOptions say what an Interface is for.
type InterfaceOptions struct {
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
	name   string
	index  int
	ring   *sys.PacketRing // nil without Receive
	out    int             // socket, -1 without Send
	sender *Sender
	long   *sys.Messages // fetches packets longer than a frame of the ring
	spare  []byte        // takes what precedes such a packet
	lost   atomic.Uint64 // packets received for which there was no buffer
	downs  atomic.Uint64 // how often the interface went down

	mu    sync.Mutex      // guards the rest
	kern  *netlink.Handle // stays in the network namespace of the opener
	first *state          // what Close restores, nil if nothing was changed
}

// OpenInterface opens an interface of the current network namespace. Errors:
// ENODEV if there is none of that name, and what the kernel answers.
func OpenInterface(name string, o InterfaceOptions) (_ *Interface, err error) {
	i := &Interface{out: -1}
	defer func() {
		if err != nil {
			i.Close()
			err = fmt.Errorf("interface %q: %w", name, err)
		}
	}()
	if strings.Contains(name, "\x00") {
		return nil, errors.New("the name contains NUL")
	}
	if i.kern, err = netlink.NewHandle(syscall.NETLINK_ROUTE); err != nil {
		return nil, err
	}
	link, err := i.kern.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, errno.Errorf(errno.ENODEV, "does not exist")
	}
	if err != nil {
		return nil, err
	}
	a := link.Attrs()
	if a.EncapType != "ether" && a.EncapType != "loopback" {
		return nil, fmt.Errorf("carries %s: must carry Ethernet frames", a.EncapType)
	}
	i.name, i.index = a.Name, a.Index
	if o.Receive {
		if err := i.openReceive(o.Frames, a.MTU); err != nil {
			return nil, err
		}
	}
	if o.Send {
		if i.out, err = sys.OpenPacketSender(i.index); err != nil {
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
func (i *Interface) openReceive(frames, mtu int) (err error) {
	if i.ring, err = sys.OpenPacketRing(i.index, frames, mtu+22); err != nil {
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
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.kern == nil {
		return
	}
	if i.first != nil {
		// The interface may be gone; then there is nothing to restore.
		_ = i.apply(*i.first)
	}
	i.kern.Close()
}

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
	if i.ring != nil {
		notes = append(notes, fmt.Sprintf("interface %s: ring of %d frames of %d bytes",
			i.name, i.ring.Frames(), i.ring.FrameSize()))
	}
	a, err := i.attrs()
	switch {
	case err != nil:
		notes = append(notes, fmt.Sprintf("interface %s is gone", i.name))
	case a.Flags&net.FlagUp == 0:
		notes = append(notes, fmt.Sprintf("interface %s is down", i.name))
	}
	if n := i.downs.Load(); n > 0 {
		notes = append(notes, fmt.Sprintf("interface %s went down %d times", i.name, n))
	}
	return notes
}
