// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package null is the driver NullPort: packets from nowhere, and a place to
// lose them.
package null

import (
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// Driver generates packets without end and swallows what is sent.
var Driver = &port.Driver{
	Name:   "NullPort",
	Prefix: "null_port",
	Help:   "generates packets as fast as they are asked for and swallows what is sent",
	Arg:    &NullPortArg{},
	New:    port.New(create),
}

func create(_ *port.Config, arg *NullPortArg) (*device, error) {
	size := int(arg.GetSize())
	if size == 0 {
		size = pktio.DefaultNullSize
	}
	return &device{null: pktio.Null{Size: size, Clean: !arg.GetUncleared(), Mute: arg.GetSilent()}}, nil
}

type device struct {
	null pktio.Null
	port.NoSettings
}

// Recv appends packets to b.
func (d *device) Recv(_ int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.null.Recv(c, b, limit)
}

// Send frees ps.
func (d *device) Send(_ int, c *packet.Cache, ps []packet.Packet) int { return d.null.Send(c, ps) }

// SendsLarge says that packets of several pieces get lost, too.
func (d *device) SendsLarge() {}

// RetryAfter says when a queue that brought nothing is worth another poll.
func (d *device) RetryAfter(int) uint64 { return d.null.RetryAfter() }

// Close has nothing to do.
func (d *device) Close() {}
