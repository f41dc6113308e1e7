// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// state are the settings of an interface that a port may change.
type state struct {
	mtu int
	mac net.HardwareAddr
	up  bool
}

// fields are settings that were asked for.
type fields struct{ mtu, mac, up bool }

func stateOf(a *netlink.LinkAttrs) state {
	return state{a.MTU, bytes.Clone(a.HardwareAddr), a.Flags&net.FlagUp != 0}
}

// Name returns the interface's name.
func (i *Interface) Name() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.name
}

// Index returns the interface's index.
func (i *Interface) Index() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.held == nil {
		return 0
	}
	return i.held.index
}

// MTU returns the interface's MTU as far as it is known without asking: from
// opening, from SetConf, and while Watch runs also from what others change. It
// is for workers.
func (i *Interface) MTU() int { return int(i.mtu.Load()) }

// Attrs asks the kernel about the interface. Errors: ENODEV if it is gone.
func (i *Interface) Attrs() (*netlink.LinkAttrs, error) {
	l, err := i.Device()
	if err != nil {
		return nil, err
	}
	return l.Attrs(), nil
}

// Device is Attrs with what the kind of interface adds.
func (i *Interface) Device() (netlink.Link, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.link()
}

// link is Device with i.mu held.
func (i *Interface) link() (netlink.Link, error) {
	if i.held == nil {
		return nil, errno.Errorf(errno.ENODEV, "interface %s: closed", i.name)
	}
	l, err := i.kern.LinkByIndex(i.held.index)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, errno.Errorf(errno.ENODEV, "interface %s: is gone", i.name)
	}
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", i.name, err)
	}
	return l, nil
}

// Address returns the interface's MTU and hardware address.
func (i *Interface) Address() (mtu int, mac net.HardwareAddr) {
	a, err := i.Attrs()
	if err != nil {
		return 0, nil
	}
	return a.MTU, bytes.Clone(a.HardwareAddr)
}

// SetConf changes the MTU (0: keep), the hardware address (nil: keep) and the
// administrative state of the interface until Close. If one of the changes
// fails the others are taken back. An interface that comes in the place of
// this one is given the same settings.
func (i *Interface) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	want, asked := i.want, i.asked
	want.up, asked.up = up, true
	if mtu != 0 {
		want.mtu, asked.mtu = mtu, true
	}
	if mac != nil {
		want.mac, asked.mac = bytes.Clone(mac), true
	}
	if err := i.change(want, asked); err != nil {
		return err
	}
	i.want, i.asked = want, asked
	return nil
}

// change gives the fields of the interface that were asked for the values of
// want, all or none. i.mu is held.
func (i *Interface) change(want state, asked fields) error {
	link, err := i.link()
	if err != nil {
		return err
	}
	old := stateOf(link.Attrs())
	if !asked.mtu {
		want.mtu = old.mtu
	}
	if !asked.mac {
		want.mac = old.mac
	}
	if !asked.up {
		want.up = old.up
	}
	if want.mtu != old.mtu {
		if err := i.Do(func() error { return checkRange(link, want.mtu) }); err != nil {
			return fmt.Errorf("interface %s: %w", i.name, err)
		}
	}
	table.Lock()
	defer table.Unlock()
	before := i.held.journal
	if err := i.held.journal.note(i, old, want, asked); err != nil {
		i.held.journal = before
		return fmt.Errorf("interface %s: %w", i.name, err)
	}
	if err := apply(i.kern, link, want); err != nil {
		if link, err := i.link(); err == nil {
			_ = apply(i.kern, link, old)
		}
		i.held.journal = before
		_ = before.write()
		return fmt.Errorf("interface %s: %w", i.name, err)
	}
	i.mtu.Store(int64(want.mtu))
	return nil
}

// apply makes an interface, whose attributes are up to date, what s says.
func apply(kern *netlink.Handle, link netlink.Link, s state) error {
	now := stateOf(link.Attrs())
	if !s.up && now.up {
		if err := kern.LinkSetDown(link); err != nil {
			return fmt.Errorf("set down: %w", err)
		}
		now.up = false
	}
	if s.mtu != now.mtu {
		if err := kern.LinkSetMTU(link, s.mtu); err != nil {
			return fmt.Errorf("mtu %d: %w", s.mtu, err)
		}
	}
	if !bytes.Equal(s.mac, now.mac) {
		if err := setMAC(kern, link, s.mac, &now.up); err != nil {
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

// setMAC changes the hardware address. Some devices only do that while they
// are down; they are left down.
func setMAC(kern *netlink.Handle, link netlink.Link, mac net.HardwareAddr, up *bool) error {
	err := kern.LinkSetHardwareAddr(link, mac)
	if !errors.Is(err, syscall.EBUSY) || !*up {
		return err
	}
	if err := kern.LinkSetDown(link); err != nil {
		return err
	}
	*up = false
	return kern.LinkSetHardwareAddr(link, mac)
}

// SetPromiscuous makes the interface receive what is for others, too, until
// Close or until told otherwise. The kernel counts who wants that and forgets
// this process when it is gone.
func (i *Interface) SetPromiscuous(on bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !on {
		i.dropPromiscuous()
		return nil
	}
	if i.promisc >= 0 {
		return nil
	}
	if i.held == nil {
		return errno.Errorf(errno.ENODEV, "interface %s: closed", i.name)
	}
	return i.Do(func() (err error) {
		if i.promisc, err = sys.OpenPromiscuous(i.held.index); err != nil {
			return fmt.Errorf("interface %s: promiscuous mode: %w", i.name, err)
		}
		return nil
	})
}

// Promiscuous reports whether SetPromiscuous is in effect.
func (i *Interface) Promiscuous() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.promisc >= 0
}

func (i *Interface) dropPromiscuous() {
	sys.CloseFD(i.promisc)
	i.promisc = -1
}

// Link is the state of an interface's link.
type Link struct {
	SpeedMbps  uint32 // 0: unknown
	FullDuplex bool
	Autoneg    bool
	Up         bool
}

// Link asks the kernel for the state of the link. An interface that is gone
// is down.
func (i *Interface) Link() Link {
	a, err := i.Attrs()
	if err != nil {
		return Link{}
	}
	l := Link{Up: a.Flags&net.FlagUp != 0 && a.OperState != netlink.OperDown &&
		a.OperState != netlink.OperLowerLayerDown && a.OperState != netlink.OperNotPresent}
	known := false
	_ = i.Do(func() error {
		l.SpeedMbps, l.FullDuplex, l.Autoneg, known = sys.LinkMode(a.Name)
		return nil
	})
	if !known {
		// The device has no notion of a mode: it loses nothing either way.
		l.FullDuplex, l.Autoneg = true, true
	}
	return l
}
