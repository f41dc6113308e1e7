// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"context"
	"encoding/hex"
	"log/slog"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// maxBytes is how much of a packet is written.
const maxBytes = packet.BufferSize

// writer writes packets to the log, one at a time.
type writer struct {
	log    *slog.Logger
	module string
	// busy says who owns the sample: the goroutine if set, the worker if not.
	busy   atomic.Bool
	sample sample
	wake   chan struct{} // room for one
	done   chan struct{}
}

// sample is a copy of a packet.
type sample struct {
	total int // bytes of the packet
	n     int // bytes of it in data
	meta  int // bytes of metadata in use
	data  [maxBytes]byte
	md    [packet.MetadataSize]byte
}

func newWriter(log *slog.Logger, module string) *writer {
	w := &writer{log: log, module: module, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// offer takes a copy of a packet and returns false if the last one is still
// being written. Only one worker may call it.
func (w *writer) offer(p packet.Packet, metaLen int) bool {
	if w.busy.Load() {
		return false
	}
	s := &w.sample
	s.total = p.TotalLen()
	s.n = p.CopyOut(s.data[:])
	s.meta = copy(s.md[:], p.Metadata()[:min(metaLen, packet.MetadataSize)])
	w.busy.Store(true)
	select {
	case w.wake <- struct{}{}:
	default: // cannot be: there is room for the only sample
	}
	return true
}

func (w *writer) run() {
	defer close(w.done)
	for range w.wake {
		w.write()
		w.busy.Store(false)
	}
}

func (w *writer) write() {
	if !w.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	s := &w.sample
	w.log.Info("packet", "module", w.module, "bytes", s.total,
		"data", hex.EncodeToString(s.data[:s.n]), "metadata", hex.EncodeToString(s.md[:s.meta]))
}

// close waits until everything is written.
func (w *writer) close() {
	close(w.wake)
	<-w.done
}
