// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import "slices"

// RoundRobin gives each child that can run one run in turn. A child that gets
// blocked leaves the round and comes back at its end.
type RoundRobin struct {
	node
	ring []*node // the runnable children
	at   int     // whose turn it is
}

// NewRoundRobin returns an orphan without children.
func NewRoundRobin(name string) *RoundRobin {
	r := &RoundRobin{}
	r.setup(name, PolicyRoundRobin, r, r)
	return r
}

func (r *RoundRobin) accept(*node, Arg) error { return nil }

func (r *RoundRobin) link(c *node, _ Arg, ref uint64) {
	r.kids = append(r.kids, c)
	r.ring = roomFor(r.ring, len(r.kids))
	if !c.blocked.Load() {
		r.ready(c, ref)
	}
}

func (r *RoundRobin) unlink(c *node) {
	r.kids = without(r.kids, c)
	r.stall(c)
}

func (r *RoundRobin) ready(c *node, _ uint64) { r.ring = append(r.ring, c) }

func (r *RoundRobin) stall(c *node) {
	if i := slices.Index(r.ring, c); i >= 0 {
		if i < r.at {
			r.at--
		}
		r.drop(i)
	}
}

// drop takes the child at index i out of the round.
func (r *RoundRobin) drop(i int) {
	r.ring = slices.Delete(r.ring, i, i+1)
	if r.at >= len(r.ring) {
		r.at = 0
	}
}

func (r *RoundRobin) runnable() bool { return len(r.ring) > 0 }

func (r *RoundRobin) pick() *node { return r.ring[r.at] }

func (r *RoundRobin) account(c *node, u *usage, _ uint64) bool {
	if c.blocked.Load() {
		r.drop(r.at)
	} else if u.of[Count] > 0 {
		if r.at++; r.at >= len(r.ring) {
			r.at = 0
		}
	}
	return r.runnable()
}
