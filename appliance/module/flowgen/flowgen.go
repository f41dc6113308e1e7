// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package flowgen is the module class FlowGen: synthetic TCP and UDP flows made
// from a template (spec: modules/stateful.md).
package flowgen

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "FlowGen",
	Prefix:     "flowgen",
	Help:       "makes the packets of TCP or UDP flows that come and go",
	OGates:     1,
	Task:       true,
	MaxWorkers: 1,
	Arg:        (*FlowGenArg)(nil),
	Counters: []module.CounterDoc{
		countFlows:   {Name: "flows", Unit: "flows", Help: "begun, without those that quick_rampup began with"},
		countRefused: {Name: "refused", Unit: "flows", Help: "not begun: twice as many at the same time as there should be, or four million"},
	},
	Commands: []module.Command{
		module.Do("update", module.Concurrent, "changes template, rates and distributions; what is zero or empty stays", (*FlowGen).update),
		module.Do("set_burst", module.Concurrent, "sets how many packets a run may make; 0 pauses", (*FlowGen).setBurst),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countFlows = iota
	countRefused
)

// FlowGen is an instance. One worker runs it.
type FlowGen struct {
	module.NoInput
	task  *module.Task
	burst atomic.Uint32 // packets, 0..packet.BatchSize
	// active is the number of flows, the one to come included.
	active atomic.Int64

	// The lock is held during a run and while a command changes something.
	lock sys.SpinLock
	conf config
	gen  *generator

	arg *FlowGenArg // of creation; control side
}

func create(env *module.Env, arg *FlowGenArg) (*FlowGen, error) {
	c, err := defaults().with(arg)
	if err != nil {
		return nil, err
	}
	if err := checkRanges(arg); err != nil {
		return nil, err
	}
	m := &FlowGen{conf: c, arg: proto.CloneOf(arg)}
	if m.gen, err = newGenerator(&m.conf, arg); err != nil {
		return nil, err
	}
	m.active.Store(m.gen.active())
	m.burst.Store(packet.BatchSize)
	m.task = env.AddTask()
	return m, nil
}

// RunTask sends the packets whose time has come, up to a burst. Those that are
// late are made up for.
func (m *FlowGen) RunTask(ctx *module.Context, _ int) module.Result {
	if ctx.Overloaded() {
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	limit := int(m.burst.Load())
	if limit == 0 {
		return module.Result{Blocked: true}
	}
	b := ctx.Batch()
	m.lock.Lock()
	r := run{ctx: ctx, b: b, limit: limit, now: ctx.NowNS(), conf: &m.conf}
	m.gen.run(&r)
	m.active.Store(m.gen.active())
	wait := m.gen.wait(r.now)
	m.lock.Unlock()
	if r.begun+r.refused > 0 {
		ctx.Count(countFlows, r.begun)
		ctx.Count(countRefused, r.refused)
	}
	n := b.Len()
	if n == 0 {
		return module.Result{Blocked: true, Retry: max(wait, 1)}
	}
	packet.ClearMetadata(b.Packets(), ctx.MetaLen)
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: packet.Bits(n, r.bytes)}
}

// change puts a checked configuration to use. Flows go on.
func (m *FlowGen) change(c config) error {
	spare, err := newRing(max(c.capacity(), len(m.gen.flows.flows)))
	if err != nil {
		return err
	}
	m.lock.Lock()
	old := m.gen.retime(&m.conf, &c, spare)
	m.conf = c
	m.lock.Unlock()
	old.close()
	m.task.Wake()
	return nil
}

// update is the command: what is zero or empty stays.
func (m *FlowGen) update(arg *FlowGenArg) error {
	c, err := m.conf.with(arg)
	if err != nil {
		return err
	}
	return m.change(c)
}

// Update takes a new creation argument in place, except where it says how to
// begin.
func (m *FlowGen) Update(arg proto.Message) error {
	a := arg.(*FlowGenArg)
	c, err := defaults().with(a)
	if err != nil {
		return err
	}
	if err := checkRanges(a); err != nil {
		return err
	}
	o := m.arg
	if a.GetQuickRampup() != o.GetQuickRampup() || a.GetIpSrcRange() != o.GetIpSrcRange() || a.GetIpDstRange() != o.GetIpDstRange() ||
		a.GetPortSrcRange() != o.GetPortSrcRange() || a.GetPortDstRange() != o.GetPortDstRange() || c.template.proto != m.conf.template.proto {
		return module.ErrRebuild
	}
	if err := m.change(c); err != nil {
		return err
	}
	m.arg = proto.CloneOf(a)
	return nil
}

// Keeps says that the burst stays with another argument.
func (*FlowGen) Keeps(command string) bool { return command == "set_burst" }

func (m *FlowGen) setBurst(arg *FlowGenCommandSetBurstArg) error {
	n := arg.GetBurst()
	if n > packet.BatchSize {
		return module.Invalid("burst", n, "must be 0..%d packets", packet.BatchSize)
	}
	m.burst.Store(uint32(n))
	// A worker may be asleep because the burst was 0.
	m.task.Wake()
	return nil
}

// Desc returns the number of flows, the one to come included.
func (m *FlowGen) Desc() string { return fmt.Sprintf("%d flows", m.active.Load()) }

// Close frees the memory of the flows.
func (m *FlowGen) Close() { m.gen.flows.close() }
