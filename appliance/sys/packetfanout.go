// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// FanoutMode says how the kernel spreads packets over the rings of a group
// (packet(7), PACKET_FANOUT).
type FanoutMode uint16

// The modes of the kernel, by their names there.
const (
	FanoutHash     FanoutMode = unix.PACKET_FANOUT_HASH     // by flow, both directions alike
	FanoutLB       FanoutMode = unix.PACKET_FANOUT_LB       // in turns
	FanoutCPU      FanoutMode = unix.PACKET_FANOUT_CPU      // by the CPU they arrive on
	FanoutRollover FanoutMode = unix.PACKET_FANOUT_ROLLOVER // to one until it is full, then to the next
	FanoutRandom   FanoutMode = unix.PACKET_FANOUT_RND      // at random
	FanoutQueue    FanoutMode = unix.PACKET_FANOUT_QM       // by the device's queue
)

// FanoutModes are the modes by the names that users know them by: our own
// and, where they differ, those of the kernel.
var FanoutModes = map[string]FanoutMode{
	"hash": FanoutHash, "lb": FanoutLB, "cpu": FanoutCPU, "rollover": FanoutRollover,
	"random": FanoutRandom, "rnd": FanoutRandom, "queue": FanoutQueue, "qm": FanoutQueue,
}

// Fanout is a group of rings that share the packets of an interface. Its
// number is unique in the network namespace: the kernel chooses it.
type Fanout struct {
	Mode FanoutMode
	// Rollover sends what finds its ring full to another one.
	Rollover bool
	// Defrag puts fragments of IPv4 together first, so that all of a packet
	// reaches the ring of its flow.
	Defrag bool

	id     uint16
	exists bool
}

// Join makes a ring a member of the group. The group exists as long as it has
// members; only the rings of one interface may join.
func (f *Fanout) Join(r *PacketRing) error {
	flags := unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	if f.Rollover && f.Mode != FanoutRollover {
		flags |= unix.PACKET_FANOUT_FLAG_ROLLOVER
	}
	if f.Defrag {
		flags |= unix.PACKET_FANOUT_FLAG_DEFRAG
	}
	if !f.exists {
		flags |= unix.PACKET_FANOUT_FLAG_UNIQUEID
	}
	value := int(uint32(f.Mode)|uint32(flags))<<16 | int(f.id)
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, value); err != nil {
		if errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("packet socket: fanout: %w: the interface may be down, or the kernel too old", err)
		}
		return fmt.Errorf("packet socket: fanout: %w", err)
	}
	if f.exists {
		return nil
	}
	value, err := unix.GetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	if err != nil {
		return fmt.Errorf("packet socket: fanout: %w", err)
	}
	f.id, f.exists = uint16(value), true
	return nil
}
