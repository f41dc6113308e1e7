// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"
	"net"
	"strings"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
	"github.com/bessform/terraform-provider-bess/appliance/sys/tap"
)

// netTap is net_tap: a network interface for programs of this host, with a
// queue for each incoming one. Without a name it gets that of its number,
// dtap0 for net_tap0.
type netTap struct {
	settings
	o   tap.Options
	dev *tap.Device
}

func newTap(v vdev, s settings) (*netTap, error) {
	number := strings.TrimLeft(v.name, "abcdefghijklmnopqrstuvwxyz_")
	if number == "" {
		number = "0"
	}
	d := &netTap{settings: s, o: tap.Options{Name: "dtap" + number}}
	for _, a := range v.args {
		var err error
		switch a.key {
		case "iface":
			d.o.Name = a.value
		case "mac":
			d.o.MAC, err = parseMAC(a)
		case "persist":
			d.o.Persist, err = parseFlag(a)
		default:
			err = fmt.Errorf("%s: net_tap knows iface, mac and persist only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	return d, hostif.CheckName(d.o.Name)
}

// fixedMAC is what "fixed" stands for: "dtap" in letters.
var fixedMAC = net.HardwareAddr{0, 'd', 't', 'a', 'p', 0}

func parseMAC(a keyValue) (net.HardwareAddr, error) {
	if a.value == "fixed" {
		return fixedMAC, nil
	}
	mac, err := net.ParseMAC(a.value)
	if err != nil || len(mac) != 6 {
		return nil, fmt.Errorf("%s: %q: must be fixed or like 02:00:00:00:00:01", a.key, a.value)
	}
	return mac, nil
}

func (d *netTap) prepare(*port.Config) error { return nil }

func (d *netTap) open(cfg *port.Config) (err error) {
	if d.o.MAC == nil {
		d.o.MAC = cfg.MAC
	}
	d.o.Incoming, d.o.Outgoing, d.o.QueueLength = cfg.NumInc, cfg.NumOut, cfg.SizeInc
	if d.dev, err = tap.Open(d.o); err != nil {
		return err
	}
	cfg.MAC = d.o.MAC
	return nil
}

// Close removes the interface.
func (d *netTap) Close() {
	if d.dev != nil {
		d.dev.Close()
	}
}

// Recv appends packets that programs sent through the interface to b.
func (d *netTap) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.dev.Recv(q, c, b, limit)
}

// Send hands ps to the interface.
func (d *netTap) Send(q int, c *packet.Cache, ps []packet.Packet) int { return d.dev.Send(q, c, ps) }

// SendsLarge says that packets of several pieces can be sent.
func (d *netTap) SendsLarge() {}

// WaitFD returns the descriptor that is readable when queue q has packets.
func (d *netTap) WaitFD(q int) int { return d.dev.WaitFD(q) }

// SetConf changes the settings of the interface.
func (d *netTap) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	if err := checkMTU(mtu); err != nil {
		return err
	}
	return d.dev.SetConf(mtu, mac, up)
}

// Address returns the MTU and the address of the interface.
func (d *netTap) Address() (mtu int, mac net.HardwareAddr) { return d.dev.Address() }

// DeviceStats counts what was lost on the way from the interface.
func (d *netTap) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.dev.Dropped()}, port.DeviceStats{}
}

// Link reports whether the interface is up.
func (d *netTap) Link() port.Link { return port.Link{FullDuplex: true, Autoneg: true, Up: d.dev.Up()} }

// Notes say in what state the interface is.
func (d *netTap) Notes() []string { return append(d.dev.Notes(), d.vain...) }
