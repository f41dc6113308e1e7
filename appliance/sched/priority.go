// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// noPriority is reserved by the API.
const noPriority = math.MaxUint32

// Priority runs the most urgent child that can run, which is the one with the
// smallest value. Values are unique among its children.
//
// A task that polls a device is never blocked in the sense of the tree, even
// if nothing arrives. So that it does not starve the classes after it, a child
// that found nothing to do (as many runs in a row as it has leaves were
// blocked and took in no packet) is passed over, and the next one down the
// list runs. Any run that did something, or was not blocked, starts the list
// again from its head, and so does the end of the list.
type Priority struct {
	node
	first    int // index of the first runnable child, len(kids) if none
	next     int // index of the child to run: first, or further down
	idleRuns int // consecutive idle runs of next
}

// NewPriority returns an orphan without children.
func NewPriority(name string) *Priority {
	p := &Priority{}
	p.setup(name, PolicyPriority, p, p)
	return p
}

func (p *Priority) accept(c *node, a Arg) error {
	if a.kind != argPriority {
		return errno.Errorf(errno.EINVAL, "tc %s: parent %s: %w", c.name, p.name, ErrNoPriority)
	}
	if a.value == -1 || a.value == noPriority {
		return errno.Errorf(errno.EINVAL, "tc %s: parent %s: %w", c.name, p.name, ErrPriorityReserved)
	}
	if a.value < 0 || a.value > noPriority {
		return errno.Errorf(errno.EINVAL, "tc %s: priority: %d: must be 0..4294967294", c.name, a.value)
	}
	for _, k := range p.kids {
		if k != c && int64(k.slot.priority) == a.value {
			return refusal(&p.node, c, "child "+k.name+" has the same priority")
		}
	}
	return nil
}

func (p *Priority) link(c *node, a Arg, _ uint64) {
	c.slot.priority = uint32(a.value)
	i, _ := slices.BinarySearchFunc(p.kids, c.slot.priority, func(k *node, v uint32) int {
		if k.slot.priority < v {
			return -1
		}
		return 1
	})
	p.kids = slices.Insert(p.kids, i, c)
	p.restart()
}

func (p *Priority) unlink(c *node) {
	p.kids = without(p.kids, c)
	p.restart()
}

// restart finds everything anew after the list changed.
func (p *Priority) restart() {
	for i, k := range p.kids {
		k.slot.pos = i
	}
	p.first = p.seek(0)
	p.next, p.idleRuns = p.first, 0
}

// seek returns the first runnable child at or after index i, or len(kids).
func (p *Priority) seek(i int) int {
	for i < len(p.kids) && p.kids[i].blocked.Load() {
		i++
	}
	return i
}

func (p *Priority) ready(c *node, _ uint64) {
	if c.slot.pos < p.first {
		p.first = c.slot.pos
	}
	if c.slot.pos < p.next {
		p.next, p.idleRuns = c.slot.pos, 0
	}
}

func (p *Priority) stall(*node) { p.restart() }

func (p *Priority) runnable() bool { return p.first < len(p.kids) }

func (p *Priority) pick() *node { return p.kids[p.next] }

func (p *Priority) account(c *node, u *usage, _ uint64) bool {
	i, blocked := p.next, c.blocked.Load()
	if blocked && i == p.first {
		p.first = p.seek(i + 1)
	}
	if !u.idle {
		p.next, p.idleRuns = p.first, 0
		return p.runnable()
	}
	p.idleRuns++
	if blocked || p.idleRuns >= c.leaves {
		p.idleRuns = 0
		if p.next = p.seek(i + 1); p.next == len(p.kids) {
			p.next = p.first
		}
	}
	return p.runnable()
}
