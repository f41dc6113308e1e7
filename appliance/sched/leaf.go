// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

// Waiting times of leaves that back off, in cycles.
const (
	firstBackoff = 1 << 14
	maxBackoff   = 1 << 20
)

// Leaf is a traffic class that runs one task. It is never blocked, unless its
// scheduler has Options.Backoff and it waits after an idle run.
type Leaf struct {
	node

	// Task is what the leaf runs. It may be replaced between two rounds.
	Task Task
	// LastBlocked and LastRetry are the Blocked and Retry of the last run's
	// result. They belong to the worker's thread.
	LastBlocked bool
	LastRetry   uint64

	idle    bool   // the last run was blocked and took in nothing
	round   uint64 // the scheduler's round of the last run
	backoff uint64 // the last waiting time
	index   int    // in the scheduler's list
}

// NewLeaf returns an orphan leaf.
func NewLeaf(name string, task Task) *Leaf {
	l := &Leaf{Task: task, backoff: firstBackoff}
	l.name, l.policy, l.self, l.leaf = name, PolicyLeaf, l, l
	l.size, l.leaves = 1, 1
	return l
}

// backOff applies the experimental scheduler's rule: a leaf that found nothing
// is not asked again for twice as long as the last time, and is not charged.
func (l *Leaf) backOff(u *usage, now uint64) {
	if !u.idle {
		l.backoff = (l.backoff + 1) / 2
		return
	}
	l.backoff = min(maxBackoff, 2*l.backoff)
	u.of = [resources]uint64{}
	l.blocked.Store(true)
	l.sched.sleep(&l.node, l.backoff, now)
}

// Runnable says whether neither the leaf nor a class above it is blocked.
func (l *Leaf) Runnable() bool { return l.reachable() }
