// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys/choice"
	"github.com/bessform/terraform-provider-bess/appliance/sys/hostif"
)

// Bursts are what a port with outgoing queues has of Senders. Whether it has any
// is decided in the same way whenever it takes an interface, at start and when
// one of the name comes again:
//
//	on    there are; where there cannot be, the interface is not taken
//	auto  there are where there can be
//	off   there are none
//
// Note tells what was decided last, and why. Of may be called by the worker of a
// queue at any time, all else belongs to the control side, one at a time.
type Bursts struct {
	how    choice.Choice
	queues []queue
	why    error // there are none
	leads  bool  // there are
}

// queue has a Sender from the first time on that there could be one: a worker may
// be using it. It leads nowhere when there are to be none.
type queue struct {
	sender atomic.Pointer[Sender]
	_      [56]byte
}

// New returns the Bursts of so many queues, with no interface yet.
func New(how choice.Choice, queues int) *Bursts {
	return &Bursts{how: how, queues: make([]queue, queues)}
}

// Take decides for an interface of the calling thread's network namespace, always
// the same one. not is a reason against bursts that leaves them possible, "" if
// there is none: with choice.Auto there are none then. Errors: those of Open, with
// choice.On only; there are none then.
func (b *Bursts) Take(link netlink.Link, not string) error {
	b.Leave()
	switch {
	case b.how == choice.Off:
		return nil
	case b.how == choice.Auto && not != "":
		b.why = errno.Errorf(errno.ENOTSUP, "%s", not)
		return nil
	}
	if b.why = b.open(link); b.why == nil {
		for i := range b.queues {
			b.queues[i].sender.Load().Lead(link.Attrs().Index)
		}
		b.leads = true
		return nil
	}
	if b.how == choice.On {
		return fmt.Errorf("bursts: on: %w", b.why)
	}
	return nil
}

// open sees to it that all queues have a Sender, if they may.
func (b *Bursts) open(link netlink.Link) error {
	if err := Usable(link); err != nil {
		return err
	}
	for i := range b.queues {
		q := &b.queues[i].sender
		if q.Load() != nil {
			continue
		}
		s, err := Open(link)
		if missing := hostif.MissingCapabilities(unix.CAP_NET_ADMIN, unix.CAP_BPF); missing != "" && errors.Is(err, unix.EPERM) {
			return fmt.Errorf("%w: the daemon lacks %s", err, missing)
		}
		if err != nil {
			return err
		}
		s.Lead(0)
		q.Store(s)
	}
	return nil
}

// Leave ends the use of an interface that has gone, or is not to be used so.
func (b *Bursts) Leave() {
	b.why, b.leads = nil, false
	for i := range b.queues {
		if s := b.queues[i].sender.Load(); s != nil {
			s.Lead(0)
		}
	}
}

// Of returns the Sender of a queue, nil if there is none.
func (b *Bursts) Of(queue int) *Sender { return b.queues[queue].sender.Load() }

// Note says whether batches are sent at once, and why they are not; nothing if
// that was not asked for, or there is no interface.
func (b *Bursts) Note() string {
	switch {
	case b.leads:
		return "batches are sent at once"
	case b.why != nil:
		return "batches are not sent at once: " + b.why.Error()
	}
	return ""
}

// Close releases all Senders. No worker uses them any more. Bursts may be nil.
func (b *Bursts) Close() {
	if b == nil {
		return
	}
	for i := range b.queues {
		b.queues[i].sender.Swap(nil).Close()
	}
	b.why, b.leads = nil, false
}
