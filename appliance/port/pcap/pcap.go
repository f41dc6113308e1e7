// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package pcap is the driver PCAPPort: live capture and injection on a Linux
// interface (spec: ports.md section 2.2).
package pcap

import (
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// Driver receives what arrives at an Ethernet interface of the host and sends
// out of it (AF_PACKET). As an extension a path ending in ".pcap" or ".pcapng"
// is read as a capture file.
var Driver = &port.Driver{
	Name:   "PCAPPort",
	Prefix: "pcap_port",
	Help:   "receives and sends on a network interface of this host, or reads a capture file",
	Arg:    &PCAPPortArg{},
	New:    port.New(create),
}

// create opens the interface or file. Errors: EINVAL for everything that
// stands against it.
func create(cfg *port.Config, arg *PCAPPortArg) (port.Device, error) {
	dev := arg.GetDev()
	if dev == "" {
		return nil, initError(dev, errno.Errorf(errno.EINVAL, "must name a network interface"))
	}
	// There is one queue; a port that asks for more gets that one.
	cfg.NumInc, cfg.NumOut = 1, 1
	if isFile(dev) {
		r, err := pktio.OpenReader(dev, pktio.ReaderOptions{})
		if err != nil {
			return nil, initError(dev, err)
		}
		return &file{Reader: r}, nil
	}
	i, err := pktio.OpenInterface(dev, pktio.InterfaceOptions{Port: cfg.Name, Receive: true, Send: true, Frames: cfg.SizeInc})
	if err != nil {
		return nil, initError(dev, err)
	}
	cfg.MTU, cfg.MAC = i.Address()
	return &iface{i}, nil
}

func initError(dev string, err error) error {
	return errno.Errorf(errno.EINVAL, "Error initializing device. dev %q: %w", dev, err)
}

// isFile reports whether dev cannot be an interface's name, which contains no
// slash, or has the ending of a capture file.
func isFile(dev string) bool {
	return strings.Contains(dev, "/") || strings.HasSuffix(dev, ".pcap") || strings.HasSuffix(dev, ".pcapng")
}

// iface is an open interface: settings, link and notes are those of
// pktio.Interface.
type iface struct{ *pktio.Interface }

// DeviceStats counts packets for which the ring had no room or the pool no
// buffer.
func (d *iface) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.Dropped()}, port.DeviceStats{}
}

// Link reports the state of the interface's link.
func (d *iface) Link() port.Link { return port.Link(d.Interface.Link()) }

// file is an open capture file. It sends nothing.
type file struct {
	*pktio.Reader
	port.NoSettings
}

// Recv appends the next packets of the file to b.
func (d *file) Recv(_ int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.Reader.Recv(c, b, limit)
}

// Send takes nothing.
func (d *file) Send(int, *packet.Cache, []packet.Packet) int { return 0 }

// RetryAfter says when a file that is not at its end is worth another poll.
func (d *file) RetryAfter(int) uint64 { return d.Reader.RetryAfter() }

// Notes say how far the file has been read.
func (d *file) Notes() []string { return []string{d.Note()} }
