// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// create makes the cable, both ends up, and returns the index of the near one.
// What goes wrong on the way leaves nothing behind.
func (d *Device) create() (index int, err error) {
	there, err := d.there()
	if err != nil {
		return 0, err
	}
	defer there.Close()
	kern, err := d.home.Netlink()
	if err != nil {
		return 0, err
	}
	defer kern.Close()
	for _, end := range []struct {
		ns   *netns.Namespace
		name string
	}{{d.home, d.o.Near}, {there, d.o.Far}} {
		if err := d.free(end.ns, end.name); err != nil {
			return 0, err
		}
	}
	a := netlink.NewLinkAttrs()
	a.Name, a.MTU, a.HardwareAddr = d.o.Near, d.o.MTU, d.o.NearMAC
	a.NumRxQueues, a.NumTxQueues = max(d.o.Incoming, d.o.Outgoing), max(d.o.Incoming, d.o.Outgoing)
	err = kern.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: d.o.Far, PeerHardwareAddr: d.o.FarMAC,
		PeerNamespace: netlink.NsFd(there.FD())})
	if err != nil {
		if errors.Is(err, syscall.EPERM) {
			err = fmt.Errorf("%w (the capability CAP_NET_ADMIN is needed)", err)
		}
		return 0, fmt.Errorf("virtual cable %s: %w", d.o.Near, err)
	}
	link, err := kern.LinkByName(d.o.Near)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = kern.LinkDel(link)
		}
	}()
	if err := d.furnish(there); err != nil {
		return 0, err
	}
	d.silence(kern, link)
	if err := kern.LinkSetUp(link); err != nil {
		return 0, fmt.Errorf("interface %s: set up: %w", d.o.Near, err)
	}
	return link.Attrs().Index, nil
}

// there opens the namespace of the far end.
func (d *Device) there() (*netns.Namespace, error) {
	if d.o.Where == (netns.Target{}) {
		return d.home.Again()
	}
	return d.o.Where.Open()
}

// free fails if an interface of that name exists.
func (d *Device) free(ns *netns.Namespace, name string) error {
	kern, err := ns.Netlink()
	if err != nil {
		return err
	}
	defer kern.Close()
	if _, err := kern.LinkByName(name); err == nil {
		return errno.Errorf(errno.EEXIST, "interface %s: exists already", name)
	}
	return nil
}

// furnish gives the far end its addresses and starts it.
func (d *Device) furnish(there *netns.Namespace) error {
	kern, err := there.Netlink()
	if err != nil {
		return err
	}
	defer kern.Close()
	fail := func(what string, err error) error { return fmt.Errorf("interface %s: %s: %w", d.o.Far, what, err) }
	link, err := kern.LinkByName(d.o.Far)
	if err != nil {
		return fail("find", err)
	}
	if link.Attrs().MTU != d.o.MTU {
		if err := kern.LinkSetMTU(link, d.o.MTU); err != nil {
			return fail("mtu", err)
		}
	}
	addresses, err := hostif.ParseAddresses(d.o.Addresses)
	if err != nil {
		return err
	}
	for i, a := range addresses {
		if err := kern.AddrAdd(link, a); err != nil {
			return fail("address "+d.o.Addresses[i], err)
		}
	}
	if err := kern.LinkSetUp(link); err != nil {
		return fail("set up", err)
	}
	return nil
}

// silence keeps the host from speaking up at the near end, which is the
// engine's: it would look for IPv6 routers. A service may not be allowed to
// write to /proc/sys; it can see to it that the host has no address there to
// speak from. A host without IPv6 has nothing to keep silent.
func (d *Device) silence(kern *netlink.Handle, link netlink.Link) {
	_ = kern.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE)
	_ = d.home.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv6/conf/"+d.o.Near+"/disable_ipv6", []byte("1"), 0o644)
	})
}

// remove removes what create made last, if it is still there.
func (d *Device) remove() {
	kern, err := d.home.Netlink()
	if err != nil {
		return
	}
	defer kern.Close()
	if link, err := kern.LinkByIndex(d.near); err == nil && link.Type() == "veth" {
		_ = kern.LinkDel(link)
	}
}
