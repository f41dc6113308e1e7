// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import "github.com/bessform/terraform-provider-bess/appliance/packet"

// End is either side of a connection, Back or Front.
type End interface {
	// Recv and Send belong to one worker each for every queue.
	Recv(q int, c *packet.Cache, b *packet.Batch, limit int) int
	Send(q int, c *packet.Cache, ps []packet.Packet) int
	// WaitFD and RetryAfter say how an idle queue is woken.
	WaitFD(q int) int
	RetryAfter(q int) uint64
	// Up, Dropped and Notes tell how it goes.
	Up() bool
	Dropped() uint64
	Notes() []string
	Close()
}

// Open opens the side that o.Front says.
func Open(o Options) (End, error) {
	if o.Front {
		return end(OpenFront(o))
	}
	return end(OpenBack(o))
}

func end[E End](e E, err error) (End, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Size returns the size of the rings of a Front that hold n packets, as far as
// there are such: a power of two.
func Size(n int) int {
	size := 2
	for size < n && size < MaxSize {
		size *= 2
	}
	return size
}
