// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package dump is the module class Dump: it shows one packet now and then
// (spec: modules/stateful.md).
package dump

import (
	"math"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Dump",
	Prefix:     "dump",
	Help:       "writes one packet per interval to the log",
	IGates:     1,
	OGates:     1,
	MaxWorkers: 1,
	Arg:        (*DumpArg)(nil),
	Counters: []module.CounterDoc{
		countDumped: {Name: "dumped", Unit: "packets", Help: "written to the log"},
	},
	Commands: []module.Command{
		module.Do("set_interval", module.Concurrent, "sets the interval, which applies after the next packet written", (*Dump).setInterval),
	},
	New: module.New(create),
}

// countDumped is the index of the counter in Class.Counters.
const countDumped = 0

// parse returns an interval in nanoseconds; what is too long for that, and
// infinity, is about 292 years.
func parse(seconds float64) (uint64, error) {
	if !(seconds >= 0) { // NaN, too
		return 0, module.Invalid("interval", seconds, "must be a number of seconds, 0 or more")
	}
	return uint64(min(seconds*float64(time.Second), math.MaxInt64/2)), nil
}

// validate returns the interval of a creation argument.
func validate(arg *DumpArg) (uint64, error) {
	if arg.GetInterval() == 0 {
		return uint64(time.Second), nil
	}
	return parse(arg.GetInterval())
}

// Dump is an instance, for one worker. The worker copies a packet, and a
// goroutine writes it, so that the worker never waits for the log.
type Dump struct {
	interval atomic.Uint64 // nanoseconds
	next     uint64        // of the worker: when to take the next packet
	writer   *writer
}

func create(env *module.Env, arg *DumpArg) (*Dump, error) {
	m := &Dump{}
	if err := m.Update(arg); err != nil {
		return nil, err
	}
	m.writer = newWriter(env.Log, env.Name)
	return m, nil
}

// Process takes a copy of the first packet if it is time and passes all on to
// gate 0.
func (m *Dump) Process(ctx *module.Context, b *packet.Batch) {
	if now := ctx.NowNS(); now >= m.next && b.Len() > 0 {
		if m.writer.offer(b.At(0), ctx.MetaLen) {
			ctx.Count(countDumped, 1)
			m.next = now + m.interval.Load()
		}
	}
	ctx.EmitBatch(b, 0)
}

func (m *Dump) setInterval(arg *DumpArg) error {
	if arg.GetInterval() == 0 {
		return module.Invalid("interval", arg.GetInterval(), "must be above 0")
	}
	return m.Update(arg)
}

// Update takes a new creation argument.
func (m *Dump) Update(arg proto.Message) error {
	n, err := validate(arg.(*DumpArg))
	if err != nil {
		return err
	}
	m.interval.Store(n)
	return nil
}

// Close writes a packet that waits and ends the goroutine.
func (m *Dump) Close() { m.writer.close() }
