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
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/xdp"
)

// netAFXDP is net_af_xdp: queues of an interface through AF_XDP sockets.
type netAFXDP struct {
	settings
	port.QueuesNoted
	name  string
	count int // of queues, 0: as many as the port asks for
	o     xdp.Options
	dev   *xdp.Device
}

func newAFXDP(v vdev, s settings) (*netAFXDP, error) {
	d := &netAFXDP{settings: s}
	for _, a := range v.args {
		var err error
		var on bool
		switch a.key {
		case "iface":
			d.name = a.value
		case "start_queue":
			d.o.StartQueue, err = parseNumber(a, 0, 1<<16)
		case "queue_count":
			d.count, err = parseNumber(a, 1, port.MaxQueues)
		case "shared_umem":
			d.o.SharedUMEM, err = parseFlag(a)
		case "busy_budget":
			if d.o.BusyPollBudget, err = parseNumber(a, 0, xdp.MaxBudget); d.o.BusyPollBudget > 0 {
				d.o.BusyPoll = busyPoll
			}
		case "force_copy":
			if on, err = parseFlag(a); on {
				d.o.ZeroCopy = choice.Off
			}
		default:
			err = fmt.Errorf("%s: net_af_xdp knows iface, start_queue, queue_count, shared_umem, busy_budget and force_copy only", a.key)
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

// busyPoll is for how many microseconds a device with busy_budget is driven by
// a look at its queue.
const busyPoll = 20

// prepare settles the number of queues.
func (d *netAFXDP) prepare(cfg *port.Config) error {
	if d.count == 0 {
		return nil
	}
	if cfg.NumInc > d.count || cfg.NumOut > d.count {
		return errno.Errorf(errno.EINVAL, "queue_count: %d: the port asks for %d incoming and %d outgoing queues", d.count, cfg.NumInc, cfg.NumOut)
	}
	return nil
}

// open opens the interface with as many queues as the port asks for: packets
// for a queue that no module looks at would be lost.
func (d *netAFXDP) open(cfg *port.Config) (err error) {
	d.o.Port, d.o.Queues, d.o.Incoming = cfg.Name, max(cfg.NumInc, cfg.NumOut), cfg.NumInc
	d.o.RxFrames, d.o.TxFrames = max(cfg.SizeInc, xdp.MinFrames), max(cfg.SizeOut, xdp.MinFrames)
	d.o.Promiscuous, d.o.Up = d.promiscuous, true
	if d.dev, err = xdp.Open(d.name, d.o); err != nil {
		return fmt.Errorf("iface: %w", err)
	}
	cfg.MTU, cfg.MAC = d.dev.Address()
	cfg.SizeInc, cfg.SizeOut = d.dev.Frames()
	return nil
}

// Close gives the interface back.
func (d *netAFXDP) Close() {
	if d.dev != nil {
		d.dev.Close()
	}
}

// Recv appends up to limit packets of queue q to b.
func (d *netAFXDP) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.dev.Recv(q, c, b, limit)
}

// Send sends ps through queue q.
func (d *netAFXDP) Send(q int, c *packet.Cache, ps []packet.Packet) int { return d.dev.Send(q, c, ps) }

// WaitFD returns the descriptor that is readable when queue q has packets.
func (d *netAFXDP) WaitFD(q int) int { return d.dev.WaitFD(q) }

// DeviceStats counts what the kernel had to drop, and what it sent.
func (d *netAFXDP) DeviceStats() (inc, out port.DeviceStats) {
	inc.Dropped, out.Dropped = d.dev.Dropped()
	out.Packets, out.Bytes = d.dev.Sent()
	out.Own = true
	return inc, out
}

// Notes describe the interface and the mode it is driven in.
func (d *netAFXDP) Notes() []string { return append(d.dev.Notes(), d.vain...) }

// SetConf changes the settings of the interface.
func (d *netAFXDP) SetConf(mtu int, mac net.HardwareAddr, up bool) error {
	if err := checkMTU(mtu); err != nil {
		return err
	}
	return d.dev.SetConf(mtu, mac, up)
}

// Address returns the MTU and the address of the interface.
func (d *netAFXDP) Address() (mtu int, mac net.HardwareAddr) { return d.dev.Address() }

// Link reports the state of the interface.
func (d *netAFXDP) Link() port.Link { return port.Link(d.dev.Link()) }
