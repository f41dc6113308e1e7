// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// flow is a flow that has packets left.
type flow struct {
	time     uint64 // of its next packet, ns
	left     uint64 // packets
	src, dst uint32
	ports    uint32 // source << 16 | destination
	seq      uint32 // of TCP
}

// ring is a queue of flows outside the Go heap. Its memory is used from one end
// to the other, so the processor fetches it ahead.
type ring struct {
	mem         []byte
	flows       []flow
	first, next uint64 // positions; modulo the length they are indexes
}

// newRing returns a queue for n flows, a power of two.
func newRing(n int) (*ring, error) {
	flows, mem, err := mapFlows(n)
	if err != nil {
		return nil, errno.Errorf(errno.ENOMEM, "%d flows: %w", n, err)
	}
	return &ring{mem: mem, flows: flows}, nil
}

func (r *ring) close() { sys.Unmap(r.mem) }

func (r *ring) len() int { return int(r.next - r.first) }

func (r *ring) full() bool { return r.len() == len(r.flows) }

// at returns the flow behind i others.
func (r *ring) at(i int) *flow { return &r.flows[(r.first+uint64(i))&uint64(len(r.flows)-1)] }

// head returns the first flow, nil if there is none. It is valid until the
// next push.
func (r *ring) head() *flow {
	if r.first == r.next {
		return nil
	}
	return r.at(0)
}

func (r *ring) pop() { r.first++ }

// push appends a flow and reports whether there was room.
func (r *ring) push(f *flow) bool {
	if r.full() {
		return false
	}
	r.flows[r.next&uint64(len(r.flows)-1)] = *f
	r.next++
	return true
}
