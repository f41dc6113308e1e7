// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

const (
	// maxName is what a name of the kernel has room for.
	maxName = 15
	// The limits of the MTU of an Ethernet interface without hardware.
	minMTU, maxMTU = 68, 65521
)

// CheckName says what is wrong with a name for an interface. Errors: EINVAL.
func CheckName(name string) error {
	switch {
	case name == "":
		return errno.Errorf(errno.EINVAL, "name of the interface: is empty")
	case len(name) > maxName:
		return errno.Errorf(errno.EINVAL, "interface %q: the name has %d bytes, must have at most %d", name, len(name), maxName)
	case name == "." || name == "..":
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == ':' || r == '%' }):
	default:
		return nil
	}
	return errno.Errorf(errno.EINVAL, "interface %q: a name must not contain slash, colon, percent sign, blanks and control characters", name)
}

// CheckMTU says whether an interface can have an MTU. Errors: EINVAL.
func CheckMTU(mtu int) error {
	if mtu < minMTU || mtu > maxMTU {
		return errno.Errorf(errno.EINVAL, "mtu should be >= %d and <= %d: mtu %d", minMTU, maxMTU, mtu)
	}
	return nil
}

// ParseStation parses the Ethernet address of an interface. Errors: EINVAL.
func ParseStation(text string) (net.HardwareAddr, error) {
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 {
		return nil, errno.Errorf(errno.EINVAL, "%q: must be like 02:00:00:00:00:01", text)
	}
	if mac[0]&1 != 0 {
		return nil, errno.Errorf(errno.EINVAL, "%q: must be the address of one station", text)
	}
	return mac, nil
}

// AddAddress gives an interface, of the namespace that kern is for, an address. The
// kernel refuses those of IPv6 with EACCES where that is turned off.
func AddAddress(kern *netlink.Handle, link netlink.Link, a *netlink.Addr) error {
	err := kern.AddrAdd(link, a)
	if errors.Is(err, syscall.EACCES) && a.IP.To4() == nil {
		return fmt.Errorf("%w: IPv6 is turned off there (sysctl net.ipv6.conf.default.disable_ipv6)", err)
	}
	return err
}

// ParseAddresses parses addresses with prefix length. Errors: EINVAL.
func ParseAddresses(texts []string) ([]*netlink.Addr, error) {
	var all []*netlink.Addr
	for _, text := range texts {
		full := text
		if !strings.Contains(text, "/") {
			full += "/32"
			if strings.Contains(text, ":") {
				full = text + "/128"
			}
		}
		a, err := netlink.ParseAddr(full)
		if err != nil {
			return nil, errno.Errorf(errno.EINVAL, "address %q: must be like 10.0.0.1/24 or 2001:db8::1/64", text)
		}
		a.Label = ""
		all = append(all, a)
	}
	return all, nil
}
