// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package ring is the driver RingPort: a way from one pipeline to another
// inside the engine.
package ring

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/memring"
)

// Driver joins two ports that name the same ring, or loops one back.
var Driver = &port.Driver{
	Name:   "RingPort",
	Prefix: "ring_port",
	Help:   "joins two pipelines of this engine, or sends packets back in",
	Arg:    &RingPortArg{},
	New:    port.New(create),
}

func create(cfg *port.Config, arg *RingPortArg) (*device, error) {
	cfg.SizeInc = memring.Slots(cfg.SizeInc)
	e, err := memring.Open(memring.Options{Ring: arg.GetRing(), User: "port " + cfg.Name, Queues: cfg.NumInc, Size: cfg.SizeInc})
	if err != nil {
		return nil, errno.Wrap(err, "ring: %q", arg.GetRing())
	}
	return &device{End: e}, nil
}

type device struct {
	*memring.End
	port.NoSettings
}

// Recv appends packets that the peer sent to b.
func (d *device) Recv(q int, _ *packet.Cache, b *packet.Batch, limit int) int {
	return d.End.Recv(q, b, limit)
}

// Link is up while there is a peer.
func (d *device) Link() port.Link {
	return port.Link{FullDuplex: true, Autoneg: true, Up: d.Connected()}
}

// Notes say who the peer is.
func (d *device) Notes() []string { return []string{d.Note()} }
