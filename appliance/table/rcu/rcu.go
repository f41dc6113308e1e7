// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package rcu tells when memory outside the Go heap that was taken out of a
// table can be used again. Readers never wait: they announce in one word of
// their own when they begin and when they are done. The writer publishes the
// new state, retires the old one, and it is freed once every reader has been
// seen outside (read-copy-update).
//
//	reader  Enter ---- load, look up ---- Leave        Enter ---- Leave
//	writer        publish, Retire(free)        ^ free may run from here on
package rcu

import (
	"sync/atomic"
	"time"
)

// MaxReaders is the number of readers of a Domain: one per worker.
const MaxReaders = 64

// Domain is the readers and the one writer of a set of tables. The zero value
// is ready. Enter and Leave of one reader are called by one thread; all other
// methods belong to the writer and are not safe for concurrent use.
type Domain struct {
	readers [MaxReaders]reader

	fresh   []func() // retired since mark
	waiting []func() // retired before mark
	mark    [MaxReaders]uint64
}

// reader has a cache line of its own. Its epoch is odd between Enter and
// Leave.
type reader struct {
	epoch atomic.Uint64
	_     [56]byte
}

// Enter begins a reader's section: what it loads from now on is not freed
// before Leave. Sections do not nest; one that was never left, because of a
// panic, ends with the reader's next Enter.
func (d *Domain) Enter(id int) {
	e := &d.readers[id&(MaxReaders-1)].epoch
	e.Store((e.Load() + 2) | 1)
}

// Leave ends the section.
func (d *Domain) Leave(id int) {
	e := &d.readers[id&(MaxReaders-1)].epoch
	e.Store(e.Load() + 1)
}

// Retire has free called when no reader can hold any more what the writer has
// just unpublished: at once if nobody reads, else during a later Retire, Poll
// or Close.
func (d *Domain) Retire(free func()) {
	d.fresh = append(d.fresh, free)
	d.Poll()
}

// Poll frees what can be freed and reports whether nothing is left.
func (d *Domain) Poll() bool {
	// Twice, as what was retired last may be free at once.
	for range 2 {
		if !d.passed() {
			return false
		}
		run(d.waiting)
		clear(d.waiting)
		d.waiting, d.fresh = d.fresh, d.waiting[:0]
		if len(d.waiting) == 0 {
			return true
		}
		for i := range d.readers {
			d.mark[i] = d.readers[i].epoch.Load()
		}
	}
	return false
}

// passed reports whether every reader has been outside since the mark.
func (d *Domain) passed() bool {
	if len(d.waiting) == 0 {
		return true
	}
	for i, e := range d.mark {
		if e&1 == 1 && d.readers[i].epoch.Load() == e {
			return false
		}
	}
	return true
}

func run(frees []func()) {
	for _, free := range frees {
		free()
	}
}

// How often, and after which pause, Flush looks: a reader is inside for some
// microseconds.
const (
	flushTries = 20
	flushPause = 50 * time.Microsecond
)

// Flush is Poll for writers that can wait a moment, a millisecond at most, so
// that large pieces of memory do not stay until the next change.
func (d *Domain) Flush() bool {
	for range flushTries {
		if d.Poll() {
			return true
		}
		time.Sleep(flushPause)
	}
	return d.Poll()
}

// Close frees everything. No reader may be inside.
func (d *Domain) Close() {
	run(d.waiting)
	run(d.fresh)
	d.waiting, d.fresh = nil, nil
}
