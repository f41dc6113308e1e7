// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

// gate lets one worker at a time use something that the control side can take
// away.
//
//	worker                     control side
//	inside = 1                 what = nil
//	what != nil? use it        wait until inside == 0
//	inside = 0                 nobody uses it, nobody will
//
// Both sides write first and look then, so that one of them sees the other.
type gate[T any] struct {
	what   atomic.Pointer[T]
	inside atomic.Uint32
}

// enter returns what there is to use, nil if there is nothing. Unless it is
// nil, leave must follow.
func (g *gate[T]) enter() *T {
	if g.what.Load() == nil {
		return nil
	}
	g.inside.Store(1)
	w := g.what.Load()
	if w == nil {
		g.inside.Store(0)
	}
	return w
}

func (g *gate[T]) leave() { g.inside.Store(0) }

// open lets workers in.
func (g *gate[T]) open(w *T) { g.what.Store(w) }

// shut keeps workers out, waits until none is inside and returns what was to
// be used, nil if there was nothing.
func (g *gate[T]) shut() *T {
	w := g.what.Swap(nil)
	for g.inside.Load() != 0 {
		time.Sleep(10 * time.Microsecond)
	}
	return w
}

// faults makes access to memory that is not there a panic of the calling
// goroutine, and returns what the setting was.
func faults() bool { return debug.SetPanicOnFault(true) }

// restore sets what faults has changed.
func restore(before bool) { debug.SetPanicOnFault(before) }
