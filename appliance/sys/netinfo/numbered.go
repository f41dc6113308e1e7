// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package netinfo

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Sysfs is where sysfs(5) is mounted. Only tests change it.
var Sysfs = "/sys"

// numbered is the list that SetNumbered was given.
var numbered atomic.Pointer[[]string]

// SetNumbered gives the names of interfaces that are known by number, in their
// order. Without any, Numbered finds them itself.
func SetNumbered(names []string) { numbered.Store(&names) }

// Numbered returns the names of the interfaces that are known by number. Unless
// they were given, these are the Ethernet interfaces of the current network
// namespace with hardware behind them that nobody uses: without an address of
// global scope and not part of a bridge or bond. They are ordered by the
// address of the hardware on its bus, so that the numbers are the same after
// every start.
func Numbered() ([]string, error) {
	if given := numbered.Load(); given != nil && len(*given) > 0 {
		return *given, nil
	}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	type found struct{ bus, name string }
	var all []found
	for _, l := range links {
		a := l.Attrs()
		if l.Type() != "device" || a.EncapType != "ether" || a.MasterIndex != 0 || inUse(l) {
			continue
		}
		if b := busOf(a.Name); b != "" {
			all = append(all, found{b, a.Name})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(cmp.Compare(a.bus, b.bus), cmp.Compare(a.name, b.name)) })
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	return names, nil
}

// inUse reports whether the host has an address of global scope at l.
func inUse(l netlink.Link) bool {
	addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
	return err != nil || slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return a.Scope == unix.RT_SCOPE_UNIVERSE })
}

// busOf asks the driver of an interface for its hardware's address.
func busOf(name string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(fd) }()
	d, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	if err != nil {
		return ""
	}
	return bus(text(d.Bus_info[:]))
}

// BehindPCI returns the interface of the current network namespace whose
// hardware has a PCI address, dddd:bb:dd.f or bb:dd.f, "" if there is none: no
// such device, or one that is no interface, for example since another driver
// has it.
func BehindPCI(address string) string {
	address = canonical(address)
	dir := filepath.Join(Sysfs, "bus/pci/devices", address)
	for _, pattern := range []string{"net/*", "virtio*/net/*"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, p := range paths {
			if _, err := netlink.LinkByName(filepath.Base(p)); err == nil {
				return filepath.Base(p)
			}
		}
	}
	// What sysfs shows is of the namespace it was mounted in.
	links, err := netlink.LinkList()
	if err != nil {
		return ""
	}
	for _, l := range links {
		if name := l.Attrs().Name; l.Type() == "device" && busOf(name) == address {
			return name
		}
	}
	return ""
}

// canonical returns a PCI address as the kernel writes it; what is none stays.
func canonical(address string) string {
	if strings.Count(address, ":") == 1 {
		address = "0:" + address
	}
	var domain, bus, slot, function uint
	if n, err := fmt.Sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot, &function); n != 4 || err != nil {
		return address
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", domain, bus, slot, function)
}

// Node returns the NUMA node of the hardware behind an interface, -1 if there
// is none or it is not known.
func Node(name string) int {
	if name != filepath.Base(name) {
		return -1
	}
	b, err := os.ReadFile(filepath.Join(Sysfs, "class/net", name, "device/numa_node"))
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return -1
	}
	return n
}
