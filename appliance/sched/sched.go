// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package sched decides which task a worker runs next: a tree of traffic
// classes per worker, with tasks as leaves and policies inside (spec:
// scheduler.md sections 3 to 5).
//
// The worker's loop is
//
//	leaf := s.Next(now)
//	if leaf == nil { wait; now = clock(); continue }
//	res := leaf.Task.Run(now)
//	end := clock()
//	s.Done(leaf, res, end-now, end)
//	now = end
//
// Time is a count of cycles that the caller passes in. A tree belongs to one
// worker: Next, Done and everything that changes the tree run on the worker's
// thread between two rounds, or while the worker is stopped, so there is no
// lock, and a round allocates nothing. Statistics and blocked flags may be read
// by anyone at any time; the structure (names, parents, children, parameters)
// only by whoever orders its changes.
package sched

import (
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Policy is the kind of a traffic class.
type Policy uint8

// The policies.
const (
	// PolicyLeaf runs one task.
	PolicyLeaf Policy = iota
	// PolicyPriority always prefers the most urgent child.
	PolicyPriority
	// PolicyWeightedFair shares a resource in proportion.
	PolicyWeightedFair
	// PolicyRoundRobin gives each child one run in turn.
	PolicyRoundRobin
	// PolicyRateLimit holds its only child below a rate.
	PolicyRateLimit
)

var policyNames = [...]string{"leaf", "priority", "weighted_fair", "round_robin", "rate_limit"}

// String returns the name used in the API, for example "round_robin".
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return "invalid policy"
}

// ParsePolicy is the reverse of String. EINVAL for any other text.
func ParsePolicy(text string) (Policy, error) {
	for i, name := range policyNames {
		if name == text {
			return Policy(i), nil
		}
	}
	return 0, errno.Errorf(errno.EINVAL, "policy: %q: must be priority, weighted_fair, round_robin or rate_limit", text)
}

// Resource is what a policy counts.
type Resource uint8

// The resources.
const (
	// Count is the number of task runs.
	Count Resource = iota
	// Cycle is processor time in cycles.
	Cycle
	// Packet is the number of packets.
	Packet
	// Bit is the number of bits on an Ethernet wire.
	Bit
	resources
)

var resourceNames = [resources]string{"count", "cycle", "packet", "bit"}

// String returns the name used in the API, for example "packet".
func (r Resource) String() string {
	if r < resources {
		return resourceNames[r]
	}
	return "invalid resource"
}

// ParseResource is the reverse of String. EINVAL for any other text.
func ParseResource(text string) (Resource, error) {
	for i, name := range resourceNames {
		if name == text {
			return Resource(i), nil
		}
	}
	return 0, errno.Errorf(errno.EINVAL, "resource: %q: must be count, cycle, packet or bit", text)
}

func checkResource(name string, r Resource) error {
	if r >= resources {
		return errno.Errorf(errno.EINVAL, "tc %s: resource: %d: must be count, cycle, packet or bit", name, r)
	}
	return nil
}

// Task is what a leaf runs.
type Task interface {
	// Run does one piece of work, at most about one batch. now is the cycle
	// count at the start of the round.
	Run(now uint64) Result
}

// Result is what one run of a task did.
type Result struct {
	// Packets and Bits are what the run took in; 24 bytes of Ethernet overhead
	// per packet are part of Bits.
	Packets, Bits uint64
	// Blocked says that the task found nothing to do or must not go on.
	Blocked bool
	// Retry is the number of cycles after which asking a blocked task again
	// makes sense; 0 if it will wake the worker itself.
	Retry uint64
}

// Stats are the totals of a class since it was made: of its own runs if it is
// a leaf, else of everything below it.
type Stats struct {
	// Count is the number of task runs.
	Count uint64
	// Cycles is the time they took.
	Cycles uint64
	// Packets and Bits are what they took in.
	Packets, Bits uint64
}

// usage is what one run used, by Resource.
type usage struct {
	of   [resources]uint64
	idle bool // the task was blocked and took in nothing
}

type counters [resources]sys.Counter

func (c *counters) add(u *usage) {
	c[Count].Add(u.of[Count])
	c[Cycle].Add(u.of[Cycle])
	c[Packet].Add(u.of[Packet])
	c[Bit].Add(u.of[Bit])
}
