// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"errors"
	"fmt"
	"net"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/vhost"
)

// netVhost is net_vhost, which a virtual machine's network card plugs into, or
// virtio_user, which is such a card.
type netVhost struct {
	settings
	options vhost.Options
	mac     net.HardwareAddr // nil: the port's
	end     vhost.End
}

func newVhost(v vdev, s settings) (*netVhost, error) {
	d := &netVhost{settings: s, options: vhost.Options{Queues: 1}}
	for _, a := range v.args {
		var err error
		switch a.key {
		case "iface":
			d.options.Path = a.value
		case "queues":
			d.options.Queues, err = parseNumber(a, 1, vhost.MaxQueues)
		case "client":
			d.options.Client, err = parseFlag(a)
		case "tso", "iommu-support", "postcopy-support", "dequeue-zero-copy", "linear-buffer", "ext-buffer", "legacy-ol-flags":
			_, err = parseFlag(a) // offers that nobody must take
		default:
			err = fmt.Errorf("%s: net_vhost knows iface, queues, client and tso only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	if d.options.Path == "" {
		return nil, errors.New("iface: must be given: the path of the socket")
	}
	return d, nil
}

func newVirtioUser(v vdev, s settings) (*netVhost, error) {
	d := &netVhost{settings: s, options: vhost.Options{Front: true, Client: true, Queues: 1}}
	for _, a := range v.args {
		var err error
		switch a.key {
		case "path":
			d.options.Path = a.value
		case "queues":
			d.options.Queues, err = parseNumber(a, 1, vhost.MaxQueues)
		case "queue_size":
			d.options.Size, err = parseNumber(a, 2, vhost.MaxSize)
		case "server":
			d.options.Client, err = parseFlag(a)
			d.options.Client = !d.options.Client
		case "mac":
			d.mac, err = parseMAC(a)
		case "cq", "mrg_rxbuf", "in_order", "packed_vq", "vectorized":
			_, err = parseFlag(a) // what both sides have is used
		default:
			err = fmt.Errorf("%s: virtio_user knows path, queues, queue_size, server, mac and mrg_rxbuf only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	if d.options.Path == "" {
		return nil, errors.New("path: must be given: that of the socket")
	}
	return d, nil
}

func (d *netVhost) prepare(cfg *port.Config) error {
	if err := setQueues("num_inc_q", &cfg.NumInc, d.options.Queues); err != nil {
		return err
	}
	if d.options.Size == 0 {
		d.options.Size = vhost.Size(max(cfg.SizeInc, cfg.SizeOut))
	}
	return setQueues("num_out_q", &cfg.NumOut, d.options.Queues)
}

func (d *netVhost) open(cfg *port.Config) (err error) {
	d.options.Log = cfg.Log
	if d.end, err = vhost.Open(d.options); err != nil {
		return err
	}
	if d.options.Front {
		cfg.SizeInc, cfg.SizeOut = d.options.Size, d.options.Size
	}
	if d.mac != nil {
		cfg.MAC = d.mac
	}
	return nil
}

// Close hangs up.
func (d *netVhost) Close() {
	if d.end != nil {
		d.end.Close()
	}
}

// Recv appends packets of the other side to b.
func (d *netVhost) Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.end.Recv(q, c, b, limit)
}

// Send hands ps to the other side.
func (d *netVhost) Send(q int, c *packet.Cache, ps []packet.Packet) int { return d.end.Send(q, c, ps) }

// WaitFD returns the descriptor that is readable when queue q has packets.
func (d *netVhost) WaitFD(q int) int { return d.end.WaitFD(q) }

// RetryAfter is for an other side that has no such descriptor.
func (d *netVhost) RetryAfter(q int) uint64 { return d.end.RetryAfter(q) }

// Link is up while the other side is there.
func (d *netVhost) Link() port.Link {
	return port.Link{FullDuplex: true, Autoneg: true, Up: d.end.Up()}
}

// DeviceStats counts packets lost on reception.
func (d *netVhost) DeviceStats() (inc, out port.DeviceStats) {
	return port.DeviceStats{Dropped: d.end.Dropped()}, port.DeviceStats{}
}

// Notes say where the other side is expected, and whether it is there.
func (d *netVhost) Notes() []string { return append(d.end.Notes(), d.vain...) }
