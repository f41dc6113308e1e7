// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"errors"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

func TestSizeCountsTheNodeItself(t *testing.T) {
	leaf := NewLeaf("l", busyTask)
	top, mid := NewPriority("top"), NewRoundRobin("mid")
	for _, c := range []Class{leaf, top, mid} {
		if c.Size() != 1 {
			t.Errorf("size of lonely %s is %d, want 1", c.Name(), c.Size())
		}
	}
	attach(top, mid, WithPriority(7))
	attach(mid, leaf, None)
	if top.Size() != 3 || mid.Size() != 2 || top.Leaves() != 1 {
		t.Errorf("sizes %d and %d, leaves %d, want 3, 2 and 1", top.Size(), mid.Size(), top.Leaves())
	}
	Detach(mid)
	if top.Size() != 1 || top.Leaves() != 0 || mid.Size() != 2 {
		t.Errorf("after detaching: sizes %d and %d, leaves %d", top.Size(), mid.Size(), top.Leaves())
	}
}

func TestAttachChecks(t *testing.T) {
	prio, wf, rr := NewPriority("prio"), fair("wf", Packet), NewRoundRobin("rr")
	rl, leaf := limit("rl", Count, 1, 0), NewLeaf("leaf", busyTask)
	attach(prio, NewLeaf("first", busyTask), WithPriority(3))
	attach(rl, NewLeaf("only", busyTask), None)
	attach(rr, wf, None)
	root := NewRoundRobin("root")
	plant(newSim(Options{}).Scheduler, root)

	tests := []struct {
		name   string
		parent Class
		child  Class
		arg    Arg
		want   error // nil if accepted
		code   int
		text   string
	}{
		{"leaf parent", leaf, NewLeaf("x", busyTask), None, ErrLeafParent, errno.EPERM, "parent leaf"},
		{"leaf below itself", leaf, leaf, None, ErrLeafParent, errno.EPERM, ""},
		{"no priority", prio, leaf, None, ErrNoPriority, errno.EINVAL, ""},
		{"share for a priority", prio, leaf, WithShare(1), ErrNoPriority, errno.EINVAL, ""},
		{"priority -1", prio, leaf, WithPriority(-1), ErrPriorityReserved, errno.EINVAL, ""},
		{"priority 0xFFFFFFFF", prio, leaf, WithPriority(0xFFFFFFFF), ErrPriorityReserved, errno.EINVAL, ""},
		{"priority -2", prio, leaf, WithPriority(-2), nil, errno.EINVAL, "priority: -2: must be 0..4294967294"},
		{"priority 2^32", prio, leaf, WithPriority(1 << 32), nil, errno.EINVAL, "priority: 4294967296"},
		{"duplicate priority", prio, leaf, WithPriority(3), ErrRefused, errno.EINVAL, "first has the same priority"},
		{"priority 0", prio, leaf, WithPriority(0), nil, 0, ""},
		{"largest priority", prio, leaf, WithPriority(0xFFFFFFFE), nil, 0, ""},
		{"no share", wf, leaf, None, ErrNoShare, errno.EINVAL, ""},
		{"priority for a share", wf, leaf, WithPriority(1), ErrNoShare, errno.EINVAL, ""},
		{"share 0", wf, leaf, WithShare(0), ErrRefused, errno.EINVAL, "share: 0: must be 1..2147483647"},
		{"negative share", wf, leaf, WithShare(-1), ErrRefused, errno.EINVAL, "share: -1"},
		{"share 2^31", wf, leaf, WithShare(1 << 31), ErrRefused, errno.EINVAL, "share: 2147483648"},
		{"largest share", wf, leaf, WithShare(1<<31 - 1), nil, 0, ""},
		{"second child of a rate limit", rl, leaf, None, ErrRefused, errno.EINVAL, "its only child, only"},
		{"below itself", rr, rr, None, ErrRefused, errno.EINVAL, "below itself"},
		{"loop", wf, rr, WithShare(1), ErrRefused, errno.EINVAL, "below itself"},
		{"has a parent", prio, wf, WithPriority(9), ErrRefused, errno.EINVAL, "has a place"},
		{"is a root", rr, root, None, ErrRefused, errno.EINVAL, "has a place"},
		{"argument nobody needs", rr, leaf, WithShare(3), nil, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			size := tt.parent.Size()
			err := Attach(tt.parent, tt.child, tt.arg)
			if errno.Code(err) != tt.code || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("error %v with code %d, want %v with %d", err, errno.Code(err), tt.want, tt.code)
			}
			if err == nil {
				if tt.child.Parent() != tt.parent || tt.parent.Size() != size+1 {
					t.Errorf("parent %v, size %d", tt.child.Parent(), tt.parent.Size())
				}
				Detach(tt.child)
			} else if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %q, want %q in it", err, tt.text)
			}
			if tt.parent.Size() != size {
				t.Errorf("size is %d now, was %d", tt.parent.Size(), size)
			}
		})
	}
}

func TestRemoveRefusesOthersChildren(t *testing.T) {
	a, b, l := NewRoundRobin("a"), NewRoundRobin("b"), NewLeaf("l", busyTask)
	attach(a, l, None)
	if err := Remove(b, l); errno.Code(err) != errno.EINVAL || l.Parent() != Class(a) {
		t.Errorf("removal from a stranger: %v, parent %v", err, l.Parent())
	}
	if err := Remove(a, l); err != nil || l.Parent() != nil {
		t.Errorf("removal: %v, parent %v", err, l.Parent())
	}
	if err := Remove(a, l); errno.Code(err) != errno.EINVAL {
		t.Errorf("second removal: %v", err)
	}
	Detach(l) // an orphan: nothing to do
}

func TestChildrenAreOrdered(t *testing.T) {
	p, r := NewPriority("p"), NewRoundRobin("r")
	for _, v := range []int64{5, 1, 9, 0, 7} {
		attach(p, NewLeaf(string(rune('a'+v)), busyTask), WithPriority(v))
		attach(r, NewLeaf(string(rune('a'+v)), busyTask), None)
	}
	if got := names(p.Children()); got != "a b f h j" {
		t.Errorf("priority: %s", got)
	}
	if got := names(r.Children()); got != "f b j a h" {
		t.Errorf("round robin: %s", got)
	}
	for i, want := range []uint32{0, 1, 5, 7, 9} {
		if v, ok := p.Children()[i].Priority(); !ok || v != want {
			t.Errorf("child %d has priority %d, %v; want %d", i, v, ok, want)
		}
	}
	if _, ok := r.Children()[0].Priority(); ok {
		t.Error("a child of a round robin has a priority")
	}
	if _, ok := p.Children()[0].Share(); ok {
		t.Error("a child of a priority has a share")
	}
}

func TestMoveChangesNothingOnError(t *testing.T) {
	p, wf, l := NewPriority("p"), fair("wf", Bit), NewLeaf("l", busyTask)
	attach(p, NewLeaf("other", busyTask), WithPriority(1))
	attach(wf, l, WithShare(12))
	for _, a := range []Arg{None, WithPriority(1), WithPriority(-1)} {
		if err := Move(l, p, a); errno.Code(err) != errno.EINVAL {
			t.Errorf("move with %v: %v", a, err)
		}
		if share, ok := l.Share(); l.Parent() != Class(wf) || !ok || share != 12 {
			t.Fatalf("a refused move changed the leaf: parent %v, share %d", l.Parent(), share)
		}
	}
	if err := Move(l, p, WithPriority(2)); err != nil || wf.Size() != 1 || p.Size() != 3 {
		t.Fatalf("move: %v, sizes %d and %d", err, wf.Size(), p.Size())
	}
	// What it holds itself is free for it.
	if err := Move(l, p, WithPriority(2)); err != nil || p.Size() != 3 {
		t.Errorf("move to the same place: %v, size %d", err, p.Size())
	}
	rl := limit("rl", Count, 1, 0)
	for range 2 {
		if err := Move(l, rl, None); err != nil || rl.Size() != 2 {
			t.Errorf("move to a rate limit: %v, size %d", err, rl.Size())
		}
	}
}

// The worked sequence of scheduler.md section 3.
func TestWorkedSequence(t *testing.T) {
	s := newSim(Options{Worker: 0}).Scheduler
	s0, s1 := NewLeaf("!leaf_s0:0", busyTask), NewLeaf("!leaf_s1:0", busyTask)
	fast := limit("fast", Count, 1000, 0)

	made, err := s.AddOrphanRoot(s0)
	if made != nil || err != nil || s.Root() != Class(s0) || s.Size() != 1 {
		t.Fatalf("first orphan: made %v, %v, root %v", made, err, s.Root())
	}
	rr, err := s.AddOrphanRoot(s1)
	if err != nil || rr == nil || rr.Name() != "!default_rr_0" || s.Root() != Class(rr) {
		t.Fatalf("second orphan: made %v, %v, root %v", rr, err, s.Root())
	}
	made, err = s.AddOrphanRoot(fast)
	if made != nil || err != nil {
		t.Fatalf("third orphan: made %v, %v", made, err)
	}
	if got := names(rr.Children()); got != "!leaf_s0:0 !leaf_s1:0 fast" || !fast.Blocked() {
		t.Fatalf("children %s, fast blocked %v", got, fast.Blocked())
	}
	if err := Move(s0, fast, None); err != nil {
		t.Fatal(err)
	}
	if s.CollapseDefaultRoot() != nil {
		t.Error("a default root with two children collapsed")
	}
	if got := names(rr.Children()); got != "!leaf_s1:0 fast" || s.Size() != 4 || fast.Blocked() {
		t.Errorf("children %s, size %d, fast blocked %v", got, s.Size(), fast.Blocked())
	}
	if _, err := s.AddOrphanRoot(s0); errno.Code(err) != errno.EINVAL {
		t.Errorf("adding a placed class: %v", err)
	}
}

func TestCollapseDefaultRoot(t *testing.T) {
	m := newSim(Options{Worker: 3})
	a, b := NewLeaf("a", busyTask), NewLeaf("b", busyTask)
	plant(m.Scheduler, a)
	if m.CollapseDefaultRoot() != nil {
		t.Error("a leaf root collapsed")
	}
	plant(m.Scheduler, b)
	rr := m.Root()
	if rr.Name() != "!default_rr_3" {
		t.Fatalf("root %s", rr.Name())
	}
	Detach(a)
	if got := m.CollapseDefaultRoot(); Class(got) != rr || m.Root() != Class(b) || m.Size() != 1 || rr.Size() != 1 {
		t.Fatalf("collapsed %v, root %v, size %d", got, m.Root(), m.Size())
	}
	if b.Parent() != nil || b.Scheduler() != m.Scheduler || rr.Scheduler() != nil {
		t.Errorf("parent %v, schedulers %p and %p", b.Parent(), b.Scheduler(), rr.Scheduler())
	}
	m.wantOrder(t, "b b")
	plant(m.Scheduler, a)
	Detach(a)
	Detach(b)
	if m.Next(m.now) != nil || m.Size() != 1 {
		t.Errorf("an empty default root runs something, size %d", m.Size())
	}
	if m.CollapseDefaultRoot() == nil || m.Root() != nil || m.Size() != 0 {
		t.Errorf("root %v, size %d", m.Root(), m.Size())
	}
	// A round robin the user made stays.
	user := NewRoundRobin("user")
	plant(m.Scheduler, user)
	attach(user, a, None)
	if m.CollapseDefaultRoot() != nil || m.Root() != Class(user) {
		t.Error("a user's round robin collapsed")
	}
	plant(m.Scheduler, b)
	if got := names(m.Root().Children()); got != "user b" {
		t.Errorf("children of the default root: %s", got)
	}
}

// Wrapping or unwrapping the root must not touch what rate limits below count.
func TestDefaultRootKeepsRateLimitState(t *testing.T) {
	m := newSim(Options{})
	rl := limit("rl", Packet, 100, 1000)
	attach(rl, NewLeaf("l", &steady{Result{Packets: 1}}), None)
	plant(m.Scheduler, rl)
	m.order(1)
	rl.tokens, rl.last = u128{0, 777}, m.now-1
	plant(m.Scheduler, NewLeaf("x", busyTask))
	if rl.tokens.lo != 777 || rl.last != m.now-1 {
		t.Errorf("tokens %v, last %d, now %d", rl.tokens, rl.last, m.now)
	}
}

func TestBlockedTravelsToTheRoot(t *testing.T) {
	m := newSim(Options{})
	root, mid, l := NewPriority("root"), NewRoundRobin("mid"), NewLeaf("l", busyTask)
	plant(m.Scheduler, root)
	attach(root, mid, WithPriority(1))
	if !root.Blocked() || !mid.Blocked() || l.Blocked() {
		t.Error("without a leaf, inner classes are blocked")
	}
	attach(mid, l, None)
	if root.Blocked() || mid.Blocked() {
		t.Error("with a leaf, nothing is blocked")
	}
	if !l.Runnable() || m.Worker() != 0 {
		t.Errorf("leaf runnable %v, worker %d", l.Runnable(), m.Worker())
	}
	m.wantOrder(t, "l")
	Detach(l)
	if !root.Blocked() || !mid.Blocked() {
		t.Error("the leaf went and its parents are not blocked")
	}
	m.wantOrder(t, "-")
}

func TestAllVisitsParentsFirst(t *testing.T) {
	top := complexTree(busyTask)
	var got []Class
	for c := range All(top) {
		got = append(got, c)
	}
	if names(got) != "top lim rr rr0 rr1 wf wf0 wf1" {
		t.Errorf("order %s", names(got))
	}
	for range All(top) {
		break // stopping early must be possible
	}
}

// A path of 100,000 classes must not recurse.
func TestDeepTree(t *testing.T) {
	m := newSim(Options{})
	root := NewRoundRobin("c")
	bottom := Class(root)
	for range 100000 {
		c := NewRoundRobin("c")
		c.blocked.Store(true)
		bottom.base().in.link(c.base(), None, 0)
		c.up = bottom.base()
		bottom = c
	}
	n := 1
	for c := bottom; c.Parent() != nil; c = c.Parent() {
		n++
		c.Parent().base().size = n
	}
	plant(m.Scheduler, root)
	attach(bottom, NewLeaf("l", busyTask), None)
	m.wantOrder(t, "l l")
	if m.Size() != 100002 || root.Stats().Count != 2 {
		t.Errorf("size %d, root ran %d", m.Size(), root.Stats().Count)
	}
	Detach(root)
	if m.Size() != 0 || len(m.leaves) != 0 {
		t.Errorf("size %d, %d leaves after detaching", m.Size(), len(m.leaves))
	}
}

func TestNames(t *testing.T) {
	for _, text := range []string{"leaf", "priority", "weighted_fair", "round_robin", "rate_limit"} {
		if p, err := ParsePolicy(text); err != nil || p.String() != text {
			t.Errorf("policy %s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"count", "cycle", "packet", "bit"} {
		if r, err := ParseResource(text); err != nil || r.String() != text {
			t.Errorf("resource %s: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "Packet", "bits", "invalid resource"} {
		if _, err := ParseResource(text); errno.Code(err) != errno.EINVAL {
			t.Errorf("resource %q: %v", text, err)
		}
		if _, err := ParsePolicy(text); errno.Code(err) != errno.EINVAL {
			t.Errorf("policy %q: %v", text, err)
		}
	}
	if Policy(9).String() != "invalid policy" || Resource(9).String() != "invalid resource" {
		t.Error("names of unknown values")
	}
	for c, want := range map[Class]Policy{
		NewLeaf("", nil): PolicyLeaf, NewPriority(""): PolicyPriority, fair("", Bit): PolicyWeightedFair,
		NewRoundRobin(""): PolicyRoundRobin, limit("", Bit, 1, 0): PolicyRateLimit,
	} {
		if c.Policy() != want {
			t.Errorf("policy %v, want %v", c.Policy(), want)
		}
	}
}
