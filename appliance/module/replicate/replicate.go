// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package replicate is the module class Replicate: every packet leaves
// through several gates (spec: modules/classify.md).
package replicate

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Replicate",
	Prefix:     "repl",
	Help:       "sends the packet to the first gate of a list and copies to the others",
	IGates:     1,
	OGates:     maxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*ReplicateArg)(nil),
	Counters: []module.CounterDoc{
		countFailed: {Name: "copy_failed", Unit: "packets", Help: "copies not made: no free packet buffer"},
	},
	Commands: []module.Command{
		module.Do("set_gates", module.Concurrent, "replaces the list of gates", (*Replicate).setGates),
	},
	New: module.New(create),
}

// countFailed is the index of the counter in Class.Counters.
const countFailed = 0

// maxGates is how many gates there are, and the most entries of a list.
const maxGates = 32

// config is a list of gates. Immutable once published.
type config struct {
	gates []uint8 // at least one
	// distinct is set if no gate is named twice.
	distinct bool
}

// validate checks a list and returns it; an empty list means gate 0 alone.
func validate(gates []int64) (*config, error) {
	if len(gates) > maxGates {
		return nil, module.Invalid("gates", len(gates), "at most %d entries", maxGates)
	}
	list := make([]uint8, max(len(gates), 1))
	seen := uint32(0)
	for i, g := range gates {
		if g < 0 || g >= maxGates {
			return nil, module.Invalid(fmt.Sprintf("gates[%d]", i), g, "gate must be 0..%d", maxGates-1)
		}
		list[i] = uint8(g)
		seen |= 1 << g
	}
	return &config{list, bits.OnesCount32(seen) == len(gates)}, nil
}

// Replicate is an instance.
type Replicate struct {
	config atomic.Pointer[config]
}

func create(_ *module.Env, arg *ReplicateArg) (*Replicate, error) {
	list, err := validate(arg.GetGates())
	if err != nil {
		return nil, err
	}
	m := &Replicate{}
	m.config.Store(list)
	return m, nil
}

// Process makes the copies of every packet first, in the order of the list,
// then passes the packet itself on. Copies carry the metadata along.
func (m *Replicate) Process(ctx *module.Context, b *packet.Batch) {
	cfg := m.config.Load()
	gates := cfg.gates
	failed := 0
	if cfg.distinct {
		// The order at each gate is the same if a gate gets all its copies at
		// once.
		for _, g := range gates[1:] {
			failed += ctx.EmitCopies(b, int(g))
		}
		if failed > 0 {
			ctx.Count(countFailed, uint64(failed))
		}
		ctx.EmitBatch(b, int(gates[0]))
		return
	}
	for _, p := range b.Packets() {
		for _, g := range gates[1:] {
			c := ctx.Cache.Copy(p, ctx.MetaLen)
			if c == 0 {
				failed++
				continue
			}
			ctx.Emit(c, int(g))
		}
		ctx.Emit(p, int(gates[0]))
	}
	if failed > 0 {
		ctx.Count(countFailed, uint64(failed))
	}
}

// Update takes a new creation argument.
func (m *Replicate) Update(arg proto.Message) error {
	return m.publish(arg.(*ReplicateArg).GetGates())
}

func (m *Replicate) setGates(arg *ReplicateCommandSetGatesArg) error {
	return m.publish(arg.GetGates())
}

func (m *Replicate) publish(gates []int64) error {
	list, err := validate(gates)
	if err != nil {
		return err
	}
	m.config.Store(list)
	return nil
}
