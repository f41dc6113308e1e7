// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package portout is the module class PortOut (spec: modules/ports.md).
package portout

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes PortOut.
var Class = &module.Class{
	Name:       "PortOut",
	Prefix:     "port_out",
	Help:       "sends packets out of a port, every worker through a queue of its own",
	IGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*PortOutArg)(nil),
	Commands: []module.Command{
		module.Ask("get_initial_arg", module.Concurrent, "the argument, rebuilt", (*PortOut).getInitialArg),
	},
	New: module.New(create),
}

// validate checks the argument.
func validate(arg *PortOutArg) error {
	if arg.GetPort() == "" {
		return module.Invalid("port", "", "'port' must be given as a string")
	}
	return nil
}

// table says which queue each worker uses. Immutable. A worker that was not
// foreseen uses queue 0.
type table [module.MaxWorkers]uint8

// PortOut is an instance.
//
// Every queue has a lock, also one that a single worker uses: when workers
// come and go a queue changes hands, and the old user may be in the middle of
// a batch at that moment. A lock nobody else wants costs 5 ns a batch.
type PortOut struct {
	port   *port.Port
	queues atomic.Pointer[table]
	locks  []sys.SpinLock
}

func create(env *module.Env, arg *PortOutArg) (*PortOut, error) {
	if err := validate(arg); err != nil {
		return nil, err
	}
	p, err := env.AcquirePort(arg.GetPort(), port.Out, -1)
	if err != nil {
		return nil, err
	}
	m := &PortOut{port: p, locks: make([]sys.SpinLock, p.Queues(port.Out))}
	m.queues.Store(&table{})
	return m, nil
}

// SetWorkers gives the workers the queues 0, 1, 2 and so on, in ascending
// order of their ids, beginning again when there are no more queues.
func (m *PortOut) SetWorkers(wids []int) {
	t := &table{}
	for i, w := range wids {
		t[w] = uint8(i % len(m.locks))
	}
	m.queues.Store(t)
}

// Process sends the batch. The port counts, and frees, what it does not take.
func (m *PortOut) Process(ctx *module.Context, b *packet.Batch) {
	q := int(m.queues.Load()[ctx.Worker])
	l := &m.locks[q]
	l.Lock()
	defer l.Unlock() // a driver that panics must not stop the other workers
	m.port.Send(q, ctx.Cache, b)
}

// NodeMask returns the NUMA nodes near the device.
func (m *PortOut) NodeMask() uint64 {
	if n, ok := m.port.Device.(port.Noder); ok {
		return n.NodeMask()
	}
	return ^uint64(0)
}

// Desc returns "port/driver".
func (m *PortOut) Desc() string { return m.port.Name + "/" + m.port.Driver.Name }

// InitialArg rebuilds the argument from the state.
func (m *PortOut) InitialArg() proto.Message { return &PortOutArg{Port: m.port.Name} }

func (m *PortOut) getInitialArg(*api.EmptyArg) (*PortOutArg, error) {
	return m.InitialArg().(*PortOutArg), nil
}

// Update accepts the same port; another one needs a new instance.
func (m *PortOut) Update(arg proto.Message) error {
	a := arg.(*PortOutArg)
	if err := validate(a); err != nil {
		return err
	}
	if a.GetPort() != m.port.Name {
		return module.ErrRebuild
	}
	return nil
}
