// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
)

// bindBest opens all sockets in the best way that works.
func (d *Device) bindBest(link netlink.Link) (socks []*socket, err error) {
	a, copying := link.Attrs(), d.reason
	d.coarse = driverOf(link) == "igb"
	if d.o.ZeroCopy != choice.Off && d.prog.native {
		for _, way := range []bind{{zeroCopy: true, multi: true}, {zeroCopy: true}} {
			if err = d.fits(a.MTU, way); err == nil {
				socks, err = d.bindAll(a.Index, way)
			}
			if err == nil || errors.Is(err, unix.EBUSY) {
				return socks, err
			}
		}
		if d.o.ZeroCopy == choice.On {
			return nil, fmt.Errorf("zero_copy: on: the driver does not do it: %w", err)
		}
		copying = "zero-copy: " + err.Error()
	}
	for _, way := range []bind{{multi: true}, {}} {
		if socks, err = d.bindAll(a.Index, way); err == nil || errors.Is(err, unix.EBUSY) {
			break
		}
	}
	d.reason = copying
	return socks, err
}

// fits checks that packets of an MTU can be received, where one takes one
// frame only.
func (d *Device) fits(mtu int, way bind) error {
	if room := d.room(way.zeroCopy); !way.multi && mtu+beyondMTU > room {
		return errno.Errorf(errno.EINVAL, "MTU %d: the driver takes one frame for a packet, and %d bytes of frame_size %d are for the MTU",
			mtu, room-beyondMTU, d.o.FrameSize)
	}
	return nil
}

// room returns how many bytes of a packet a frame takes on reception.
func (d *Device) room(zeroCopy bool) int {
	room := d.o.FrameSize - headroom
	if zeroCopy && d.coarse {
		room &^= 1<<10 - 1
	}
	return room
}

// takeBursts decides whether batches are sent at once.
func (d *Device) takeBursts(link netlink.Link, zeroCopy bool) error {
	not := ""
	if zeroCopy {
		not = "the device reads the frames itself"
	}
	return d.bursts.Take(link, not)
}

// bindAll opens all sockets in one way.
func (d *Device) bindAll(index int, way bind) (socks []*socket, err error) {
	for i := range d.queues {
		mem, base, parent := d.mem[i*d.queueBytes():][:d.queueBytes()], 0, (*socket)(nil)
		if d.o.SharedUMEM {
			mem, base = d.mem, i*d.queueBytes()
			if i > 0 {
				parent = socks[0]
			}
		}
		s, err := openSocket(&d.o, index, d.o.StartQueue+i, mem, base, parent, way)
		if err != nil {
			for _, s := range socks {
				s.close()
			}
			return nil, err
		}
		socks = append(socks, s)
	}
	return socks, nil
}
