// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/pktio"
)

// netNull is net_null: it receives packets as fast as it is polled, and
// swallows what is sent. It has as many queues as are asked for.
type netNull struct {
	settings
	null pktio.Null
}

func newNull(v vdev, s settings) (*netNull, error) {
	d := &netNull{settings: s, null: pktio.Null{Size: pktio.DefaultNullSize}}
	for _, a := range v.args {
		var err error
		switch a.key {
		case "size":
			d.null.Size, err = parseNumber(a, 1, packet.BufferSize)
		case "copy":
			d.null.Clean, err = parseFlag(a)
		case "no-rx":
			d.null.Mute, err = parseFlag(a)
		default:
			err = fmt.Errorf("%s: net_null knows size, copy and no-rx only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *netNull) prepare(*port.Config) error { return nil }
func (d *netNull) open(*port.Config) error    { return nil }

// Close has nothing to do.
func (d *netNull) Close() {}

// Recv appends limit packets to b, as far as there are buffers.
func (d *netNull) Recv(_ int, c *packet.Cache, b *packet.Batch, limit int) int {
	return d.null.Recv(c, b, limit)
}

// Send frees all packets.
func (d *netNull) Send(_ int, c *packet.Cache, ps []packet.Packet) int { return d.null.Send(c, ps) }

// SendsLarge says that packets of several pieces get lost, too.
func (d *netNull) SendsLarge() {}

// RetryAfter says when a queue that brought nothing is worth another poll.
func (d *netNull) RetryAfter(int) uint64 { return d.null.RetryAfter() }
