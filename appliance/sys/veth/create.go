// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package veth

import (
	"bytes"
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

// create makes the cable, both ends up. What goes wrong on the way leaves
// nothing behind, and neither does the end of the process at any moment: what
// is not in the made cable's journal yet is in none.
func (d *Device) create(where netns.Target) (*cable, error) {
	there, err := d.there(where)
	if err != nil {
		return nil, err
	}
	defer there.Close()
	for _, end := range []struct {
		ns   *netns.Namespace
		name string
	}{{d.home, d.o.Near}, {there, d.o.Far}} {
		if err := d.free(end.ns, end.name); err != nil {
			return nil, err
		}
	}
	made, err := hostif.Create(d.home, d.o.Near, "veth")
	if err != nil {
		return nil, err
	}
	c := &cable{Creation: made, where: where}
	if c.index, err = d.lay(made, there); err != nil {
		made.End()
		return nil, err
	}
	return c, nil
}

// cable is what create made.
type cable struct {
	*hostif.Creation
	index int          // of the near end
	where netns.Target // the far end was made
}

// lay makes the cable that was announced and returns the index of the near end.
func (d *Device) lay(c *hostif.Creation, there *netns.Namespace) (index int, err error) {
	kern, err := d.home.Netlink()
	if err != nil {
		return 0, err
	}
	defer kern.Close()
	fail := func(err error) error {
		if errors.Is(err, syscall.EPERM) {
			err = fmt.Errorf("%w (the capability CAP_NET_ADMIN is needed)", err)
		}
		return fmt.Errorf("virtual cable %s: %w", d.o.Near, err)
	}
	a := netlink.NewLinkAttrs()
	a.Name, a.MTU, a.HardwareAddr = d.o.Near, d.o.MTU, c.Mark()
	a.NumRxQueues, a.NumTxQueues = d.queues(), d.queues()
	v := &netlink.Veth{LinkAttrs: a, PeerName: d.o.Far, PeerHardwareAddr: d.o.FarMAC, PeerNamespace: netlink.NsFd(there.FD())}
	if d.o.XDP != nil {
		// A queue there is one here. (Packet sockets spread packets by
		// themselves.)
		v.PeerNumRxQueues, v.PeerNumTxQueues = uint32(d.o.Incoming), uint32(d.o.Incoming)
	}
	if err := kern.LinkAdd(v); err != nil {
		return 0, fail(err)
	}
	link, err := kern.LinkByName(d.o.Near)
	if err != nil {
		return 0, fail(err)
	}
	index = link.Attrs().Index
	if err := c.Made(index, d.o.NearMAC); err != nil {
		return 0, err
	}
	if d.o.NearMAC != nil { // otherwise the mark is as good as any
		if err := kern.LinkSetHardwareAddr(link, d.o.NearMAC); err != nil {
			return 0, fail(err)
		}
	}
	if err := d.furnish(there); err != nil {
		return 0, err
	}
	d.silence(kern, link)
	if err := kern.LinkSetUp(link); err != nil {
		return 0, fmt.Errorf("interface %s: set up: %w", d.o.Near, err)
	}
	return index, nil
}

// there opens the namespace of a far end.
func (d *Device) there(where netns.Target) (*netns.Namespace, error) {
	if where.IsHere() {
		return d.home.Again()
	}
	return where.Open()
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
	if d.o.FarMAC == nil {
		// A cable that is made again has the address that others know.
		d.o.FarMAC = bytes.Clone(link.Attrs().HardwareAddr)
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
		if err := hostif.AddAddress(kern, link, a); err != nil {
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
