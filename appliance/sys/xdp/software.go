// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// isSoftware reports whether packets of an interface of the current namespace
// come from this host or its hypervisor, which leave checksums to hardware that
// does not exist.
func isSoftware(l netlink.Link) bool {
	return l.Type() != "device" || l.Attrs().Name == "lo" || strings.HasPrefix(driverOf(l), "virtio")
}

// driverOf returns the name of an interface's driver, "" if it is not told.
func driverOf(l netlink.Link) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer sys.CloseFD(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, l.Attrs().Name)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}
