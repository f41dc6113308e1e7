// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package porttest is a port driver whose device is memory: a test says which
// frames arrive and how many the device takes, and looks at what was sent.
package porttest

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// DriverName is the name of the driver.
const DriverName = "MemoryPort"

// All makes Accept take every packet.
const All = -1

// Device is a device in memory. Safe for use by several goroutines; it notes
// when two of them use one queue at the same time, which workers must not do.
//
//	Offer -> incoming queue -> Recv        Send -> outgoing queue -> Sent
type Device struct {
	inc, out []queue
	closed   atomic.Int32
	overlaps atomic.Int32

	// What the optional interfaces answer. Set before the port is used.
	FD    int    // WaitFD of every queue; -1: none
	Retry uint64 // RetryAfter of every queue in nanoseconds
	Nodes uint64 // NodeMask
}

// queue is one queue of either direction.
type queue struct {
	busy   atomic.Bool
	mu     sync.Mutex
	frames [][]byte // waiting to be received, or sent
	accept []int    // scripted results of Send
	calls  int
	keep   bool // Recv leaves frames in place, Send forgets them
}

// New opens a port with a Device of its own, numInc and numOut queues, 0 to
// 128 of each.
func New(name string, numInc, numOut int) (*port.Port, *Device, error) {
	d := &Device{inc: make([]queue, numInc), out: make([]queue, numOut), FD: -1, Nodes: ^uint64(0)}
	driver := &port.Driver{Name: DriverName, Prefix: "memory_port", Help: "memory of a test", Arg: (*api.EmptyArg)(nil),
		New: func(cfg *port.Config, _ proto.Message) (port.Device, error) {
			cfg.NumInc, cfg.NumOut = numInc, numOut
			return d, nil
		}}
	p, err := port.Open(driver, port.Config{Name: name, NumInc: numInc, NumOut: numOut}, &api.EmptyArg{}, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("open port %s: %w", name, err)
	}
	return p, d, nil
}

// Offer lets frames arrive on incoming queue q.
func (d *Device) Offer(q int, frames ...[]byte) {
	in := &d.inc[q]
	in.mu.Lock()
	defer in.mu.Unlock()
	in.frames = append(in.frames, frames...)
}

// Endless makes incoming queue q deliver what it was offered again and again,
// and all outgoing queues forget what they send: for measuring.
func (d *Device) Endless(q int) {
	for i := range d.out {
		d.out[i].keep = true
	}
	if q < len(d.inc) {
		d.inc[q].keep = true
	}
}

// Accept says how many packets of each coming call of Send outgoing queue q
// takes; once the list is used up it takes all.
func (d *Device) Accept(q int, counts ...int) {
	out := &d.out[q]
	out.mu.Lock()
	defer out.mu.Unlock()
	out.accept = append(out.accept, counts...)
}

// Sent returns, and forgets, the frames that left outgoing queue q.
func (d *Device) Sent(q int) [][]byte {
	out := &d.out[q]
	out.mu.Lock()
	defer out.mu.Unlock()
	frames := out.frames
	out.frames = nil
	return frames
}

// Calls returns how often Send was called for outgoing queue q.
func (d *Device) Calls(q int) int {
	out := &d.out[q]
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.calls
}

// Waiting returns how many frames nobody has received yet.
func (d *Device) Waiting(q int) int {
	in := &d.inc[q]
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.frames)
}

// Overlaps returns how often a queue was used by two callers at once.
func (d *Device) Overlaps() int { return int(d.overlaps.Load()) }

// Closed returns how often the device was closed.
func (d *Device) Closed() int { return int(d.closed.Load()) }

// enter notes that a worker begins to use a queue.
func (d *Device) enter(q *queue) {
	if !q.busy.CompareAndSwap(false, true) {
		d.overlaps.Add(1)
	}
}

func (q *queue) leave() { q.busy.Store(false) }

// Recv implements port.Device.
func (d *Device) Recv(qid int, c *packet.Cache, b *packet.Batch, limit int) int {
	q := &d.inc[qid]
	d.enter(q)
	defer q.leave()
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < limit && (n < len(q.frames) || q.keep && len(q.frames) > 0) {
		p := c.New(q.frames[n%len(q.frames)])
		if p == 0 {
			break
		}
		b.Add(p)
		n++
	}
	if !q.keep {
		q.frames = q.frames[n:]
	}
	return n
}

// Send implements port.Device.
func (d *Device) Send(qid int, c *packet.Cache, ps []packet.Packet) int {
	q := &d.out[qid]
	d.enter(q)
	defer q.leave()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	n := len(ps)
	if len(q.accept) > 0 {
		if k := q.accept[0]; k != All {
			n = min(n, k)
		}
		q.accept = slices.Delete(q.accept, 0, 1)
	}
	if !q.keep {
		for _, p := range ps[:n] {
			frame := make([]byte, p.TotalLen())
			p.CopyOut(frame)
			q.frames = append(q.frames, frame)
		}
	}
	c.FreeAll(ps[:n])
	return n
}

// Close implements port.Device.
func (d *Device) Close() { d.closed.Add(1) }

// WaitFD implements port.FDWaiter.
func (d *Device) WaitFD(int) int { return d.FD }

// RetryAfter implements port.Retrier.
func (d *Device) RetryAfter(int) uint64 { return d.Retry }

// NodeMask implements port.Noder.
func (d *Device) NodeMask() uint64 { return d.Nodes }

// SetConf implements port.Configurer: it accepts everything.
func (d *Device) SetConf(int, net.HardwareAddr, bool) error { return nil }
