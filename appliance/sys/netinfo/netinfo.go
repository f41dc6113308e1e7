// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package netinfo tells what network interfaces there are, what they can do,
// and when one comes. It changes none of them.
package netinfo

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface is a network interface of the current network namespace.
type Interface struct {
	Name, MAC string
	// Driver and Bus come from the driver (ethtool); "" if it does not say.
	Driver, Bus string
	RxQueues    int
	TxQueues    int
	// AdminUp is what was asked for, LinkUp whether there is a carrier.
	AdminUp, LinkUp bool
	SpeedMbps       int // 0: unknown
	MTU             int
	index           int
}

// List returns all interfaces, in the order of their index.
func List() ([]Interface, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		defer func() { _ = unix.Close(fd) }()
	}
	var list []Interface
	for _, l := range links {
		a := l.Attrs()
		i := Interface{Name: a.Name, MAC: a.HardwareAddr.String(), RxQueues: a.NumRxQueues, TxQueues: a.NumTxQueues,
			AdminUp: a.Flags&net.FlagUp != 0, MTU: a.MTU, SpeedMbps: speed(a.Name), index: a.Index,
			LinkUp: a.RawFlags&unix.IFF_LOWER_UP != 0}
		if err == nil {
			if d, err := unix.IoctlGetEthtoolDrvinfo(fd, a.Name); err == nil {
				i.Driver, i.Bus = text(d.Driver[:]), bus(text(d.Bus_info[:]))
			}
		}
		list = append(list, i)
	}
	return list, nil
}

// text returns what precedes the first NUL.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// bus leaves out what drivers say when there is no bus.
func bus(s string) string {
	if s == "N/A" {
		return ""
	}
	return s
}

// speed reads the speed of a link; drivers without one answer an error or -1.
func speed(name string) int {
	if name != filepath.Base(name) {
		return 0
	}
	b, err := os.ReadFile(filepath.Join("/sys/class/net", name, "speed"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Watch signals on the channel whenever an interface comes or changes, and
// closes it when the kernel says no more or stop is closed. Signals that
// nobody has taken yet are one.
func Watch(stop <-chan struct{}) (<-chan struct{}, error) {
	updates := make(chan netlink.LinkUpdate)
	if err := netlink.LinkSubscribe(updates, stop); err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	signal := make(chan struct{}, 1)
	go func() {
		defer close(signal)
		for range updates {
			select {
			case signal <- struct{}{}:
			default:
			}
		}
	}()
	return signal, nil
}
