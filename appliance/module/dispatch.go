// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// maxLoopSteps bounds how many batches of one run may enter gates that lie on
// a circle without a task. Graphs without circles are never limited.
const maxLoopSteps = 1024

// NewContext returns the context of a worker.
func NewContext(worker int, cache *packet.Cache, hz uint64) *Context {
	c := &Context{Cache: cache, Worker: worker, Hz: hz, task: new(packet.Batch),
		touched: make([]*Out, 0, lineLen), ready: make([]*In, 0, lineLen), scratch: make([]*packet.Batch, 0, lineLen)}
	for range lineLen {
		c.scratch = append(c.scratch, new(packet.Batch))
	}
	c.Rand.Seed(hz ^ uint64(worker+1)*0x9e3779b97f4a7c15)
	return c
}

// RunTask runs one task of the node to completion: everything that can be
// reached until packets are dropped, stored or have left is done when it
// returns (spec: scheduler.md section 7). fault, if not nil, is what a module
// panicked with, and the packets under way then have been cleaned up.
func (c *Context) RunTask(n *Node, r Runner, task int, now uint64) (res Result, fault *Fault) {
	c.Now = now
	c.node = n
	c.batch = nil
	c.loops = 0
	mark := c.Cache.Mark()
	done := false
	defer func() {
		if !done {
			fault = c.recoverFrom(recover(), mark)
			res = Result{Packets: res.Packets}
		}
	}()
	c.task.Clear()
	res = r.RunTask(c, task)
	if len(c.touched) > 0 {
		c.flush()
	}
	if c.slot != c.task {
		c.task.Clear() // its packets have other owners now, see recoverFrom
	}
	c.drain()
	done = true
	return res, nil
}

// drain processes batches until none is left: the straight road first, then
// the waiting input gate with the smallest priority value.
func (c *Context) drain() {
	for {
		in, b := c.slotIn, c.slot
		if b != nil {
			c.slot = nil
		} else if len(c.ready) == 0 {
			return
		} else {
			in, b = c.pop()
		}
		c.enter(in, b)
	}
}

// pop takes the oldest batch of the most urgent ready gate.
func (c *Context) pop() (*In, *packet.Batch) {
	last := len(c.ready) - 1
	in := c.ready[last]
	b := in.pending[0]
	k := copy(in.pending, in.pending[1:])
	in.pending = in.pending[:k]
	if k == 0 {
		c.ready = c.ready[:last]
	}
	return in, b
}

// enter lets a module process a batch that arrived on one of its gates.
func (c *Context) enter(in *In, b *packet.Batch) {
	n := in.Node
	c.node = n
	c.IGate = in.Gate
	c.batch = b
	if !in.Straight && !c.admit(in, b) {
		return
	}
	if t := in.Track; t != nil {
		t.count(b)
	}
	n.Mod.Process(c, b)
	if len(c.touched) > 0 {
		c.flush()
	}
	if b != c.slot {
		c.recycle(b)
	}
}

// admit lets the gate's hooks see the batch, unless that has gone in circles
// for too long: then it is dropped.
func (c *Context) admit(in *In, b *packet.Batch) bool {
	if in.Loop {
		if c.loops++; c.loops > maxLoopSteps {
			c.LoopDrops.Add(uint64(b.Len()))
			c.DropBatch(b)
			c.recycle(b)
			return false
		}
	}
	for _, h := range in.Hooks {
		h.Run(c, b)
	}
	return true
}

// recycle returns b to the scratch list; the task's own is only emptied.
func (c *Context) recycle(b *packet.Batch) {
	c.batch = nil
	if b == c.task {
		b.Clear()
		return
	}
	c.put(b)
}

// Fault tells what happened when a module panicked.
type Fault struct {
	Module string
	Value  any
	// Dropped packets were freed; Lost ones could not be told from packets
	// that had found another owner and stay unused.
	Dropped, Lost int
}

// recoverFrom cleans up after a panic in the current module: packets waiting
// elsewhere are freed; those of the batch being processed are freed unless
// the module had freed or staged them already, or keeps packets.
func (c *Context) recoverFrom(v any, mark uint64) *Fault {
	f := &Fault{Value: v}
	holds := false
	if c.node != nil {
		f.Module = c.node.Name
		holds = c.node.Holds
		c.node.Cells.Panics.Add(1)
	}
	gone := map[packet.Packet]bool{}
	var inBatch []packet.Packet
	for _, b := range []*packet.Batch{c.batch, c.task} {
		if b != nil && b != c.slot {
			inBatch = append(inBatch, b.Packets()...)
		}
	}
	freed, ok := c.Cache.Freed(mark, inBatch)
	free := func(b *packet.Batch) {
		for _, p := range b.Packets() {
			if !gone[p] {
				gone[p] = true
				c.Cache.Free(p)
				f.Dropped++
			}
		}
		b.Clear()
	}
	for _, o := range c.touched {
		if o.stage != nil {
			free(o.stage)
			c.put(o.stage)
			o.stage = nil
		}
	}
	if c.slot != nil {
		free(c.slot)
	}
	for _, in := range c.ready {
		for _, b := range in.pending {
			free(b)
			c.put(b)
		}
		in.pending = in.pending[:0]
	}
	for i, p := range inBatch {
		if gone[p] || ok && freed[i] {
			continue
		}
		gone[p] = true
		if !ok || holds {
			f.Lost++
			continue
		}
		c.Cache.Free(p)
		f.Dropped++
	}
	c.SilentDrops.Add(uint64(f.Dropped))
	c.Lost.Add(uint64(f.Lost))
	if c.batch != nil && c.batch != c.task {
		c.put(c.batch)
	} else if c.slot != nil && c.slot != c.task {
		c.put(c.slot)
	}
	c.task.Clear()
	c.touched, c.ready = c.touched[:0], c.ready[:0]
	c.slot, c.slotIn, c.batch = nil, nil, nil
	return f
}
