// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"errors"
	"fmt"
	"net"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// netAFPacket is net_af_packet: an interface through packet sockets.
type netAFPacket struct {
	settings
	port.QueuesNoted
	name  string
	pairs int // of queues, 0: as many as the port asks for
	o     pktio.InterfaceOptions
	iface *pktio.Interface
}

func newAFPacket(v vdev, s settings) (*netAFPacket, error) {
	d := &netAFPacket{settings: s, o: pktio.InterfaceOptions{Exclusive: true, Receive: true, Send: true, Up: true,
		Fanout: sys.Fanout{Mode: sys.FanoutHash, Defrag: true}}}
	for _, a := range v.args {
		var err error
		switch a.key {
		case "iface":
			d.name = a.value
		case "qpairs":
			d.pairs, err = parseNumber(a, 1, port.MaxQueues)
		case "framecnt":
			d.o.Frames, err = parseNumber(a, 1, port.MaxQueueSize)
		case "qdisc_bypass":
			d.o.Bypass, err = parseFlag(a)
		case "fanout_mode":
			var ok bool
			if d.o.Fanout.Mode, ok = sys.FanoutModes[a.value]; !ok {
				err = fmt.Errorf("fanout_mode: %q: must be hash, lb, cpu, rollover, rnd or qm", a.value)
			}
		case "blocksz", "framesz":
			// The ring is laid out by the interface's MTU.
			_, err = parseNumber(a, 1, 1<<30)
		default:
			err = fmt.Errorf("%s: net_af_packet knows iface, qpairs, framecnt, framesz, blocksz, qdisc_bypass and fanout_mode only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	if d.name == "" {
		return nil, errors.New("iface must be given")
	}
	return d, nil
}

func (d *netAFPacket) prepare(cfg *port.Config) error {
	if d.pairs == 0 {
		return nil
	}
	if cfg.NumInc > d.pairs || cfg.NumOut > d.pairs {
		return errno.Errorf(errno.EINVAL, "qpairs: %d: the port asks for %d incoming and %d outgoing queues", d.pairs, cfg.NumInc, cfg.NumOut)
	}
	return nil
}

// open opens the interface with as many queues as the port asks for: packets
// for a queue that no module looks at would be lost.
func (d *netAFPacket) open(cfg *port.Config) (err error) {
	d.o.Port, d.o.Incoming, d.o.Outgoing = cfg.Name, cfg.NumInc, cfg.NumOut
	if d.o.Frames == 0 {
		d.o.Frames = cfg.SizeInc
	}
	if d.iface, err = pktio.OpenInterface(d.name, d.o); err != nil {
		return fmt.Errorf("iface: %w", err)
	}
	cfg.SizeInc = d.o.Frames
	cfg.MTU, cfg.MAC = d.iface.Address()
	return nil
}

// Close gives the interface back.
func (d *netAFPacket) Close() {
	if d.iface != nil {
		d.iface.Close()
	}
}

// Recv appends up to limit packets of queue q to b.
func (d *netAFPacket) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.iface.Recv(q, c, b, limit)
}

// Send sends ps through queue q.
func (d *netAFPacket) Send(q int, c *packet.Cache, ps []packet.Packet) int {
	return d.iface.Send(q, c, ps)
}

// SendsLarge says that the interface takes packets of several pieces.
func (d *netAFPacket) SendsLarge() {}

// WaitFD returns the descriptor that is readable when queue q has packets.
func (d *netAFPacket) WaitFD(q int) int { return d.iface.WaitFD(q) }

// DeviceStats counts what was lost on the way from the interface.
func (d *netAFPacket) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.iface.Dropped()}, port.DeviceStats{}
}

// Notes describe the interface and its queues.
func (d *netAFPacket) Notes() []string { return append(d.iface.Notes(), d.vain...) }

// SetConf changes the settings of the interface.
func (d *netAFPacket) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	if err := checkMTU(mtu); err != nil {
		return err
	}
	return d.iface.SetConf(mtu, mac, up)
}

// Address returns the MTU and the address of the interface.
func (d *netAFPacket) Address() (mtu int, mac net.HardwareAddr) { return d.iface.Address() }

// Link reports the state of the interface.
func (d *netAFPacket) Link() port.Link { return port.Link(d.iface.Link()) }
