// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"encoding/binary"
	"math"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// checkRange says whether an interface of the calling thread's network namespace
// can have an MTU, as far as the kernel tells. Errors: EINVAL.
func checkRange(link netlink.Link, mtu int) error {
	least, most, err := mtuRange(link.Attrs().Index)
	if err != nil || mtu >= least && mtu <= most {
		return nil // the kernel has the last word
	}
	return errno.Errorf(errno.EINVAL, "mtu should be >= %d and <= %d: mtu %d", least, most, mtu)
}

// mtuRange asks the kernel which MTUs an interface can have (rtnetlink(7),
// IFLA_MIN_MTU and IFLA_MAX_MTU); 0 there stands for no limit.
func mtuRange(index int) (least, most int, err error) {
	q := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	about := nl.NewIfInfomsg(unix.AF_UNSPEC)
	about.Index = int32(index)
	q.AddData(about)
	answers, err := q.Execute(unix.NETLINK_ROUTE, 0)
	if err != nil {
		return 0, 0, err
	}
	most = math.MaxInt32
	for _, answer := range answers {
		attrs, err := nl.ParseRouteAttr(answer[min(unix.SizeofIfInfomsg, len(answer)):])
		if err != nil {
			return 0, 0, err
		}
		least, most = limits(attrs, least, most)
	}
	return least, most, nil
}

func limits(attrs []syscall.NetlinkRouteAttr, least, most int) (int, int) {
	for _, a := range attrs {
		if len(a.Value) != 4 {
			continue
		}
		n := int(binary.NativeEndian.Uint32(a.Value))
		switch a.Attr.Type {
		case unix.IFLA_MIN_MTU:
			least = n
		case unix.IFLA_MAX_MTU:
			if n > 0 {
				most = n
			}
		}
	}
	return least, most
}
