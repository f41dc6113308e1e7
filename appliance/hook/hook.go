// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package hook is the contract between the engine and the gate hooks: code
// that looks at every batch passing a gate without changing it (spec: api.md
// section 6.8).
package hook

import (
	"log/slog"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Class describes a hook class.
type Class struct {
	// Name on the wire, for example "TcpDump".
	Name string
	// Prefix begins the names of unnamed hooks.
	Prefix string
	// Help is one line.
	Help string
	// Priority orders the hooks of a gate, smaller first, then by name.
	Priority int
	// Arg is the argument's message.
	Arg proto.Message
	// Commands in the order shown to clients.
	Commands []Command
	// New builds a hook for the gate.
	New func(g Gate, arg proto.Message) (Hook, error)
}

// Command is a function that clients can call on a hook.
type Command struct {
	Name, Help string
	Arg        proto.Message
	// Run executes the command while no worker runs the hook.
	Run func(h Hook, arg proto.Message) (proto.Message, error)
}

// Gate is what a hook knows of its gate.
type Gate struct {
	Module string
	// Input is set for input gates.
	Input bool
	Index int
	// Attrs are the attributes of the module the gate belongs to, in order
	// of declaration: Context.Attr(i) gives their places.
	Attrs []module.Attr
	Log   *slog.Logger
}

// Hook is an attached hook. Run may be called by several workers at once.
type Hook interface {
	module.Hook
	// Close ends everything the hook started. No worker uses it any more.
	Close()
}

// Updater is implemented by hooks that take a new argument in place.
type Updater interface{ Update(arg proto.Message) error }

// Tracker is implemented by hooks that only count: the graph then counts
// inline instead of calling Run, in the worker's cell.
type Tracker interface {
	// Cell returns the counters of a worker, 0..63, the same on every call.
	Cell(worker int) *module.TrackCell
	// Counts returns the sums over all workers.
	Counts() Counts
}

// Counts are the sums of a Tracker over all workers.
type Counts struct{ Batches, Packets, Bytes uint64 }

// New adapts a typed constructor to Class.New.
func New[A proto.Message, H Hook](f func(g Gate, arg A) (H, error)) func(Gate, proto.Message) (Hook, error) {
	return func(g Gate, arg proto.Message) (Hook, error) {
		h, err := f(g, arg.(A))
		if err != nil {
			return nil, err
		}
		return h, nil
	}
}
