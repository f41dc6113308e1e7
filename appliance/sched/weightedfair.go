// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

const (
	// unitStride is the virtual time that one unit of the resource costs a
	// child of share 1.
	unitStride = (1 << 20) / (1 << 10)
	// rebase is the virtual time at which all are set back, while a float64
	// still resolves small steps.
	rebase = 1 << 40
)

// WeightedFair shares one resource among its children in proportion to their
// shares (stride scheduling): each child has a virtual time, its pass, which
// advances by what it used divided by its share, and the smallest pass runs.
//
// A child that uses nothing would keep the smallest pass and be polled for
// ever. So a child that used nothing in as many runs in a row as it has leaves
// is set aside: one child of those aside is polled after each run that did use
// something, and whoever then has something to do competes again from the
// smallest pass, like a class that was blocked. Idle children thus cost their
// siblings at most one empty poll per run.
type WeightedFair struct {
	node
	res   Resource
	heap  []*node // runnable and competing, ordered by pass
	aside []*node // runnable and found idle
	at    int     // index into aside: who is polled next
	poll  bool    // it is aside's turn
}

// NewWeightedFair returns an orphan without children. EINVAL for an unknown
// resource.
func NewWeightedFair(name string, res Resource) (*WeightedFair, error) {
	if err := checkResource(name, res); err != nil {
		return nil, err
	}
	w := &WeightedFair{res: res}
	w.setup(name, PolicyWeightedFair, w, w)
	return w, nil
}

// Resource returns the shared resource.
func (w *WeightedFair) Resource() Resource { return w.res }

// UpdateParams changes the shared resource. What the children used so far was
// counted in another unit, so all start again from the same virtual time.
func (w *WeightedFair) UpdateParams(res Resource) error {
	if err := checkResource(w.name, res); err != nil {
		return err
	}
	if res == w.res {
		return nil
	}
	w.res = res
	for _, k := range w.kids {
		k.slot.pass, k.slot.owed = 0, 0
	}
	return nil
}

func (w *WeightedFair) accept(c *node, a Arg) error {
	if a.kind != argShare {
		return errno.Errorf(errno.EINVAL, "tc %s: parent %s: %w", c.name, w.name, ErrNoShare)
	}
	if a.value < 1 || a.value > math.MaxInt32 {
		return errno.Errorf(errno.EINVAL, "tc %s: parent %s: %w: share: %d: must be 1..2147483647",
			c.name, w.name, ErrRefused, a.value)
	}
	return nil
}

func (w *WeightedFair) link(c *node, a Arg, ref uint64) {
	c.slot.share = int32(a.value)
	c.slot.stride = unitStride / float64(a.value)
	w.kids = append(w.kids, c)
	w.heap = roomFor(w.heap, len(w.kids))
	w.aside = roomFor(w.aside, len(w.kids))
	if !c.blocked.Load() {
		w.ready(c, ref)
	}
}

func (w *WeightedFair) unlink(c *node) {
	w.kids = without(w.kids, c)
	if !c.blocked.Load() {
		w.stall(c)
	}
}

func (w *WeightedFair) ready(c *node, _ uint64) {
	c.slot.pass = w.smallest() + c.slot.owed
	c.slot.owed, c.slot.idleRuns = 0, 0
	w.push(c)
}

func (w *WeightedFair) stall(c *node) { w.take(c) }

func (w *WeightedFair) runnable() bool { return len(w.heap)+len(w.aside) > 0 }

func (w *WeightedFair) pick() *node {
	if len(w.aside) > 0 && (w.poll || len(w.heap) == 0) {
		return w.aside[w.at]
	}
	return w.heap[0]
}

func (w *WeightedFair) account(c *node, u *usage, _ uint64) bool {
	used := u.of[w.res%resources]
	cost := c.slot.stride * float64(used)
	w.poll = used > 0
	switch {
	case c.blocked.Load():
		w.take(c)
		c.slot.owed = cost
	case used == 0:
		w.idle(c)
	case c.slot.aside:
		w.take(c)
		c.slot.pass, c.slot.idleRuns = w.smallest()+cost, 0
		w.push(c)
	default:
		c.slot.idleRuns = 0
		c.slot.pass = later(c.slot.pass, cost)
		w.down(c.slot.pos)
		w.keepSmall()
	}
	return w.runnable()
}

// idle notes that c used nothing.
func (w *WeightedFair) idle(c *node) {
	if c.slot.aside {
		if w.at++; w.at >= len(w.aside) {
			w.at = 0
		}
		return
	}
	if c.slot.idleRuns++; c.slot.idleRuns < c.leaves {
		return
	}
	w.take(c)
	c.slot.aside, c.slot.pos = true, len(w.aside)
	w.aside = append(w.aside, c)
}

// later returns pass + cost, and more than pass even if cost is too small to
// make a difference to the float.
func later(pass, cost float64) float64 {
	if p := pass + cost; p > pass {
		return p
	}
	return math.Nextafter(pass, math.Inf(1))
}

// smallest returns the smallest pass of the competing children, 0 if none.
func (w *WeightedFair) smallest() float64 {
	if len(w.heap) == 0 {
		return 0
	}
	return w.heap[0].slot.pass
}

// keepSmall sets all virtual times back when they get too large to be exact.
func (w *WeightedFair) keepSmall() {
	base := w.smallest()
	if base < rebase {
		return
	}
	for _, k := range w.heap {
		k.slot.pass -= base
	}
}

// take removes c from the heap or from those aside.
func (w *WeightedFair) take(c *node) {
	i := c.slot.pos
	if c.slot.aside {
		last := len(w.aside) - 1
		w.aside[i] = w.aside[last]
		w.aside[i].slot.pos = i
		w.aside[last] = nil
		w.aside = w.aside[:last]
		if w.at >= last {
			w.at = 0
		}
		c.slot.aside, c.slot.idleRuns = false, 0
		return
	}
	last := len(w.heap) - 1
	moved := w.heap[last]
	w.heap[last] = nil
	w.heap = w.heap[:last]
	if i < last {
		w.heap[i] = moved
		moved.slot.pos = i
		w.down(i)
		w.rise(moved.slot.pos)
	}
}

// push adds c to the heap.
func (w *WeightedFair) push(c *node) {
	c.slot.pos = len(w.heap)
	w.heap = append(w.heap, c)
	w.rise(c.slot.pos)
}

// rise and down restore the heap's order from index i.
func (w *WeightedFair) rise(i int) {
	c := w.heap[i]
	for i > 0 {
		up := (i - 1) / 2
		if w.heap[up].slot.pass <= c.slot.pass {
			break
		}
		w.heap[i] = w.heap[up]
		w.heap[i].slot.pos = i
		i = up
	}
	w.heap[i] = c
	c.slot.pos = i
}

func (w *WeightedFair) down(i int) {
	h := w.heap
	c := h[i]
	for {
		k := 2*i + 1
		if k >= len(h) {
			break
		}
		if k+1 < len(h) && h[k+1].slot.pass < h[k].slot.pass {
			k++
		}
		if c.slot.pass <= h[k].slot.pass {
			break
		}
		h[i] = h[k]
		h[i].slot.pos = i
		i = k
	}
	h[i] = c
	c.slot.pos = i
}
