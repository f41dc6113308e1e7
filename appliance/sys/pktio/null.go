// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package pktio

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// DefaultNullSize is the usual size of the packets of Null, in bytes.
const DefaultNullSize = 64

// Null is a place without anything: packets come from it as fast as it is
// asked for them, or never, and what is sent there is gone. All its queues are
// alike, so that any number of workers may use it.
type Null struct {
	Size  int  // bytes of each packet received, 1..packet.BufferSize
	Clean bool // packets are all zero; otherwise their content is undefined
	Mute  bool // nothing is received
}

// Recv appends limit packets to b, as far as there are buffers.
func (d *Null) Recv(c *packet.Cache, b *packet.Batch, limit int) int {
	if d.Mute {
		return 0
	}
	n := 0
	for limit = min(limit, b.Room()); n < limit; n++ {
		p := c.Alloc()
		if p == 0 {
			break
		}
		p.Init(d.Size)
		if d.Clean {
			clear(p.Bytes())
		}
		b.Add(p)
	}
	return n
}

// Send frees all packets.
func (d *Null) Send(c *packet.Cache, ps []packet.Packet) int {
	c.FreeAll(ps)
	return len(ps)
}

// RetryAfter returns in how many nanoseconds an empty Recv is to be repeated:
// never, or soon, if the pool was exhausted.
func (d *Null) RetryAfter() uint64 {
	if d.Mute {
		return 0
	}
	return exhausted
}

// exhausted is how long to wait for buffers, in nanoseconds.
const exhausted = 100_000
