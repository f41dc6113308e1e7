// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"slices"
	"sync/atomic"
)

// Class is a traffic class: a *Leaf, *Priority, *WeightedFair, *RoundRobin or
// *RateLimit. There are no others.
type Class interface {
	// Name is the name given at construction.
	Name() string
	// Policy is the kind of the class.
	Policy() Policy
	// Parent is nil for a root and for an orphan.
	Parent() Class
	// Children are in order of insertion, or of increasing priority.
	Children() []Class
	// Blocked says that nothing below can run at the moment. Anybody may call.
	Blocked() bool
	// Size is the number of classes in the subtree, this one included.
	Size() int
	// Leaves is the number of leaves in the subtree.
	Leaves() int
	// Stats returns the accumulated usage. Anybody may call.
	Stats() Stats
	// Scheduler is the scheduler in whose tree the class is, nil for orphans.
	Scheduler() *Scheduler
	// Priority is the class's priority if its parent is a *Priority.
	Priority() (uint32, bool)
	// Share is the class's share if its parent is a *WeightedFair.
	Share() (int32, bool)

	base() *node
}

// inner is what a policy does with its children. The methods keep the policy's
// own books; the flags of the tree are kept by the callers in tree.go and
// scheduler.go.
type inner interface {
	// accept says whether c may become a child. It changes nothing, and if c is
	// a child already, it is as if it were not.
	accept(c *node, a Arg) error
	// link adds c, accepted with a, blocked or not, to the children.
	link(c *node, a Arg, ref uint64)
	// unlink removes c from the children.
	unlink(c *node)
	// ready: child c can run again as of time ref; its flag says so already.
	ready(c *node, ref uint64)
	// stall: child c cannot run any more; its flag says so already.
	stall(c *node)
	// runnable says whether the policy would let a child run.
	runnable() bool
	// pick returns the child to run next; only called if runnable.
	pick() *node
	// account charges a run below the picked child c, which may have become
	// blocked by it, and returns runnable.
	account(c *node, u *usage, now uint64) bool
}

// node is the part all classes have in common.
//
// Invariants between rounds: blocked is the opposite of in.runnable for inner
// classes; a node with a wake-up time is in its scheduler's wake queue.
type node struct {
	leaf    *Leaf // nil for inner classes
	in      inner // nil for leaves
	up      *node
	blocked atomic.Bool
	stats   counters

	slot  slot
	sched *Scheduler
	wake  alarm

	self   Class
	name   string
	policy Policy
	kids   []*node
	size   int // classes in the subtree
	leaves int // leaves in the subtree
}

// slot is what the parent's policy keeps about a child.
type slot struct {
	priority uint32
	share    int32
	pos      int // index in the parent's kids, heap or aside list

	stride   float64 // cost of one unit of the resource
	pass     float64 // virtual time of the next run
	owed     float64 // to be added to pass on unblocking
	idleRuns int     // consecutive runs without use of the resource
	aside    bool    // polled now and then instead of scheduled
}

func (n *node) base() *node { return n }

// Name implements Class.
func (n *node) Name() string { return n.name }

// Policy implements Class.
func (n *node) Policy() Policy { return n.policy }

// Blocked implements Class.
func (n *node) Blocked() bool { return n.blocked.Load() }

// Size implements Class.
func (n *node) Size() int { return n.size }

// Leaves implements Class.
func (n *node) Leaves() int { return n.leaves }

// Scheduler implements Class.
func (n *node) Scheduler() *Scheduler { return n.sched }

// Parent implements Class.
func (n *node) Parent() Class {
	if n.up == nil {
		return nil
	}
	return n.up.self
}

// Children implements Class.
func (n *node) Children() []Class {
	all := make([]Class, len(n.kids))
	for i, k := range n.kids {
		all[i] = k.self
	}
	return all
}

// Stats implements Class.
func (n *node) Stats() Stats {
	return Stats{
		Count:   n.stats[Count].Load(),
		Cycles:  n.stats[Cycle].Load(),
		Packets: n.stats[Packet].Load(),
		Bits:    n.stats[Bit].Load(),
	}
}

// Priority implements Class.
func (n *node) Priority() (uint32, bool) {
	if n.up == nil || n.up.policy != PolicyPriority {
		return 0, false
	}
	return n.slot.priority, true
}

// Share implements Class.
func (n *node) Share() (int32, bool) {
	if n.up == nil || n.up.policy != PolicyWeightedFair {
		return 0, false
	}
	return n.slot.share, true
}

// setup fills a new inner class, which is born blocked.
func (n *node) setup(name string, policy Policy, self Class, in inner) {
	n.name, n.policy, n.self, n.in = name, policy, self, in
	n.size = 1
	n.blocked.Store(true)
}

// without returns list without c, in order.
func without(list []*node, c *node) []*node {
	return slices.DeleteFunc(list, func(k *node) bool { return k == c })
}

// roomFor returns list with capacity for at least n elements, so that appends
// during rounds never allocate.
func roomFor(list []*node, n int) []*node {
	if extra := n - len(list); extra > 0 {
		return slices.Grow(list, extra)
	}
	return list
}
