// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package randomsplit is the module class RandomSplit: it drops a share of
// the packets and spreads the others over gates by chance (spec:
// modules/classify.md).
package randomsplit

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "RandomSplit",
	Prefix:     "random_split",
	Help:       "drops packets with a probability and sends the others to random gates",
	IGates:     1,
	OGates:     module.MaxGates,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*RandomSplitArg)(nil),
	Counters: []module.CounterDoc{
		countDropped: {Name: "dropped", Unit: "packets", Help: "dropped by chance, as drop_rate asks"},
		countNoGates: {Name: "no_gates", Unit: "packets", Help: "dropped: the list of gates is empty"},
	},
	Commands: []module.Command{
		module.Do("set_droprate", module.Concurrent, "sets the probability of a drop, 0..1", (*RandomSplit).setDroprate),
		module.Do("set_gates", module.Concurrent, "replaces the list of gates", (*RandomSplit).setGates),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countDropped = iota
	countNoGates
)

// maxGates is the most entries of a list; gates may repeat.
const maxGates = 16384

// config is what packets are judged by. Immutable once published.
type config struct {
	rate  float64 // 0..1
	gates []uint16
}

func checkRate(rate float64) error {
	// Written so that NaN fails.
	if !(rate >= 0 && rate <= 1) {
		return module.Invalid("drop_rate", rate, "must be 0..1")
	}
	return nil
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

func validate(arg *RandomSplitArg) (*config, error) {
	if err := checkRate(arg.GetDropRate()); err != nil {
		return nil, err
	}
	gates, err := checkGates(arg.GetGates())
	if err != nil {
		return nil, err
	}
	return &config{rate: arg.GetDropRate(), gates: gates}, nil
}

// RandomSplit is an instance. Chance comes from each worker's own generator.
type RandomSplit struct {
	config atomic.Pointer[config]
}

func create(_ *module.Env, arg *RandomSplitArg) (*RandomSplit, error) {
	c, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &RandomSplit{}
	m.config.Store(c)
	return m, nil
}

// Process draws for every packet: a number in [0,1) below the rate drops it,
// and another number selects the gate of each that is left.
func (m *RandomSplit) Process(ctx *module.Context, b *packet.Batch) {
	c := m.config.Load()
	if len(c.gates) == 0 {
		ctx.Count(countNoGates, uint64(b.Len()))
		ctx.DropBatch(b)
		return
	}
	if c.rate == 0 && len(c.gates) == 1 {
		ctx.EmitBatch(b, int(c.gates[0]))
		return
	}
	if c.rate > 0 {
		m.drop(ctx, b, c.rate)
	}
	var gates [packet.BatchSize]uint16
	r, n := ctx.Rand, uint32(len(c.gates))
	for i := range b.Packets() {
		gates[i] = c.gates[r.Range(n)]
	}
	ctx.Rand = r
	ctx.EmitEach(b, gates[:])
}

// drop draws the packets to be dropped and takes them out of b.
func (m *RandomSplit) drop(ctx *module.Context, b *packet.Batch, rate float64) {
	left := b.Slots()[:0]
	for _, p := range b.Packets() {
		if ctx.Rand.Float64() < rate {
			ctx.Drop(p)
			continue
		}
		left = append(left, p)
	}
	ctx.Count(countDropped, uint64(b.Len()-len(left)))
	b.SetLen(len(left))
}

// Update takes a new creation argument.
func (m *RandomSplit) Update(arg proto.Message) error {
	c, err := validate(arg.(*RandomSplitArg))
	if err != nil {
		return err
	}
	m.config.Store(c)
	return nil
}

func (m *RandomSplit) setDroprate(arg *RandomSplitCommandSetDroprateArg) error {
	if err := checkRate(arg.GetDropRate()); err != nil {
		return err
	}
	m.config.Store(&config{rate: arg.GetDropRate(), gates: m.config.Load().gates})
	return nil
}

func (m *RandomSplit) setGates(arg *RandomSplitCommandSetGatesArg) error {
	gates, err := checkGates(arg.GetGates())
	if err != nil {
		return err
	}
	m.config.Store(&config{rate: m.config.Load().rate, gates: gates})
	return nil
}
