// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package portinc is the module class PortInc (spec: modules/ports.md).
package portinc

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

// Class describes PortInc.
var Class = &module.Class{
	Name:       "PortInc",
	Prefix:     "port_inc",
	Help:       "receives packets from all incoming queues of a port",
	OGates:     1,
	Task:       true,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*PortIncArg)(nil),
	Commands: []module.Command{
		module.Do("set_burst", module.Concurrent, "sets how many packets a run of a task takes; 0 stops receiving", (*PortInc).setBurst),
		module.Ask("get_initial_arg", module.Concurrent, "the argument, rebuilt", (*PortInc).getInitialArg),
	},
	New: module.New(create),
}

// downRetry is how often a port that is down is looked at, in nanoseconds.
const downRetry = 10_000_000

// validate checks the argument.
func validate(arg *PortIncArg) error {
	if arg.GetPort() == "" {
		return module.Invalid("port", "", "'port' must be given as a string")
	}
	return nil
}

// PortInc is an instance. Task i polls queue i.
type PortInc struct {
	module.NoInput
	port     *port.Port
	prefetch atomic.Bool
	burst    atomic.Int32 // packets, 0..packet.BatchSize
	tasks    []*module.Task
	queues   []queue
}

// queue belongs to the worker that runs its task.
type queue struct {
	// empty says that the task's last run found the queue empty: only then
	// is it of use to wait for its descriptor.
	empty bool
	_     [63]byte
}

func create(env *module.Env, arg *PortIncArg) (*PortInc, error) {
	if err := validate(arg); err != nil {
		return nil, err
	}
	p, err := env.AcquirePort(arg.GetPort(), port.Inc, -1)
	if err != nil {
		return nil, err
	}
	m := &PortInc{port: p, queues: make([]queue, p.Queues(port.Inc))}
	m.prefetch.Store(arg.GetPrefetch())
	m.burst.Store(packet.BatchSize)
	for range m.queues {
		m.tasks = append(m.tasks, env.AddTask())
	}
	return m, nil
}

// RunTask receives up to a burst from one queue and sends it to gate 0.
func (m *PortInc) RunTask(ctx *module.Context, task int) module.Result {
	q := &m.queues[task]
	q.empty = false
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
	n := m.port.Recv(task, ctx.Cache, b, burst)
	if n == 0 {
		q.empty = true
		return module.Result{Blocked: true, Retry: m.port.RetryAfter(task)}
	}
	// Buffers are used again and again; what earlier packets left in their
	// metadata must not be taken for these packets'.
	packet.ClearMetadata(b.Packets(), ctx.MetaLen)
	bytes := b.Bytes()
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: packet.Bits(n, bytes)}
}

// WaitFD returns the descriptor that tells that the task's queue has packets.
func (m *PortInc) WaitFD(task int) int {
	if !m.queues[task].empty {
		return -1
	}
	return m.port.WaitFD(task)
}

// NodeMask returns the NUMA nodes near the device.
func (m *PortInc) NodeMask() uint64 {
	if n, ok := m.port.Device.(port.Noder); ok {
		return n.NodeMask()
	}
	return ^uint64(0)
}

// Desc returns "port/driver".
func (m *PortInc) Desc() string { return m.port.Name + "/" + m.port.Driver.Name }

// InitialArg rebuilds the argument from the state.
func (m *PortInc) InitialArg() proto.Message {
	return &PortIncArg{Port: m.port.Name, Prefetch: m.prefetch.Load()}
}

func (m *PortInc) getInitialArg(*api.EmptyArg) (*PortIncArg, error) {
	return m.InitialArg().(*PortIncArg), nil
}

// Update changes prefetch in place; another port needs a new instance.
func (m *PortInc) Update(arg proto.Message) error {
	a := arg.(*PortIncArg)
	if err := validate(a); err != nil {
		return err
	}
	if a.GetPort() != m.port.Name {
		return module.ErrRebuild
	}
	m.prefetch.Store(a.GetPrefetch())
	return nil
}

// Keeps says that the burst stays with another argument.
func (*PortInc) Keeps(command string) bool { return command == "set_burst" }

func (m *PortInc) setBurst(arg *PortIncCommandSetBurstArg) error {
	n := arg.GetBurst()
	if n > packet.BatchSize {
		return module.Invalid("burst", n, "must be 0..%d packets", packet.BatchSize)
	}
	m.burst.Store(int32(n))
	// Workers may be asleep because the burst was 0.
	for _, t := range m.tasks {
		t.Wake()
	}
	return nil
}
