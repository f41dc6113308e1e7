// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/images/appliance/seed"
)

// nic is a network interface of the machine.
type nic struct {
	name string // now
	mac  net.HardwareAddr
	pci  string // address of its device, "" if it has none
}

func (n nic) String() string { return fmt.Sprintf("%s (mac %s, pci %s)", n.name, n.mac, n.pci) }

var pciInPath = regexp.MustCompile(`[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]`)

// nics returns the interfaces that belong to a device, by PCI address.
func nics() []nic {
	var list []nic
	links, err := netlink.LinkList()
	if err != nil {
		logf(severe, "network interfaces: %v", err)
	}
	for _, l := range links {
		a := l.Attrs()
		dev, err := filepath.EvalSymlinks("/sys/class/net/" + a.Name + "/device")
		if err != nil { // loopback, tunnels: no device
			continue
		}
		n := nic{name: a.Name, mac: a.HardwareAddr}
		if all := pciInPath.FindAllString(dev, -1); len(all) > 0 {
			n.pci = all[len(all)-1]
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b nic) int { return strings.Compare(a.pci+" "+a.name, b.pci+" "+b.name) })
	return list
}

// find returns the interface that an entry of the seed means.
func find(list []nic, want seed.Interface) *nic {
	for i := range list {
		n := &list[i]
		if want.MAC != nil && slices.Equal(n.mac, want.MAC) || want.PCI != "" && n.pci == want.PCI ||
			want.Kernel != "" && n.name == want.Kernel {
			return n
		}
	}
	return nil
}

// wanted names an entry in messages.
func wanted(i seed.Interface) string {
	switch {
	case i.MAC != nil:
		return "mac " + i.MAC.String()
	case i.PCI != "":
		return "pci " + i.PCI
	}
	return "name " + i.Kernel
}

// startNetwork brings up what the seed says, else asks for a lease on every
// interface until one answers.
func (b *box) startNetwork(ctx context.Context) {
	if lo, err := netlink.LinkByName("lo"); err == nil {
		_ = netlink.LinkSetUp(lo)
	}
	present := nics()
	for _, n := range present {
		logf(notice, "interface %s", n)
	}
	if len(present) == 0 {
		b.links.bad("", "there is no network interface, or no driver for it in this image")
		return
	}
	if b.told == nil || !b.told.right("network") || len(b.told.Interfaces) == 0 {
		b.tryAll(ctx, present)
		return
	}
	var wrong []string
	chosen := make([]*nic, len(b.told.Interfaces))
	for i, want := range b.told.Interfaces {
		if chosen[i] = find(present, want); chosen[i] == nil {
			wrong = append(wrong, fmt.Sprintf("network.interfaces[%d]: no interface has %s; there are %v", i, wanted(want), present))
		}
	}
	wrong = append(wrong, rename(present, chosen, b.told.Interfaces)...)
	for i, want := range b.told.Interfaces {
		if chosen[i] == nil {
			continue
		}
		if err := configure(chosen[i].name, want); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", chosen[i].name, err))
		}
		if want.DHCP {
			b.links.asks(chosen[i].name)
			go b.lease(ctx, chosen[i].name, chosen[i].name, nil)
		}
	}
	setNameservers(b.told.Nameservers)
	if len(wrong) > 0 {
		b.links.bad("", "%s", strings.Join(wrong, "; "))
	} else {
		b.links.good("")
	}
}

// rename gives interfaces the names of the seed. They take names nobody has
// first, because two may change places.
func rename(present []nic, chosen []*nic, want []seed.Interface) (wrong []string) {
	type job struct {
		n  *nic
		to string
	}
	var jobs []job
	for i, n := range chosen {
		if n != nil && want[i].Name != "" && want[i].Name != n.name {
			jobs = append(jobs, job{n, want[i].Name})
		}
	}
	set := func(n *nic, to string) {
		err := func() error {
			l, err := netlink.LinkByName(n.name)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetDown(l); err != nil {
				return err
			}
			return netlink.LinkSetName(l, to)
		}()
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s cannot be called %s: %v", n.name, to, err))
			return
		}
		n.name = to
	}
	for i, j := range jobs {
		set(j.n, fmt.Sprintf("renaming%d", i))
	}
	for i := range present { // one that is in the way and has no name of its own
		for _, j := range jobs {
			if present[i].name == j.to {
				set(&present[i], "was-"+j.to[:min(len(j.to), 11)])
			}
		}
	}
	for _, j := range jobs {
		set(j.n, j.to)
	}
	return wrong
}

// configure brings one interface up. One without addresses says nothing by
// itself.
func configure(name string, want seed.Interface) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if want.MTU != 0 {
		if err := netlink.LinkSetMTU(l, want.MTU); err != nil {
			return fmt.Errorf("mtu %d: %w", want.MTU, err)
		}
	}
	if want.DHCP || len(want.Addresses) > 0 {
		allowIPv6(name)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	for _, p := range want.Addresses {
		if err := addAddress(l, p); err != nil {
			return err
		}
	}
	for _, r := range want.Routes {
		if err := addRoute(l, r, 0); err != nil {
			return err
		}
	}
	return nil
}

func allowIPv6(name string) {
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("0"), 0)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func addAddress(l netlink.Link, p netip.Prefix) error {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD // usable at once
	}
	if err := netlink.AddrReplace(l, a); err != nil {
		return fmt.Errorf("address %s: %w", p, err)
	}
	return nil
}

func addRoute(l netlink.Link, r seed.Route, metric int) error {
	route := &netlink.Route{LinkIndex: l.Attrs().Index, Gw: r.Via.AsSlice(), Priority: metric, Dst: ipNet(r.To)}
	err := netlink.RouteReplace(route)
	if err != nil { // a gateway outside the interface's networks, as clouds have
		route.Flags = int(netlink.FLAG_ONLINK)
		err = netlink.RouteReplace(route)
	}
	if err != nil {
		return fmt.Errorf("route to %s via %s: %w", r.To, r.Via, err)
	}
	return nil
}

// setNameservers writes the target of the link /etc/resolv.conf.
func setNameservers(list []netip.Addr) {
	if len(list) == 0 {
		return
	}
	var text strings.Builder
	for _, a := range list {
		text.WriteString("nameserver " + a.String() + "\n")
	}
	_ = writeFile(runDir+"/resolv.conf", []byte(text.String()), 0o644)
}
