// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package buffer

import (
	"math"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Timed is an instance with a timeout. Any number of workers may call Process,
// one runs the task; they take turns at what is kept, a batch at a time.
type Timed struct {
	task    *module.Task
	timeout atomic.Uint64 // nanoseconds
	// since is when the first of the packets kept came, in nanoseconds, or
	// never. Written with the lock, so that the task can look without.
	since atomic.Uint64

	lock sys.SpinLock
	Buffer
}

// never is later than any time.
const never = math.MaxUint64

func newTimed(env *module.Env, timeout uint64) *Timed {
	m := &Timed{Buffer: Buffer{pool: env.Pool()}, task: env.AddTask()}
	m.timeout.Store(timeout)
	m.since.Store(never)
	return m
}

// Update changes the timeout, also for packets that wait; doing without one
// needs an instance without task.
func (m *Timed) Update(arg proto.Message) error {
	timeout, err := validate(arg.(*BufferArg))
	if err != nil {
		return err
	}
	if timeout == 0 {
		return module.ErrRebuild
	}
	m.timeout.Store(timeout)
	m.task.Wake()
	return nil
}

// Process sends a full batch to gate 0 as soon as there is one and keeps the
// rest for the task.
func (m *Timed) Process(ctx *module.Context, b *packet.Batch) {
	m.lock.Lock()
	waited := m.kept.Len() > 0
	full := m.fill(b)
	waits := m.kept.Len() > 0
	switch {
	case !waits:
		m.since.Store(never)
	case full || !waited:
		m.since.Store(ctx.NowNS())
	}
	m.lock.Unlock()
	if waits && !waited {
		m.task.Wake()
	}
	if full {
		ctx.EmitBatch(b, 0)
	}
}

// RunTask sends what has waited long enough to gate 0.
func (m *Timed) RunTask(ctx *module.Context, _ int) module.Result {
	switch ns := m.left(ctx.NowNS()); {
	case ns == never: // Wake ends the wait
		return module.Result{Blocked: true}
	case ns > 0:
		return module.Result{Blocked: true, Retry: ns}
	case ctx.Overloaded():
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	b := ctx.Batch()
	m.lock.Lock()
	if m.left(ctx.NowNS()) == 0 { // another worker may have filled the batch
		b.Append(m.kept.Packets())
		m.kept.Clear()
		m.since.Store(never)
	}
	m.lock.Unlock()
	n := b.Len()
	if n == 0 {
		return module.Result{Blocked: true}
	}
	ctx.Count(countFlushed, uint64(n))
	bits := packet.Bits(n, b.Bytes())
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: bits}
}

// left returns how long the packets kept may still wait, in nanoseconds; never
// if there are none.
func (m *Timed) left(now uint64) uint64 {
	since, timeout := m.since.Load(), m.timeout.Load()
	switch {
	case since == never:
		return never
	case now < since: // they came during this run
		return timeout
	case now-since >= timeout:
		return 0
	}
	return timeout - (now - since)
}

// Placement wants somebody to bring packets.
func (*Timed) Placement(feeders, _ int) (violation, fatal bool) { return feeders == 0, false }
