// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pmd

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// null is net_null: it receives packets as fast as it is polled, and swallows
// what is sent. It has as many queues as are asked for.
type null struct {
	settings
	size  int  // bytes of each packet received
	clean bool // packets are all zero; otherwise their content is undefined
	mute  bool // nothing is received
}

// defaultNullSize is the size of packets of net_null, in bytes.
const defaultNullSize = 64

func newNull(v vdev, s settings) (*null, error) {
	d := &null{settings: s, size: defaultNullSize}
	for _, a := range v.args {
		var err error
		switch a.key {
		case "size":
			d.size, err = parseNumber(a, 1, packet.BufferSize)
		case "copy":
			d.clean, err = parseFlag(a)
		case "no-rx":
			d.mute, err = parseFlag(a)
		default:
			err = fmt.Errorf("%s: net_null knows size, copy and no-rx only", a.key)
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *null) prepare(*port.Config) error { return nil }
func (d *null) open(*port.Config) error    { return nil }

// Close has nothing to do.
func (d *null) Close() {}

// Recv appends limit packets to b, as far as there are buffers.
func (d *null) Recv(_ int, c *packet.Cache, b *packet.Batch, limit int) int {
	if d.mute {
		return 0
	}
	n := 0
	for limit = min(limit, b.Room()); n < limit; n++ {
		p := c.Alloc()
		if p == 0 {
			break
		}
		p.Init(d.size)
		if d.clean {
			clear(p.Bytes())
		}
		b.Add(p)
	}
	return n
}

// Send frees all packets.
func (d *null) Send(_ int, c *packet.Cache, ps []packet.Packet) int {
	c.FreeAll(ps)
	return len(ps)
}

// RetryAfter says when a queue that brought nothing is worth another poll.
func (d *null) RetryAfter(int) uint64 {
	if d.mute {
		return 0
	}
	return retry
}

// retry is when to poll again, in nanoseconds, if there was no buffer.
const retry = 100_000
