// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package roundrobin is the module class RoundRobin: gates in turn, by packet
// or by batch (spec: modules/classify.md).
package roundrobin

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "RoundRobin",
	Prefix:     "rr",
	Help:       "sends packets or batches to its gates in turn",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: 1,
	Arg:        (*RoundRobinArg)(nil),
	Counters: []module.CounterDoc{
		countNoGates: {Name: "no_gates", Unit: "packets", Help: "dropped: the list of gates is empty"},
	},
	Commands: []module.Command{
		module.Do("set_mode", module.Concurrent, "sets whether packets or batches take turns", (*RoundRobin).setMode),
		module.Do("set_gates", module.Concurrent, "replaces the list of gates", (*RoundRobin).setGates),
	},
	New: module.New(create),
}

// countNoGates is the index of the counter in Class.Counters.
const countNoGates = 0

// maxGates is the most entries of a list; gates may repeat.
const maxGates = 16384

// config is what packets are sent by. Immutable once published.
type config struct {
	gates     []uint16
	perPacket bool
}

func checkGates(gates []int64) ([]uint16, error) {
	if len(gates) > maxGates {
		return nil, module.Invalid("gates", len(gates), "at most %d entries", maxGates)
	}
	list := make([]uint16, len(gates))
	for i, g := range gates {
		if err := module.CheckGate(fmt.Sprintf("gates[%d]", i), g); err != nil {
			return nil, err
		}
		list[i] = uint16(g)
	}
	return list, nil
}

// checkMode returns whether mode is "packet".
func checkMode(mode string) (bool, error) {
	if mode != "packet" && mode != "batch" {
		return false, module.Invalid("mode", mode, "must be \"packet\" or \"batch\"")
	}
	return mode == "packet", nil
}

func validate(arg *RoundRobinArg) (*config, error) {
	gates, err := checkGates(arg.GetGates())
	if err != nil {
		return nil, err
	}
	c := &config{gates: gates}
	if arg.GetMode() != "" {
		if c.perPacket, err = checkMode(arg.GetMode()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// RoundRobin is an instance.
type RoundRobin struct {
	config atomic.Pointer[config]
	// next is the place in the list whose turn it is. Its worker's only; it
	// survives changes and begins anew if the list became too short for it.
	next int
}

func create(_ *module.Env, arg *RoundRobinArg) (*RoundRobin, error) {
	c, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &RoundRobin{}
	m.config.Store(c)
	return m, nil
}

// Process sends the batch, or each of its packets, to the gate whose turn it
// is.
func (m *RoundRobin) Process(ctx *module.Context, b *packet.Batch) {
	c := m.config.Load()
	if len(c.gates) == 0 {
		ctx.Count(countNoGates, uint64(b.Len()))
		ctx.DropBatch(b)
		return
	}
	i := m.next
	if uint(i) >= uint(len(c.gates)) {
		i = 0
	}
	if !c.perPacket {
		m.next = i + 1
		ctx.EmitBatch(b, int(c.gates[i]))
		return
	}
	var gates [packet.BatchSize]uint16
	for k := range b.Packets() {
		gates[k] = c.gates[i]
		if i++; i >= len(c.gates) {
			i = 0
		}
	}
	m.next = i
	ctx.EmitEach(b, gates[:])
}

// Update takes a new creation argument.
func (m *RoundRobin) Update(arg proto.Message) error {
	c, err := validate(arg.(*RoundRobinArg))
	if err != nil {
		return err
	}
	m.config.Store(c)
	return nil
}

func (m *RoundRobin) setMode(arg *RoundRobinCommandSetModeArg) error {
	perPacket, err := checkMode(arg.GetMode())
	if err != nil {
		return err
	}
	m.config.Store(&config{gates: m.config.Load().gates, perPacket: perPacket})
	return nil
}

func (m *RoundRobin) setGates(arg *RoundRobinCommandSetGatesArg) error {
	gates, err := checkGates(arg.GetGates())
	if err != nil {
		return err
	}
	m.config.Store(&config{gates: gates, perPacket: m.config.Load().perPacket})
	return nil
}
