// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"bytes"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// state are the settings of an interface that a port may change.
type state struct {
	mtu int
	mac net.HardwareAddr
	up  bool
}

// at calls f with the interface of the moment, wherever it is. Errors: ENODEV
// if it is gone.
func (d *Device) at(f func(*netlink.Handle, netlink.Link) error) error {
	fd := d.in[0].slot.FD()
	where, err := placeOf(fd)
	if err != nil {
		d.look()
		return errno.Errorf(errno.ENODEV, "%s is gone", d.o.place())
	}
	defer where.Close()
	kern, err := where.Netlink()
	if err != nil {
		return err
	}
	defer kern.Close()
	name, err := nameOf(fd)
	if err != nil {
		return errno.Errorf(errno.ENODEV, "%s is gone", d.o.place())
	}
	link, err := kern.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", d.o.place(), err)
	}
	return f(kern, link)
}

// SetConf changes the MTU (0: keep), the address (nil: keep) and the
// administrative state. If one of the changes fails the others are taken back.
// An interface that is made again gets the same settings.
func (d *Device) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	if mtu != 0 {
		if err := hostif.CheckMTU(mtu); err != nil {
			return err
		}
	}
	for i := range d.in {
		if mtu > shortMTU {
			d.in[i].long.Store(true)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	want := d.state
	if want.up = up; mtu != 0 {
		want.mtu = mtu
	}
	if mac != nil {
		want.mac = bytes.Clone(mac)
	}
	err := d.at(func(kern *netlink.Handle, link netlink.Link) error {
		old := stateOf(link)
		err := apply(kern, link, want)
		if err != nil {
			if link, again := kern.LinkByIndex(link.Attrs().Index); again == nil {
				_ = apply(kern, link, old)
			}
			return fmt.Errorf("%s: %w", d.o.place(), err)
		}
		return nil
	})
	if err == nil {
		d.state = want
	}
	return err
}

func stateOf(link netlink.Link) state {
	a := link.Attrs()
	return state{a.MTU, bytes.Clone(a.HardwareAddr), a.Flags&net.FlagUp != 0}
}

// apply makes an interface what s says.
func apply(kern *netlink.Handle, link netlink.Link, s state) error {
	now := stateOf(link)
	if !s.up && now.up {
		if err := kern.LinkSetDown(link); err != nil {
			return fmt.Errorf("set down: %w", err)
		}
	}
	if s.mtu != now.mtu {
		if err := kern.LinkSetMTU(link, s.mtu); err != nil {
			return fmt.Errorf("mtu %d: %w", s.mtu, err)
		}
	}
	if s.mac != nil && !bytes.Equal(s.mac, now.mac) {
		if err := kern.LinkSetHardwareAddr(link, s.mac); err != nil {
			return fmt.Errorf("address %s: %w", s.mac, err)
		}
	}
	if s.up && !now.up {
		if err := kern.LinkSetUp(link); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
	}
	return nil
}

// Address returns the MTU and the hardware address that the interface has at
// the moment, nothing if it is gone.
func (d *Device) Address() (mtu int, mac net.HardwareAddr) {
	_ = d.at(func(_ *netlink.Handle, link netlink.Link) error {
		s := stateOf(link)
		mtu, mac = s.mtu, s.mac
		return nil
	})
	return mtu, mac
}

// Up reports whether the interface exists and is up.
func (d *Device) Up() bool {
	up := false
	_ = d.at(func(_ *netlink.Handle, link netlink.Link) error {
		up = link.Attrs().Flags&net.FlagUp != 0
		return nil
	})
	return up
}

// drops are packets that the kernel dropped because a queue was full. Its count
// begins anew with each interface; what an interface dropped after the last look
// at it is lost with it.
type drops struct {
	past  uint64 // of interfaces before
	first uint64 // what the kernel had counted when this one was taken
	here  uint64 // of this one
}

// begin turns to another interface.
func (k *drops) begin(first uint64) { *k = drops{past: k.past + k.here, first: first} }

// see notes what the kernel has counted.
func (k *drops) see(n uint64) { k.here = max(k.here, n-min(n, k.first)) }

// Dropped returns how many packets were lost on the way in: in the kernel
// because the queue was full, or here because the pool had no buffer.
func (d *Device) Dropped() uint64 {
	var n uint64
	for i := range d.in {
		n += d.in[i].lost.Load()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.at(func(_ *netlink.Handle, link netlink.Link) error {
		if s := link.Attrs().Statistics; s != nil {
			d.drops.see(s.TxDropped)
		}
		return nil
	})
	return n + d.drops.past + d.drops.here
}

// Notes describe the interface and the state it is in.
func (d *Device) Notes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	notes := []string{d.o.place() + ": " + d.o.mode()}
	err := d.at(func(_ *netlink.Handle, link netlink.Link) error {
		a := link.Attrs()
		if a.Name != d.o.Name {
			notes = append(notes, "it is called "+a.Name+" now")
		}
		if a.Flags&net.FlagUp == 0 {
			notes = append(notes, "it is down")
		}
		return nil
	})
	if err != nil {
		notes = append(notes, err.Error())
	}
	if d.trouble != nil {
		notes = append(notes, fmt.Sprintf("it could not be made again yet: %v", d.trouble))
	}
	if d.returns > 0 {
		notes = append(notes, fmt.Sprintf("it was deleted and made again %d times", d.returns))
	}
	if why := d.in[0].reads.Single(); why != nil {
		notes = append(notes, fmt.Sprintf("slow, with a system call for each packet: %v", why))
	}
	return append(notes, d.notes...)
}
