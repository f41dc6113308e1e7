// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Limits (spec: scheduler.md section 1).
const (
	// MaxGates is the most gates a module has in one direction.
	MaxGates = 8192
	// DropGate is the gate number that means "drop" wherever a gate is
	// configured. It can never be connected.
	DropGate = 8192
	// MaxWorkers is the most workers an engine has; ids are 0..63.
	MaxWorkers = 64
	// MaxTasks is the most tasks of one module that can be addressed.
	MaxTasks = 32
)

// Module is an instance of a class.
//
// Process takes ownership of every packet of b and must pass each on exactly
// once: ctx.Emit, ctx.EmitBatch, ctx.Drop, ctx.Free, or keep it (Class.Holds).
// It may run on several workers at once if Class.MaxWorkers allows it, and
// while commands run; it must not lock, allocate or log, and must not panic
// on any packet.
type Module interface {
	Process(ctx *Context, b *packet.Batch)
}

// Runner is implemented by modules that registered tasks. RunTask produces at
// most one batch and emits it. task is the index in order of registration.
type Runner interface {
	RunTask(ctx *Context, task int) Result
}

// Result is what one run of a task amounts to.
type Result struct {
	// Packets and Bits (Ethernet overhead included) that the run produced.
	Packets, Bits uint64
	// Blocked says that there was nothing to do.
	Blocked bool
	// Retry, in nanoseconds, is when a blocked task wants to be run again
	// should its worker go to sleep. 0 means that its descriptor (WaitFD) or
	// a call of Task.Wake ends the wait.
	Retry uint64
}

// Optional interfaces of a Module.
type (
	// Closer frees what the instance holds. No worker uses it any more.
	Closer interface{ Close() }

	// Describer gives the one-line live description shown in lists.
	Describer interface{ Desc() string }

	// InitialArger rebuilds the argument that get_initial_arg answers;
	// without it the argument given at creation is answered verbatim.
	InitialArger interface{ InitialArg() proto.Message }

	// Updater takes a new creation argument in place of the old one, at once
	// and as a whole: packets see the old configuration or the new one. It
	// returns ErrRebuild if this change needs a new instance. Nothing has
	// changed when it returns an error.
	Updater interface{ Update(arg proto.Message) error }

	// Keeper is an Updater that says of which commands the effect stays when it
	// takes a new argument. That of all others ends.
	Keeper interface{ Keeps(command string) bool }

	// FDWaiter names the descriptor that becomes readable when the blocked
	// task has work again, -1 if there is none. It is asked before every sleep.
	FDWaiter interface{ WaitFD(task int) int }

	// Overloader is implemented by modules that can ask the tasks feeding
	// them to hold back. Safe to call from any worker.
	Overloader interface{ Overloaded() bool }

	// WorkerObserver is told, in ascending order, which workers can reach the
	// instance whenever that changes, before they do.
	WorkerObserver interface{ SetWorkers(wids []int) }

	// WorkerRouter says through which single output gate a worker leaves the
	// module (-1: none), for modules that separate workers.
	WorkerRouter interface{ GateForWorker(wid int) int }

	// Placer judges the placement of an instance instead of the default rule
	// (workers within the class's limits). feeders counts tasks of other
	// modules that reach it, own its own tasks that are attached to a worker.
	Placer interface {
		Placement(feeders, own int) (violation, fatal bool)
	}

	// RuleCounter is implemented by classes with an ordered list of rules: how
	// many packets each rule has decided, in rule order.
	RuleCounter interface{ RuleStats() []uint64 }

	// NodeLimiter restricts the instance to NUMA nodes: bit n is node n.
	NodeLimiter interface{ NodeMask() uint64 }
)

// NoInput is embedded by modules without input gates.
type NoInput struct{}

// Process drops b; the engine never connects anything to such a module.
func (NoInput) Process(ctx *Context, b *packet.Batch) { ctx.DropBatch(b) }

// Class describes a module class to the engine, to clients and to the
// generated documentation.
type Class struct {
	// Name is the class's name on the wire, for example "ACL".
	Name string
	// Prefix begins the names the engine gives to unnamed instances.
	Prefix string
	// Help is one line.
	Help string
	// IGates and OGates are how many gates of each kind can be connected.
	IGates, OGates int
	// Task is set for classes that register tasks.
	Task bool
	// TaskField names the field of the argument that makes instances of a
	// class without Task register one task, if it is not zero.
	TaskField string
	// MaxWorkers limits how many workers may run an instance; 0 means 1.
	MaxWorkers int
	// StopsWorkers is set for classes behind which other tasks take over:
	// workers that enter do not come out.
	StopsWorkers bool
	// Holds is set for classes that keep packets beyond Process.
	Holds bool
	// Arg is the creation argument's message; nil means bess.pb.EmptyArg.
	Arg proto.Message
	// Attrs describes the metadata attributes for the documentation.
	Attrs []AttrDoc
	// Counters are the class's own statistics, indexed by Context.Count.
	Counters []CounterDoc
	// Commands in the order shown to clients.
	Commands []Command
	// New builds an instance. It must leave nothing behind when it fails;
	// what it registered with env is undone by the engine.
	New func(env *Env, arg proto.Message) (Module, error)
}

// AttrDoc documents a metadata attribute of a class.
type AttrDoc struct {
	Name string // fixed name, or "<field>" if an argument field names it
	Size string // in bytes
	Mode Mode
	Help string
}

// CounterDoc documents a counter of a class.
type CounterDoc struct {
	Name string // lower case with underscores
	Unit string // "packets", "bytes", …
	Help string
}

// Workers returns the effective limit of workers.
func (c *Class) Workers() int { return max(c.MaxWorkers, 1) }

// Command returns the command of that exact name, or nil.
func (c *Class) Command(name string) *Command {
	for i := range c.Commands {
		if c.Commands[i].Name == name {
			return &c.Commands[i]
		}
	}
	return nil
}

// New adapts a typed constructor to Class.New.
func New[A proto.Message, M Module](f func(env *Env, arg A) (M, error)) func(*Env, proto.Message) (Module, error) {
	return func(env *Env, arg proto.Message) (Module, error) {
		m, err := f(env, arg.(A))
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}
