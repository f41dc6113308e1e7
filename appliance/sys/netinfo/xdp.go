// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package netinfo

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// The answers about support; "no" and "unknown" are followed by the reason.
const yes = "yes"

func no(err error) string { return "no: " + err.Error() }

// Numbers of the generic netlink family netdev (include/uapi/linux/netdev.h).
const (
	cmdDevGet       = 1
	attrDevIndex    = 1
	attrXDPFeatures = 3
	xdpBasic        = 1 << 0
	xdpZeroCopy     = 1 << 3
)

// Features tells whether the driver of an interface runs XDP programs itself
// and whether it does AF_XDP without copying. The kernel is asked; nothing is
// attached.
func (i *Interface) Features() (native, zeroCopy string) {
	bits, err := xdpFeatures(i.index)
	if err != nil {
		text := "unknown: " + err.Error()
		return text, text
	}
	answer := func(mask uint64) string {
		if bits&mask != 0 {
			return yes
		}
		return "no: the driver does not offer it"
	}
	return answer(xdpBasic), answer(xdpZeroCopy)
}

// genlHeader is a command, a version and two bytes that the kernel wants to be
// zero.
type genlHeader [nl.SizeofGenlmsg]byte

func (h genlHeader) Len() int          { return len(h) }
func (h genlHeader) Serialize() []byte { return h[:] }

func xdpFeatures(index int) (uint64, error) {
	f, err := netlink.GenlFamilyGet("netdev")
	if err != nil {
		return 0, errors.New("the kernel does not tell (it does since 6.3)")
	}
	req := nl.NewNetlinkRequest(int(f.ID), 0)
	req.AddData(genlHeader{cmdDevGet, 1, 0, 0})
	req.AddData(nl.NewRtAttr(attrDevIndex, nl.Uint32Attr(uint32(index))))
	msgs, err := req.Execute(unix.NETLINK_GENERIC, 0)
	if err != nil {
		return 0, fmt.Errorf("netdev: %w", err)
	}
	for _, m := range msgs {
		if len(m) < nl.SizeofGenlmsg {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[nl.SizeofGenlmsg:])
		if err != nil {
			return 0, fmt.Errorf("netdev: %w", err)
		}
		for _, a := range attrs {
			if a.Attr.Type == attrXDPFeatures && len(a.Value) >= 8 {
				return binary.NativeEndian.Uint64(a.Value), nil
			}
		}
	}
	return 0, errors.New("the kernel does not tell")
}

// PacketSocket tells whether a raw packet socket can be opened.
func PacketSocket() string { return try(unix.AF_PACKET) }

// XDPSocket tells whether an AF_XDP socket can be opened.
func XDPSocket() string { return try(unix.AF_XDP) }

func try(family int) string {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return no(err)
	}
	_ = unix.Close(fd)
	return yes
}

// ProbeXDP tells whether an AF_XDP socket can be bound to the interface, in the
// mode that copies: to the first of its queues that is free. The socket is
// closed again; no program is attached, so no packet is taken away.
func (i *Interface) ProbeXDP() string {
	err := errors.New("it has no receive queue")
	for q := range i.RxQueues {
		if err = sys.ProbeXDP(i.index, q); !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	if errors.Is(err, unix.EBUSY) {
		return "unknown: all queues are in use"
	}
	if err != nil {
		return no(err)
	}
	return yes
}
