// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"
	"net"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netinfo"
)

// nic is an interface known by the address or the number of its hardware:
// driven with AF_XDP if that works, else through packet sockets.
type nic struct {
	inner
	name   string
	s      settings
	reason string // why it is not AF_XDP
}

// inner is the device that a nic turns out to be.
type inner interface {
	port.Device
	port.FDWaiter
	port.Configurer
	port.Addresser
	port.Linker
	port.Statser
	port.Noter
	port.QueueNoter
}

// byPCI returns the interface with a PCI address.
func byPCI(address string, s settings) (device, error) {
	if address == "" {
		return nil, errno.Errorf(errno.EINVAL, "No PCI address specified")
	}
	if !pciAddress.MatchString(address) {
		return nil, errno.Errorf(errno.EINVAL, "PCI address must be like dddd:bb:dd.ff or bb:dd.ff")
	}
	name := netinfo.BehindPCI(address)
	if name == "" {
		return nil, errno.Errorf(errno.ENODEV, "Cannot attach PCI device %s", address)
	}
	return &nic{name: name, s: s}, nil
}

// byNumber returns an interface of the list of usable ones.
func byNumber(id uint64, s settings) (device, error) {
	if id >= maxPortID {
		return nil, errno.Errorf(errno.EINVAL, "Invalid port id %d", id)
	}
	names, err := netinfo.Numbered()
	if err != nil {
		return nil, err
	}
	if id >= uint64(len(names)) {
		return nil, errno.Errorf(errno.ENODEV, "Port id %d is not available", id)
	}
	return &nic{name: names[id], s: s}, nil
}

func (d *nic) prepare(*port.Config) error { return nil }

func (d *nic) open(cfg *port.Config) error {
	err := d.openAFXDP(cfg)
	if err == nil {
		return nil
	}
	if c := errno.Code(err); c == errno.EBUSY || c == errno.ENODEV {
		return err
	}
	d.reason = err.Error()
	p, err := newAFPacket(vdev{args: []keyValue{{"iface", d.name}}}, d.s)
	if err == nil {
		err = p.open(cfg)
	}
	if err != nil {
		return fmt.Errorf("%w; AF_XDP: %s", err, d.reason)
	}
	d.inner = p
	return nil
}

// openAFXDP drives the interface with AF_XDP, whose sockets see the packets of
// their queues only.
func (d *nic) openAFXDP(cfg *port.Config) error {
	if rx, _, ok := sys.Channels(d.name); ok && rx > cfg.NumInc && cfg.NumInc > 0 {
		return fmt.Errorf("interface %q has %d incoming queues, the port %d: let the port (num_inc_q) or the interface (ethtool -L) have as many as the other", d.name, rx, cfg.NumInc)
	}
	x := &netAFXDP{settings: d.s, name: d.name}
	if err := x.open(cfg); err != nil {
		return err
	}
	d.inner = x
	return nil
}

// Close gives the interface back.
func (d *nic) Close() {
	if d.inner != nil {
		d.inner.Close()
	}
}

// SetConf changes the settings of the interface.
func (d *nic) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	return d.inner.SetConf(mtu, mac, up)
}

// NodeMask returns the NUMA nodes the port is restricted to: those that were
// asked for, else that of the hardware.
func (d *nic) NodeMask() uint64 {
	if n := netinfo.Node(d.name); d.s.nodes == ^uint64(0) && n >= 0 && n <= maxNode {
		return 1 << n
	}
	return d.s.nodes
}

// largeNIC is a nic whose device sends packets of several pieces.
type largeNIC struct{ *nic }

// SendsLarge marks what packets of several pieces may be sent to.
func (largeNIC) SendsLarge() {}

// Notes describe the interface and how it is driven.
func (d *nic) Notes() []string {
	notes := d.inner.Notes()
	if d.reason != "" {
		notes = append(notes, "not AF_XDP: "+d.reason)
	}
	return notes
}
