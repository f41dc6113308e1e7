// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// state are the settings of an interface that a port may change.
type state struct {
	mtu int
	mac net.HardwareAddr
	up  bool
}

func stateOf(a *netlink.LinkAttrs) state {
	return state{a.MTU, bytes.Clone(a.HardwareAddr), a.Flags&net.FlagUp != 0}
}

// attrs asks the kernel. The interface is known by its index: names change.
func (i *Interface) attrs() (*netlink.LinkAttrs, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.attrsLocked()
}

func (i *Interface) attrsLocked() (*netlink.LinkAttrs, error) {
	l, err := i.kern.LinkByIndex(i.index)
	if err != nil {
		return nil, err
	}
	return l.Attrs(), nil
}

// Address returns the interface's MTU and hardware address.
func (i *Interface) Address() (mtu int, mac net.HardwareAddr) {
	a, err := i.attrs()
	if err != nil {
		return 0, nil
	}
	return a.MTU, bytes.Clone(a.HardwareAddr)
}

// SetConf changes the MTU (0: keep), the hardware address (nil: keep) and the
// administrative state of the interface until Close. If one of the changes
// fails the others are taken back.
func (i *Interface) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	a, err := i.attrsLocked()
	if err != nil {
		return fmt.Errorf("interface %s: %w", i.name, err)
	}
	old := stateOf(a)
	want := state{old.mtu, old.mac, up}
	if mtu != 0 {
		want.mtu = mtu
	}
	if mac != nil {
		want.mac = mac
	}
	if i.first == nil {
		i.first = &old
	}
	if err := i.apply(want); err != nil {
		_ = i.apply(old)
		return err
	}
	return nil
}

// apply makes the interface what s says. i.mu is held.
func (i *Interface) apply(s state) error {
	link, err := i.kern.LinkByIndex(i.index)
	if err != nil {
		return fmt.Errorf("interface %s: %w", i.name, err)
	}
	now := stateOf(link.Attrs())
	if !s.up && now.up {
		if err := i.kern.LinkSetDown(link); err != nil {
			return fmt.Errorf("interface %s: set down: %w", i.name, err)
		}
		now.up = false
	}
	if s.mtu != now.mtu {
		if err := i.kern.LinkSetMTU(link, s.mtu); err != nil {
			return fmt.Errorf("interface %s: mtu %d: %w", i.name, s.mtu, err)
		}
	}
	if !bytes.Equal(s.mac, now.mac) {
		if err := i.setMAC(link, s.mac, &now.up); err != nil {
			return fmt.Errorf("interface %s: address %s: %w", i.name, s.mac, err)
		}
	}
	if s.up && !now.up {
		if err := i.kern.LinkSetUp(link); err != nil {
			return fmt.Errorf("interface %s: set up: %w", i.name, err)
		}
	}
	return nil
}

// setMAC changes the hardware address. Some devices only do that while they
// are down; they are left down.
func (i *Interface) setMAC(link netlink.Link, mac net.HardwareAddr, up *bool) error {
	err := i.kern.LinkSetHardwareAddr(link, mac)
	if !errors.Is(err, syscall.EBUSY) || !*up {
		return err
	}
	if err := i.kern.LinkSetDown(link); err != nil {
		return err
	}
	*up = false
	return i.kern.LinkSetHardwareAddr(link, mac)
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
	a, err := i.attrs()
	if err != nil {
		return Link{}
	}
	l := Link{Up: a.Flags&net.FlagUp != 0 && a.OperState != netlink.OperDown &&
		a.OperState != netlink.OperLowerLayerDown && a.OperState != netlink.OperNotPresent}
	fd := i.out
	if fd < 0 {
		fd = i.ring.FD()
	}
	mbps, full, autoneg, ok := sys.LinkMode(fd, a.Name)
	if !ok {
		// The device has no notion of a mode: it loses nothing either way.
		full, autoneg = true, true
	}
	l.SpeedMbps, l.FullDuplex, l.Autoneg = mbps, full, autoneg
	return l
}
