// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package queueinc is the module class QueueInc (spec: modules/ports.md).
package queueinc

import (
	"strconv"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// Class describes QueueInc.
var Class = &module.Class{
	Name:       "QueueInc",
	Prefix:     "queue_inc",
	Help:       "receives packets from one incoming queue of a port",
	OGates:     1,
	Task:       true,
	MaxWorkers: 1,
	Arg:        (*QueueIncArg)(nil),
	Commands: []module.Command{
		module.Do("set_burst", module.Concurrent, "sets how many packets a run of the task takes; 0 stops receiving", (*QueueInc).setBurst),
	},
	New: module.New(create),
}

// downRetry is how often a port that is down is looked at, in nanoseconds.
const downRetry = 10_000_000

// validate checks the argument and returns the queue's number.
func validate(arg *QueueIncArg) (int, error) {
	if arg.GetPort() == "" {
		return 0, module.Invalid("port", "", "field 'port' must be specified")
	}
	if q := arg.GetQid(); q >= port.MaxQueues {
		return 0, module.Invalid("qid", q, "must be 0..%d", port.MaxQueues-1)
	}
	return int(arg.GetQid()), nil
}

// QueueInc is an instance.
type QueueInc struct {
	module.NoInput
	port  *port.Port
	qid   int
	task  *module.Task
	burst atomic.Int32 // packets, 0..packet.BatchSize
	// empty belongs to the worker that runs the task. It says that the last
	// run found the queue empty: only then is it of use to wait for its
	// descriptor.
	empty bool
}

func create(env *module.Env, arg *QueueIncArg) (*QueueInc, error) {
	qid, err := validate(arg)
	if err != nil {
		return nil, err
	}
	p, err := env.AcquirePort(arg.GetPort(), port.Inc, qid)
	if err != nil {
		return nil, err
	}
	m := &QueueInc{port: p, qid: qid, task: env.AddTask()}
	m.burst.Store(packet.BatchSize)
	return m, nil
}

// RunTask receives up to a burst from the queue and sends it to gate 0.
func (m *QueueInc) RunTask(ctx *module.Context, _ int) module.Result {
	m.empty = false
	if ctx.Overloaded() {
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	if !m.port.Up() {
		return module.Result{Blocked: true, Retry: downRetry}
	}
	burst := int(m.burst.Load())
	if burst == 0 {
		return module.Result{Blocked: true}
	}
	b := ctx.Batch()
	n := m.port.Recv(m.qid, ctx.Cache, b, burst)
	if n == 0 {
		m.empty = true
		return module.Result{Blocked: true, Retry: m.port.RetryAfter(m.qid)}
	}
	// Buffers are used again and again; what earlier packets left in their
	// metadata must not be taken for these packets'.
	packet.ClearMetadata(b.Packets(), ctx.MetaLen)
	bytes := b.Bytes()
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: packet.Bits(n, bytes)}
}

// WaitFD returns the descriptor that tells that the queue has packets.
func (m *QueueInc) WaitFD(int) int {
	if !m.empty {
		return -1
	}
	return m.port.WaitFD(m.qid)
}

// NodeMask returns the NUMA nodes near the device.
func (m *QueueInc) NodeMask() uint64 {
	if n, ok := m.port.Device.(port.Noder); ok {
		return n.NodeMask()
	}
	return ^uint64(0)
}

// Desc returns "port:queue/driver".
func (m *QueueInc) Desc() string {
	return m.port.Name + ":" + strconv.Itoa(m.qid) + "/" + m.port.Driver.Name
}

// Update changes prefetch, which is only a hint; another queue needs a new
// instance.
func (m *QueueInc) Update(arg proto.Message) error {
	a := arg.(*QueueIncArg)
	qid, err := validate(a)
	if err != nil {
		return err
	}
	if a.GetPort() != m.port.Name || qid != m.qid {
		return module.ErrRebuild
	}
	return nil
}

// Keeps says that the burst stays with another argument.
func (*QueueInc) Keeps(command string) bool { return command == "set_burst" }

func (m *QueueInc) setBurst(arg *QueueIncCommandSetBurstArg) error {
	n := arg.GetBurst()
	if n > packet.BatchSize {
		return module.Invalid("burst", n, "must be 0..%d packets", packet.BatchSize)
	}
	m.burst.Store(int32(n))
	// The worker may be asleep because the burst was 0.
	m.task.Wake()
	return nil
}
