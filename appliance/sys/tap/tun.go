// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tap

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netns"
)

// cloneDevice makes TAP devices.
const cloneDevice = "/dev/net/tun"

// openQueues opens the queues of a TAP device in the thread's namespace. fresh
// makes a new device; otherwise one that exists and has no owner is taken.
func openQueues(name string, queues int, fresh bool) (fds []int, err error) {
	defer func() {
		if err != nil {
			closeAll(fds)
			fds = nil
		}
	}()
	flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if queues > 1 {
		flags |= unix.IFF_MULTI_QUEUE
	}
	for range queues {
		fd, err := unix.Open(cloneDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fds, fmt.Errorf("%s: %w", cloneDevice, err)
		}
		fds = append(fds, fd)
		if err := neverWait(fd); err != nil {
			return fds, err
		}
		first := flags
		if fresh && len(fds) == 1 {
			first |= unix.IFF_TUN_EXCL
		}
		if err := attach(fd, name, first); err != nil {
			return fds, err
		}
		// A device that exists may have been used with another one.
		if err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, headerSize); err != nil {
			return fds, fmt.Errorf("size of header: %w", err)
		}
	}
	return fds, nil
}

// neverWait sees to it that reading from fd need not wait: by a flag of every
// call where the kernel has it, else by a flag of the descriptor. The latter
// makes writing slower, since the kernel then builds packets in another way.
func neverWait(fd int) error {
	_, err := unix.Preadv2(fd, [][]byte{make([]byte, headerSize)}, -1, unix.RWF_NOWAIT)
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("non-blocking mode: %w", err)
	}
	return nil
}

func isNonblocking(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK != 0
}

// offload says what the kernel may leave to the device: nothing, so that
// packets are whole and no longer than the MTU allows, or, if large packets are
// welcome, their cutting and with it their checksums.
func offload(fd int, large bool) error {
	choice := []int{0}
	if large {
		const tcp = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6
		choice = []int{tcp | unix.TUN_F_USO4 | unix.TUN_F_USO6, tcp} // UDP since Linux 6.2
	}
	var err error
	for _, features := range choice {
		if err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, features); err == nil {
			return nil
		}
	}
	return fmt.Errorf("offloads: %w", err)
}

// attach makes fd a queue of a device.
func attach(fd int, name string, flags uint16) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return errno.Errorf(errno.EINVAL, "interface %q: is no name for an interface", name)
	}
	req.SetUint16(flags)
	err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("interface %q: %w (the capability CAP_NET_ADMIN is needed)", name, err)
	case err != nil && flags&unix.IFF_TUN_EXCL != 0 && (errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST)):
		return errno.Errorf(errno.EEXIST, "interface %q: exists already", name)
	case errors.Is(err, unix.EBUSY):
		return errno.Errorf(errno.EBUSY, "interface %q: is in use by another program", name)
	case errors.Is(err, unix.EINVAL):
		return errno.Errorf(errno.EINVAL, "interface %q: exists and is no TAP device with that kind of queues", name)
	case err != nil:
		return fmt.Errorf("interface %q: %w", name, err)
	}
	return nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// nameOf returns the present name of the device behind fd. Errors: EBADFD if
// it is gone.
func nameOf(fd int) (string, error) {
	req, err := unix.NewIfreq("")
	if err != nil {
		return "", err
	}
	if err := unix.IoctlIfreq(fd, unix.TUNGETIFF, req); err != nil {
		return "", err
	}
	return req.Name(), nil
}

// placeOf opens the namespace the device behind fd is in.
func placeOf(fd int) (*netns.Namespace, error) {
	ns, err := unix.IoctlRetInt(fd, unix.TUNGETDEVNETNS)
	if err != nil {
		return nil, err
	}
	return netns.Of(ns), nil
}

// persist says whether the device is to stay when nobody has it open.
func persist(fd int, on bool) error {
	v := 0
	if on {
		v = 1
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETPERSIST, v); err != nil {
		return fmt.Errorf("persistence: %w", err)
	}
	return nil
}
