// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Options are the properties of a Scheduler.
type Options struct {
	// Worker is the worker's id, part of the name of a default root.
	Worker int
	// Hz is the number of cycles in a second; 0 means sys.CyclesPerSecond.
	Hz uint64
	// Now tells the time when the tree changes; nil means sys.Cycles. Rounds
	// never call it.
	Now func() uint64
	// Backoff makes it the API's "experimental" scheduler: idle leaves are
	// blocked for a while that doubles each time.
	Backoff bool
}

// Scheduler picks the tasks of one worker. See the package documentation for
// who may call what.
type Scheduler struct {
	root  *node
	wake  wakeQueue
	round uint64 // runs so far
	busy  uint64 // round after which all leaves must be asked again, see Idle

	use       usage // of the run being accounted
	hz        uint64
	now       func() uint64
	backoff   bool
	worker    int
	leaves    []*Leaf
	defaultRR *RoundRobin // the root, if it was made by AddOrphanRoot
}

// New returns a scheduler with an empty tree.
func New(o Options) *Scheduler {
	s := &Scheduler{hz: o.Hz, now: o.Now, backoff: o.Backoff, worker: o.Worker}
	if s.hz == 0 {
		s.hz = max(1, sys.CyclesPerSecond())
	}
	if s.now == nil {
		s.now = sys.Cycles
	}
	return s
}

// Next returns the leaf whose task is to run, or nil if there is none at the
// moment. First it unblocks the classes whose wake-up time has passed.
func (s *Scheduler) Next(now uint64) *Leaf {
	if s.wake.soonest() < now {
		s.wakeUp(now)
	}
	n := s.root
	if n == nil || n.blocked.Load() {
		return nil
	}
	for n.leaf == nil {
		n = n.in.pick()
	}
	return n.leaf
}

// Done accounts for a run of the leaf that Next returned last. cycles is the
// time since the end of the previous round and now the end of this one.
func (s *Scheduler) Done(l *Leaf, r Result, cycles, now uint64) {
	s.round++
	u := &s.use
	u.of = [resources]uint64{Count: 1, Cycle: cycles, Packet: r.Packets, Bit: r.Bits}
	u.idle = r.Blocked && r.Packets == 0
	if !u.idle {
		s.busy = s.round
	}
	l.LastBlocked, l.LastRetry, l.idle, l.round = r.Blocked, r.Retry, u.idle, s.round
	if s.backoff {
		l.backOff(u, now)
	}
	n := &l.node
	n.stats.add(u)
	for p := n.up; p != nil; n, p = p, p.up {
		p.stats.add(u)
		if !p.in.account(n, u, now) {
			p.blocked.Store(true)
		}
	}
}

// wakeUp unblocks everything that was to wake before now. The planned time,
// not now, is when a rate limit starts to earn again: being served late must
// not cost tokens.
func (s *Scheduler) wakeUp(now uint64) {
	for s.wake.soonest() < now {
		n := s.wake.heap[0]
		at := n.wake.at
		s.wake.remove(n)
		n.wake.at = 0
		if n.in != nil {
			n.in.ready(nil, at)
			if !n.in.runnable() {
				continue
			}
		}
		n.unblock(at)
		s.busy = s.round
	}
}

// sleep plans the wake-up of n, which its caller blocks.
func (s *Scheduler) sleep(n *node, wait, now uint64) {
	at := now + wait
	if at < now {
		at = ^uint64(0)
	}
	n.wake.at = at
	s.wake.push(n)
}

// NextWake returns the cycle count after which (strictly) a blocked class wakes
// up, and false if none will.
func (s *Scheduler) NextWake() (at uint64, ok bool) {
	return s.wake.soonest(), len(s.wake.heap) > 0
}

// IdleRuns returns how many runs in a row took in nothing and were blocked,
// since the last that was not, or a wake-up, or a change of the tree.
func (s *Scheduler) IdleRuns() uint64 { return s.round - s.busy }

// Idle says whether every leaf that can run was asked since the last run that
// did something and found nothing, so that the worker may wait; if nothing can
// run at all, it is idle too. retry is the smallest number of cycles after
// which one of them wants to be asked again, 0 if they will all call. The
// answer takes time in proportion to the number of leaves: ask after IdleRuns
// of at least len(Leaves()).
func (s *Scheduler) Idle() (retry uint64, idle bool) {
	for _, l := range s.leaves {
		if !l.reachable() {
			continue
		}
		if !l.idle || l.round <= s.busy {
			return 0, false
		}
		if l.LastRetry > 0 && (retry == 0 || l.LastRetry < retry) {
			retry = l.LastRetry
		}
	}
	return retry, true
}

// reachable says whether nothing from n up to the root is blocked.
func (n *node) reachable() bool {
	for ; n != nil; n = n.up {
		if n.blocked.Load() {
			return false
		}
	}
	return true
}

// Root returns the root of the tree, nil if it is empty.
func (s *Scheduler) Root() Class {
	if s.root == nil {
		return nil
	}
	return s.root.self
}

// Size returns the number of classes in the tree.
func (s *Scheduler) Size() int {
	if s.root == nil {
		return 0
	}
	return s.root.size
}

// Leaves returns the leaves of the tree in no particular order. The slice is
// the scheduler's own and valid until the tree changes.
func (s *Scheduler) Leaves() []*Leaf { return s.leaves }

// Hz returns the number of cycles in a second.
func (s *Scheduler) Hz() uint64 { return s.hz }

// DefaultRootName returns the name of the root that AddOrphanRoot makes.
func (s *Scheduler) DefaultRootName() string {
	return fmt.Sprintf("!default_rr_%d", s.worker)
}

// AddOrphanRoot gives an orphan a place in the tree: it becomes the root if
// there is none, else a child of the default root. If the root is another
// class, a default root is made of that and the orphan, and returned, so that
// the caller can register its name. EINVAL if c has a place already.
func (s *Scheduler) AddOrphanRoot(c Class) (made *RoundRobin, err error) {
	n := c.base()
	switch {
	case n.placed():
		return nil, refusal(&node{name: s.DefaultRootName()}, n, "it has a place already")
	case s.root == nil:
		s.setRoot(n)
	case s.defaultRR != nil:
		s.defaultRR.join(n, None)
	default:
		old := s.root
		made = NewRoundRobin(s.DefaultRootName())
		s.setRoot(&made.node)
		s.defaultRR = made
		made.join(old, None)
		made.join(n, None)
	}
	return made, nil
}

// CollapseDefaultRoot removes a default root with less than two children; its
// child becomes the root. It returns the class it removed, or nil.
func (s *Scheduler) CollapseDefaultRoot() *RoundRobin {
	rr := s.defaultRR
	if rr == nil || len(rr.kids) > 1 {
		return nil
	}
	var child *node
	if len(rr.kids) == 1 {
		child = rr.kids[0]
		rr.part(child)
	}
	s.disown(&rr.node)
	s.root, s.defaultRR = child, nil
	return rr
}

// setRoot makes the orphan n the root.
func (s *Scheduler) setRoot(n *node) {
	s.root = n
	s.adopt(n, s.now())
}

// adopt makes the subtree of n part of s.
func (s *Scheduler) adopt(n *node, now uint64) {
	s.busy = s.round
	s.wake.heap = roomFor(s.wake.heap, s.Size()+n.size)
	for c := range All(n.self) {
		k := c.base()
		k.sched = s
		switch c := c.(type) {
		case *RateLimit:
			c.tick(s.hz, now)
		case *Leaf:
			c.index, c.round, c.idle = len(s.leaves), 0, false
			s.leaves = append(s.leaves, c)
		}
		if k.wake.at != 0 {
			s.wake.push(k)
		}
	}
}

// disown is the reverse of adopt. Planned wake-ups are kept for the next
// scheduler.
func (s *Scheduler) disown(n *node) {
	s.busy = s.round
	for c := range All(n.self) {
		k := c.base()
		k.sched = nil
		if k.wake.at != 0 {
			s.wake.remove(k)
		}
		if l, ok := c.(*Leaf); ok {
			last := len(s.leaves) - 1
			s.leaves[l.index] = s.leaves[last]
			s.leaves[l.index].index = l.index
			s.leaves[last] = nil
			s.leaves = s.leaves[:last]
		}
	}
}

// Worker returns the id of the worker whose tasks it schedules.
func (s *Scheduler) Worker() int { return s.worker }

// Backoff says whether it is the API's "experimental" scheduler.
func (s *Scheduler) Backoff() bool { return s.backoff }
