// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package source is the module class Source: an endless stream of packets of
// one size, all bytes zero (spec: modules/sources-sinks.md).
package source

import (
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Class is everything a user may set, call or count.
var Class = &module.Class{
	Name:       "Source",
	Prefix:     "source",
	Help:       "endless stream of zero-filled packets of one size",
	OGates:     1,
	Task:       true,
	MaxWorkers: 1,
	Arg:        (*SourceArg)(nil),
	Commands: []module.Command{
		module.Do("set_pkt_size", module.Concurrent, "sets the size of the packets from the next run on", (*Source).setPktSize),
		module.Do("set_burst", module.Concurrent, "sets how many packets a run produces; 0 pauses", (*Source).setBurst),
	},
	New: module.New(create),
}

const (
	defaultSize = 60
	maxSize     = packet.BufferSize
)

// size returns the packet size an argument asks for, in bytes.
func size(arg *SourceArg) (uint32, error) {
	n := arg.GetPktSize()
	if n > maxSize {
		return 0, module.Invalid("pkt_size", n, "must be 1..%d bytes, or 0 for %d", maxSize, defaultSize)
	}
	if n == 0 {
		n = defaultSize
	}
	return uint32(n), nil
}

// Source is an instance. One worker runs it; the settings are read at the
// start of every run.
type Source struct {
	module.NoInput
	task  *module.Task
	size  atomic.Uint32 // bytes, 1..maxSize
	burst atomic.Uint32 // packets, 0..packet.BatchSize
}

func create(env *module.Env, arg *SourceArg) (*Source, error) {
	n, err := size(arg)
	if err != nil {
		return nil, err
	}
	s := &Source{task: env.AddTask()}
	s.size.Store(n)
	s.burst.Store(packet.BatchSize)
	return s, nil
}

// RunTask produces one burst. It is blocked while a module downstream is
// overloaded, while there are no free packets and while the burst is 0.
func (s *Source) RunTask(ctx *module.Context, _ int) module.Result {
	if ctx.Overloaded() {
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	n, size := int(s.burst.Load()), int(s.size.Load())
	if n == 0 {
		return module.Result{Blocked: true}
	}
	b := ctx.Batch()
	if !ctx.Cache.AllocZeroBatch(b, n, size) {
		return module.Result{Blocked: true, Retry: module.OverloadRetry}
	}
	packet.ClearMetadata(b.Packets(), ctx.MetaLen)
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n), Bits: packet.Bits(n, uint64(n*size))}
}

// Update takes a new creation argument. The burst is not part of it and
// stays.
func (s *Source) Update(arg proto.Message) error {
	n, err := size(arg.(*SourceArg))
	if err != nil {
		return err
	}
	s.size.Store(n)
	return nil
}

// Keeps says that the burst stays with another argument.
func (*Source) Keeps(command string) bool { return command == "set_burst" }

func (s *Source) setPktSize(arg *SourceCommandSetPktSizeArg) error {
	n := arg.GetPktSize()
	if n == 0 || n > maxSize {
		return module.Invalid("pkt_size", n, "must be 1..%d bytes", maxSize)
	}
	s.size.Store(uint32(n))
	return nil
}

func (s *Source) setBurst(arg *SourceCommandSetBurstArg) error {
	n := arg.GetBurst()
	if n > packet.BatchSize {
		return module.Invalid("burst", n, "must be 0..%d packets", packet.BatchSize)
	}
	s.burst.Store(uint32(n))
	// A worker may be asleep because the burst was 0.
	s.task.Wake()
	return nil
}
