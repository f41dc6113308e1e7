// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/memring"
)

// netRing is net_ring: what is sent comes back, or, with ring=NAME, reaches
// the other port of that ring. It has as many queues as are asked for.
type netRing struct {
	settings
	ring string
	end  *memring.End
}

func newRing(v vdev, s settings) (*netRing, error) {
	d := &netRing{settings: s}
	for _, a := range v.args {
		if a.key != "ring" {
			return nil, fmt.Errorf("%s: net_ring knows ring only", a.key)
		}
		d.ring = a.value
	}
	return d, nil
}

func (d *netRing) prepare(*port.Config) error { return nil }

func (d *netRing) open(cfg *port.Config) (err error) {
	cfg.SizeInc = memring.Slots(cfg.SizeInc)
	d.end, err = memring.Open(memring.Options{Ring: d.ring, User: "port " + cfg.Name, Queues: cfg.NumInc, Size: cfg.SizeInc})
	return err
}

// Close frees what is on the way to this port.
func (d *netRing) Close() {
	if d.end != nil {
		d.end.Close()
	}
}

// Recv appends packets that the peer sent to b.
func (d *netRing) Recv(q int, _ *packet.Cache, b *packet.Batch, limit int) int {
	return d.end.Recv(q, b, limit)
}

// Send hands ps to the peer.
func (d *netRing) Send(q int, c *packet.Cache, ps []packet.Packet) int { return d.end.Send(q, c, ps) }

// SendsLarge says that packets of several pieces stay what they are.
func (d *netRing) SendsLarge() {}

// WaitFD returns the descriptor that is readable when queue q has packets.
func (d *netRing) WaitFD(q int) int { return d.end.WaitFD(q) }

// Link is up while there is a peer.
func (d *netRing) Link() port.Link {
	return port.Link{FullDuplex: true, Autoneg: true, Up: d.end.Connected()}
}

// Notes say who the peer is.
func (d *netRing) Notes() []string { return append([]string{d.end.Note()}, d.vain...) }
