// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package queueout is the module class QueueOut (spec: modules/ports.md).
package queueout

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes QueueOut.
var Class = &module.Class{
	Name:       "QueueOut",
	Prefix:     "queue_out",
	Help:       "sends packets out of one outgoing queue of a port",
	IGates:     1,
	MaxWorkers: 1,
	Arg:        (*QueueOutArg)(nil),
	New:        module.New(create),
}

// validate checks the argument and returns the queue's number.
func validate(arg *QueueOutArg) (int, error) {
	if arg.GetPort() == "" {
		return 0, module.Invalid("port", "", "field 'port' must be specified")
	}
	if q := arg.GetQid(); q >= port.MaxQueues {
		return 0, module.Invalid("qid", q, "must be 0..%d", port.MaxQueues-1)
	}
	return int(arg.GetQid()), nil
}

// QueueOut is an instance. One worker is all that it is meant for, but the
// engine does not refuse to run it on more; the lock keeps the device whole
// then. It costs 5 ns a batch.
type QueueOut struct {
	port *port.Port
	qid  int
	lock sys.SpinLock
}

func create(env *module.Env, arg *QueueOutArg) (*QueueOut, error) {
	qid, err := validate(arg)
	if err != nil {
		return nil, err
	}
	p, err := env.AcquirePort(arg.GetPort(), port.Out, qid)
	if err != nil {
		return nil, err
	}
	return &QueueOut{port: p, qid: qid}, nil
}

// Process sends the batch. The port counts, and frees, what it does not take.
func (m *QueueOut) Process(ctx *module.Context, b *packet.Batch) {
	m.lock.Lock()
	defer m.lock.Unlock() // even if the driver panics
	m.port.Send(m.qid, ctx.Cache, b)
}

// NodeMask returns the NUMA nodes near the device.
func (m *QueueOut) NodeMask() uint64 {
	if n, ok := m.port.Device.(port.Noder); ok {
		return n.NodeMask()
	}
	return ^uint64(0)
}

// Desc returns "port:queue/driver".
func (m *QueueOut) Desc() string {
	return m.port.Name + ":" + strconv.Itoa(m.qid) + "/" + m.port.Driver.Name
}

// Update accepts the same queue; another one needs a new instance.
func (m *QueueOut) Update(arg proto.Message) error {
	a := arg.(*QueueOutArg)
	qid, err := validate(a)
	if err != nil {
		return err
	}
	if a.GetPort() != m.port.Name || qid != m.qid {
		return module.ErrRebuild
	}
	return nil
}
