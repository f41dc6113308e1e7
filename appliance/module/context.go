// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"math/bits"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Context is a worker's view of the graph while a packet is under way. There
// is one per worker; Process and RunTask get it and must not keep it. Like all
// that is written for every batch it has cache lines of its own: the Go runtime
// aligns memory whose size is a small multiple of a line.
type Context struct {
	// Cache is the worker's stock of free packets.
	Cache *packet.Cache
	// Worker is the worker's id, 0..63.
	Worker int
	// Now is the time at the start of the task run, in cycles of sys.Cycles.
	Now uint64
	// Hz is the number of cycles per second.
	Hz uint64
	// IGate is the input gate on which the batch of Process arrived.
	IGate int
	// MetaLen is how many bytes of metadata are in use in this snapshot of
	// the graph; copies of packets carry that many along.
	MetaLen int
	// Rand is the worker's random generator.
	Rand Rand

	node    *Node
	slot    *packet.Batch // batch to process next, for slotIn
	slotIn  *In
	batch   *packet.Batch // batch being processed, returned after Process
	task    *packet.Batch // the task's own batch
	touched []*Out        // gates with staged packets
	ready   []*In         // input gates with waiting batches
	scratch []*packet.Batch
	loops   int
	// SilentDrops counts packets that ended in unconnected gates or were
	// dropped by modules on this worker (spec: api.md, ListWorkers).
	SilentDrops sys.Counter
	// LoopDrops counts packets dropped because they went round in circles.
	LoopDrops sys.Counter
	// Lost counts packets abandoned after a panic.
	Lost sys.Counter
	_    [sys.CacheLine - 8]byte
}

// lineLen is how many pointers a cache line has.
const lineLen = sys.CacheLine / 8

// Node is one module in a worker's snapshot of the graph. Package graph fills
// it; only the worker uses it.
type Node struct {
	Mod  Module
	Name string
	// Outs are the output gates up to the highest connected one.
	Outs []Out
	// Offsets are the places of the instance's attributes in this snapshot.
	Offsets []int8
	// Children are downstream modules that can hold this module's tasks back.
	Children []Overloader
	// Cells are the worker's own counters of the instance.
	Cells *Cells
	// Holds is Class.Holds.
	Holds bool
}

// Cells are one worker's counters of one instance, in cache lines of their own.
type Cells struct {
	Deadends sys.Counter
	Panics   sys.Counter
	Own      []sys.Counter // Class.Counters
	_        [sys.CacheLine - 5*8]byte
}

// Out is an output gate in a snapshot. In is nil if it is not connected.
type Out struct {
	In    *In
	Track *TrackCell
	Hooks []Hook
	// Straight may be set if In is Single and there are no Hooks: such a
	// gate is passed with fewer questions.
	Straight bool
	stage    *packet.Batch
	_        [sys.CacheLine - 56]byte
}

// In is an input gate in a snapshot.
type In struct {
	Node *Node
	Gate int
	// Single is set if only one output gate feeds it.
	Single bool
	// Loop is set if a packet that enters may come back within one run.
	Loop bool
	// Priority orders waiting input gates: smaller is served first.
	Priority int
	Track    *TrackCell
	Hooks    []Hook
	// Straight may be set if there are neither Loop nor Hooks.
	Straight bool
	pending  []*packet.Batch
	_        [2*sys.CacheLine - 96]byte
}

// Hook looks at every batch that passes a gate. It must not change packets
// and obeys the rules of Process.
type Hook interface {
	Run(ctx *Context, b *packet.Batch)
}

// TrackCell are one worker's counters of one gate, in a cache line of its own.
// Counting batches and packets is so common that it is built in; everything
// else is a Hook.
type TrackCell struct {
	Batches, Packets, Bytes sys.Counter
	// Bits makes it count bytes, too.
	Bits bool
	_    [sys.CacheLine - 4*8]byte
}

func (t *TrackCell) count(b *packet.Batch) {
	t.Batches.Add(1)
	t.Packets.Add(uint64(b.Len()))
	if t.Bits {
		t.Bytes.Add(b.Bytes() + uint64(b.Len())*packet.Overhead)
	}
}

// NowNS returns the time at the start of the task run in nanoseconds of the
// machine's counter.
func (c *Context) NowNS() uint64 { return sys.Nanoseconds(c.Now, c.Hz) }

// Attr returns the place of the instance's attribute in the metadata area,
// or one of the negative Offset values: then reads give zero and writes are
// skipped.
func (c *Context) Attr(id AttrID) int { return int(c.node.Offsets[id]) }

// Count adds n to counter i of Class.Counters.
func (c *Context) Count(i int, n uint64) { c.node.Cells.Own[i].Add(n) }

// NodeName returns the name of the module being run.
func (c *Context) NodeName() string { return c.node.Name }

// Overloaded reports whether a module downstream asks the running task to
// hold back.
func (c *Context) Overloaded() bool {
	for _, ch := range c.node.Children {
		if ch.Overloaded() {
			return true
		}
	}
	return false
}

// OverloadRetry is the Result.Retry of a task held back by overload, in
// nanoseconds.
const OverloadRetry = 100_000

// Batch returns the task's own batch, empty at the start of RunTask.
func (c *Context) Batch() *packet.Batch { return c.task }

// Emit passes p on through output gate g. Packets are collected per gate and
// leave together when Process returns, or when a batch is full. A gate that
// is not connected drops p, which is counted.
func (c *Context) Emit(p packet.Packet, g int) {
	outs := c.node.Outs
	if uint(g) >= uint(len(outs)) {
		c.Drop(p)
		return
	}
	o := &outs[g]
	b := o.stage
	if b == nil {
		if b = c.open(o); b == nil {
			c.Drop(p)
			return
		}
	}
	b.Add(p)
	if b.Full() {
		c.flushGate(o)
	}
}

// EmitEach passes packet i of b on through output gate gates[i], for all of b:
// as a whole if the gates are the same. The caller must not touch b again. It
// is fastest if gates has room for packet.BatchSize.
func (c *Context) EmitEach(b *packet.Batch, gates []uint16) {
	ps := b.Packets()
	if len(ps) == 0 {
		return
	}
	rest := ^uint64(0) >> (packet.BatchSize - len(ps))
	if packet.CanPick && cap(gates) >= packet.BatchSize {
		all := (*[packet.BatchSize]uint16)(gates[:packet.BatchSize])
		if packet.Equal(all, all[0])&rest == rest {
			c.EmitBatch(b, int(all[0]))
			return
		}
		if len(c.touched) == 0 {
			rest = c.emitPicked(b, all, rest)
		}
	} else if same(gates[:len(ps)]) {
		c.EmitBatch(b, int(gates[0]))
		return
	}
	if rest != 0 {
		c.emitSorted(ps, gates, rest)
	}
}

// same reports whether gates, which are not none, are the same.
func same(gates []uint16) bool {
	differ := uint16(0)
	for _, g := range gates {
		differ |= g ^ gates[0]
	}
	return differ == 0
}

// maxPicks is the most gates that packets are picked for. Every one takes a
// look at the whole batch.
const maxPicks = 8

// emitPicked passes packets on gate by gate, and returns which are left. No
// gate has collected packets yet.
func (c *Context) emitPicked(b *packet.Batch, gates *[packet.BatchSize]uint16, of uint64) (rest uint64) {
	outs := c.node.Outs
	for range maxPicks {
		if of == 0 {
			return 0
		}
		g := gates[bits.TrailingZeros64(of)]
		if int(g) >= len(outs) || outs[g].In == nil {
			return of // each is counted as it is dropped
		}
		mask := packet.Equal(gates, g) & of
		c.pickFor(&outs[g], b, mask)
		of &^= mask
	}
	return of
}

// pickFor passes the packets of b that mask names on through a connected gate.
// Where nobody wants to see them alone they go straight to others that wait at
// the peer.
func (c *Context) pickFor(o *Out, b *packet.Batch, mask uint64) {
	if t, n := o.Track, bits.OnesCount64(mask); len(o.Hooks) == 0 && (t == nil || !t.Bits) {
		if last := o.In.last(); last != nil && last.Room() >= n {
			last.Pick(b, mask)
			if t != nil {
				t.Batches.Add(1)
				t.Packets.Add(uint64(n))
			}
			return
		}
	}
	nb := c.get()
	nb.Pick(b, mask)
	if !c.leave(o, nb, true) {
		c.put(nb)
	}
}

// emitSorted does as Emit for those of ps that are named, without a call for
// each.
func (c *Context) emitSorted(ps []packet.Packet, gates []uint16, of uint64) {
	outs := c.node.Outs
	for ; of != 0; of &= of - 1 {
		i := bits.TrailingZeros64(of)
		g, p := int(gates[i]), ps[i]
		if g >= len(outs) {
			c.Drop(p)
			continue
		}
		o := &outs[g]
		b := o.stage
		if b == nil {
			if b = c.open(o); b == nil {
				c.Drop(p)
				continue
			}
		}
		b.Add(p)
		if b.Full() {
			c.flushGate(o)
		}
	}
}

// EmitCopies passes copies of all packets of b, with their metadata, through
// output gate g and leaves b as it is. It returns how many packets could not
// be copied because there are no free ones.
func (c *Context) EmitCopies(b *packet.Batch, g int) (failed int) {
	outs := c.node.Outs
	n := b.Len()
	if n == 0 {
		return 0
	}
	if uint(g) >= uint(len(outs)) || outs[g].In == nil {
		c.node.Cells.Deadends.Add(uint64(n))
		c.SilentDrops.Add(uint64(n))
		return 0
	}
	nb := c.get()
	c.Cache.CopyBatch(nb, b, c.MetaLen)
	failed = n - nb.Len()
	if failed == n || !c.leave(&outs[g], nb, true) {
		c.put(nb)
	}
	return failed
}

// open gives a connected gate a batch to collect in; nil if not connected.
func (c *Context) open(o *Out) *packet.Batch {
	if o.In == nil {
		return nil
	}
	b := c.get()
	o.stage = b
	c.touched = append(c.touched, o)
	return b
}

// EmitBatch passes the whole batch on through output gate g and leaves b
// empty, or gone if it is the batch given to Process or the task's own: the
// caller must not touch those again.
func (c *Context) EmitBatch(b *packet.Batch, g int) {
	outs := c.node.Outs
	if b.Len() == 0 {
		return
	}
	if uint(g) >= uint(len(outs)) {
		c.DropBatch(b)
		return
	}
	o := &outs[g]
	own := b == c.batch || b == c.task
	if o.Straight && own && c.slot == nil && len(o.In.pending) == 0 {
		if t := o.Track; t != nil {
			t.count(b)
		}
		c.slot, c.slotIn = b, o.In
		return
	}
	if o.In == nil {
		c.DropBatch(b)
		return
	}
	c.leave(o, b, own)
}

// leave runs the gate's hooks and queues the batch for the peer: in the slot
// of the straight road if that is free and there is nothing to merge with,
// else behind or into what waits at the input gate. own says that b belongs
// to the dispatcher and may travel itself; otherwise its packets are copied. It
// reports whether b travels.
func (c *Context) leave(o *Out, b *packet.Batch, own bool) bool {
	if o.Track != nil {
		o.Track.count(b)
	}
	for _, h := range o.Hooks {
		h.Run(c, b)
	}
	in := o.In
	if own && c.slot == nil && in.Single && len(in.pending) == 0 {
		c.slot, c.slotIn = b, in
		return true
	}
	if last := in.last(); last == nil {
		c.enqueue(in)
	} else if last.Room() >= b.Len() {
		last.Append(b.Packets())
		b.Clear()
		return false
	}
	if own && b != c.batch && b != c.task {
		in.wait(b)
		return true
	}
	nb := c.get()
	nb.Append(b.Packets())
	b.Clear()
	in.wait(nb)
	return false
}

// wait puts b behind the batches that wait.
func (in *In) wait(b *packet.Batch) {
	if in.pending == nil {
		in.pending = make([]*packet.Batch, 0, lineLen) // once
	}
	in.pending = append(in.pending, b)
}

// last returns the batch that came last of those that wait, nil if none does.
func (in *In) last() *packet.Batch {
	if n := len(in.pending); n > 0 {
		return in.pending[n-1]
	}
	return nil
}

// enqueue puts in into the list of ready gates, which is ordered by falling
// priority value so that the next one is at the end.
func (c *Context) enqueue(in *In) {
	i := len(c.ready)
	c.ready = append(c.ready, in)
	for ; i > 0 && c.ready[i-1].Priority <= in.Priority; i-- {
		c.ready[i] = c.ready[i-1]
	}
	c.ready[i] = in
}

// Drop frees p and counts it as a dead end of the module.
func (c *Context) Drop(p packet.Packet) {
	c.node.Cells.Deadends.Add(1)
	c.SilentDrops.Add(1)
	c.Cache.Free(p)
}

// DropBatch frees the whole batch and counts dead ends.
func (c *Context) DropBatch(b *packet.Batch) {
	c.node.Cells.Deadends.Add(uint64(b.Len()))
	c.SilentDrops.Add(uint64(b.Len()))
	c.Cache.FreeBatch(b)
}

// Free frees p without counting it.
func (c *Context) Free(p packet.Packet) { c.Cache.Free(p) }

// FreeBatch frees the whole batch without counting it.
func (c *Context) FreeBatch(b *packet.Batch) { c.Cache.FreeBatch(b) }

// flushGate sends what the gate has collected.
func (c *Context) flushGate(o *Out) {
	b := o.stage
	o.stage = nil
	if !c.leave(o, b, true) {
		c.put(b)
	}
}

// flush sends what the gates of the current module have collected, in the
// order in which they were first used.
func (c *Context) flush() {
	for _, o := range c.touched {
		if o.stage != nil {
			c.flushGate(o)
		}
	}
	c.touched = c.touched[:0]
}

// get returns an empty batch; the list grows until the graph's needs are met
// and then no more.
func (c *Context) get() *packet.Batch {
	if n := len(c.scratch); n > 0 {
		b := c.scratch[n-1]
		c.scratch = c.scratch[:n-1]
		return b
	}
	return new(packet.Batch)
}

func (c *Context) put(b *packet.Batch) {
	b.Clear()
	c.scratch = append(c.scratch, b)
}

// NewCells returns cells with room for n own counters.
func NewCells(n int) *Cells { return &Cells{Own: sys.NewCounters(n)} }
