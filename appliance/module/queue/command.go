// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// maxRings bounds how many rings of earlier sizes may wait to be emptied.
const maxRings = 8

// configure applies size and settings; size 0 stands for zero.
func (q *Queue) configure(arg *QueueArg, zero uint64) error {
	size := arg.GetSize()
	if size == 0 {
		size = zero
	}
	if err := checkSize(size); err != nil {
		return err
	}
	if size != q.config.GetSize() {
		if err := q.resize(int(size)); err != nil {
			return err
		}
	}
	q.config = &QueueArg{Size: size, Prefetch: arg.GetPrefetch(), Backpressure: arg.GetBackpressure()}
	q.marks.Store(newMarks(size, arg.GetBackpressure()))
	// Somebody may hold back because of the old marks.
	q.Overloaded()
	return nil
}

// resize puts a new ring before the present one. The oldest packets stay, as
// many as fit into the new ring.
func (q *Queue) resize(size int) error {
	r := packet.NewRing(size)
	old := q.in.Load()
	if old == nil {
		q.in.Store(r)
		return nil
	}
	if q.prune() >= maxRings {
		return errno.Errorf(errno.EBUSY, "size: %d: packets of %d earlier sizes still wait for the queue's task to run", size, maxRings)
	}
	r.Prev.Store(old)
	// Producers must find the new ring before the old one is closed.
	q.in.Store(r)
	r.Before = old.Before + old.Close()
	old.Keep(r.Room())
	q.prune()
	return nil
}

// prune forgets rings that will never hold a packet again and returns how many
// there are. The consumer may do the same at the same time: at worst a ring is
// forgotten twice.
func (q *Queue) prune() int {
	n := 1
	for r := q.in.Load(); ; {
		p := r.Prev.Load()
		if p == nil {
			return n
		}
		if p.Drained() {
			r.Prev.Store(p.Prev.Load())
			continue
		}
		r = p
		n++
	}
}

// keepArg remembers the argument for get_initial_arg.
func (q *Queue) keepArg(arg *QueueArg) { q.arg = proto.CloneOf(arg) }

// Update takes a new creation argument in place. No packet is lost unless the
// queue becomes too small for those in it.
func (q *Queue) Update(arg proto.Message) error {
	a := arg.(*QueueArg)
	if err := q.configure(a, defaultSize); err != nil {
		return err
	}
	q.keepArg(a)
	return nil
}

// Keeps says that the burst stays with another argument.
func (*Queue) Keeps(command string) bool { return command == "set_burst" }

func (q *Queue) setBurst(arg *QueueCommandSetBurstArg) error {
	n := arg.GetBurst()
	if n > packet.BatchSize {
		return module.Invalid("burst", n, "must be 0..%d packets", packet.BatchSize)
	}
	q.burst.Store(int32(n))
	// A worker may be asleep because the burst was 0.
	q.task.Wake()
	return nil
}

func (q *Queue) setSize(arg *QueueCommandSetSizeArg) error {
	if err := checkSize(arg.GetSize()); err != nil {
		return err
	}
	return q.configure(&QueueArg{Size: arg.GetSize(), Prefetch: q.config.GetPrefetch(), Backpressure: q.config.GetBackpressure()}, 0)
}

func (q *Queue) getStatus(*QueueCommandGetStatusArg) (*QueueCommandGetStatusResponse, error) {
	in := q.in.Load()
	first, _ := q.oldest()
	// In this order no packet seems to leave before it came.
	dequeued := first.Before + first.Left() - q.cut.Load()
	return &QueueCommandGetStatusResponse{
		Count:    in.Level(),
		Size:     q.config.GetSize(),
		Enqueued: in.Before + in.Entered(),
		Dequeued: dequeued,
		Dropped:  q.dropped.Load(),
	}, nil
}

func (q *Queue) getInitialArg(*api.EmptyArg) (*QueueArg, error) { return q.arg, nil }

func (q *Queue) getRuntimeConfig(*api.EmptyArg) (*QueueArg, error) { return q.config, nil }

func (q *Queue) setRuntimeConfig(arg *QueueArg) error { return q.configure(arg, q.config.GetSize()) }
