// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"errors"
	"iter"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Why a class cannot be attached. The errors of CanAttach, Attach and Move wrap
// one of these (errors.Is) and carry EINVAL, or EPERM for ErrLeafParent.
var (
	// ErrNoPriority: the parent is a Priority and no priority was given.
	ErrNoPriority = errors.New("the parent needs a priority")
	// ErrPriorityReserved: priority 0xFFFFFFFF, or -1.
	ErrPriorityReserved = errors.New("priority -1 (4294967295) is reserved")
	// ErrNoShare: the parent is a WeightedFair and no share was given.
	ErrNoShare = errors.New("the parent needs a share")
	// ErrLeafParent: leaves have no children.
	ErrLeafParent = errors.New("the parent is a leaf")
	// ErrRefused: anything else; the text says what.
	ErrRefused = errors.New("the parent refuses")
)

// Arg is what a parent needs to know of a new child.
type Arg struct {
	kind  argKind
	value int64
}

type argKind uint8

const (
	argNone argKind = iota
	argPriority
	argShare
)

// None is the argument for parents that need none.
var None = Arg{}

// WithPriority is the argument for a Priority parent: 0..0xFFFFFFFE, lower is
// more urgent. Other values are refused when it is used.
func WithPriority(p int64) Arg { return Arg{argPriority, p} }

// WithShare is the argument for a WeightedFair parent: 1..2^31-1. Other values
// are refused when it is used.
func WithShare(s int64) Arg { return Arg{argShare, s} }

// CanAttach says whether child could become a child of parent once it is
// detached from where it is now. Nothing changes.
func CanAttach(parent, child Class, a Arg) error {
	p, c := parent.base(), child.base()
	if p.in == nil {
		return errno.Errorf(errno.EPERM, "tc %s: parent %s: %w", c.name, p.name, ErrLeafParent)
	}
	for x := p; x != nil; x = x.up {
		if x == c {
			return refusal(p, c, "a class cannot be below itself")
		}
	}
	return p.in.accept(c, a)
}

// refusal is an EINVAL that wraps ErrRefused.
func refusal(p, c *node, why string) error {
	return errno.Errorf(errno.EINVAL, "tc %s: parent %s: %w: %s", c.name, p.name, ErrRefused, why)
}

// Attach makes the orphan child a child of parent. On error nothing changed.
func Attach(parent, child Class, a Arg) error {
	c := child.base()
	if c.placed() {
		return refusal(parent.base(), c, "it has a place already")
	}
	if err := CanAttach(parent, child, a); err != nil {
		return err
	}
	parent.base().join(c, a)
	return nil
}

// Move makes child a child of parent wherever it is now. On error nothing
// changed.
func Move(child, parent Class, a Arg) error {
	if err := CanAttach(parent, child, a); err != nil {
		return err
	}
	Detach(child)
	parent.base().join(child.base(), a)
	return nil
}

// Remove takes child away from parent; it becomes an orphan. EINVAL if it is
// not a child of parent.
func Remove(parent, child Class) error {
	p, c := parent.base(), child.base()
	if c.up != p {
		return errno.Errorf(errno.EINVAL, "tc %s: not a child of %s", c.name, p.name)
	}
	Detach(child)
	return nil
}

// Detach makes c an orphan, together with everything below it: it leaves its
// parent, or stops being a root. Detaching an orphan does nothing.
func Detach(c Class) {
	n := c.base()
	s := n.sched
	switch {
	case n.up != nil:
		n.up.part(n)
	case s != nil:
		s.root, s.defaultRR = nil, nil
	}
	if s != nil {
		s.disown(n)
	}
}

// All returns the classes of the subtree of c, parents before children and
// children in order. The tree must not change meanwhile.
func All(c Class) iter.Seq[Class] {
	return func(yield func(Class) bool) {
		stack := []*node{c.base()}
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if !yield(n.self) {
				return
			}
			for i := len(n.kids) - 1; i >= 0; i-- {
				stack = append(stack, n.kids[i])
			}
		}
	}
}

// placed says whether n has a parent or is a root.
func (n *node) placed() bool { return n.up != nil || n.sched != nil }

// join links c, which p accepted with a, below p.
func (p *node) join(c *node, a Arg) {
	ref := uint64(0)
	if p.sched != nil {
		ref = p.sched.now()
		if c.sched != p.sched {
			p.sched.adopt(c, ref)
		}
	}
	c.up = p
	for x := p; x != nil; x = x.up {
		x.size += c.size
		x.leaves += c.leaves
	}
	p.in.link(c, a, ref)
	if p.in.runnable() {
		p.unblock(ref)
	}
}

// part unlinks c from its parent p.
func (p *node) part(c *node) {
	for x := p; x != nil; x = x.up {
		x.size -= c.size
		x.leaves -= c.leaves
	}
	p.in.unlink(c)
	c.up, c.slot = nil, slot{}
	if !p.in.runnable() {
		p.block()
	}
}

// unblock marks n runnable as of time ref and tells the classes above it for
// as long as that changes something.
func (n *node) unblock(ref uint64) {
	for n.blocked.Load() {
		n.blocked.Store(false)
		p := n.up
		if p == nil {
			return
		}
		p.in.ready(n, ref)
		if !p.in.runnable() {
			return
		}
		n = p
	}
}

// block is the reverse of unblock.
func (n *node) block() {
	for !n.blocked.Load() {
		n.blocked.Store(true)
		p := n.up
		if p == nil {
			return
		}
		p.in.stall(n)
		if p.in.runnable() {
			return
		}
		n = p
	}
}
