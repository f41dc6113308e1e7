// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package pcapng is the gate hook PcapNg (spec: api.md section 6.8). It writes
// the file format described by draft-ietf-opsawg-pcapng.
package pcapng

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes PcapNg.
var Class = &hook.Class{
	Name:     "PcapNg",
	Prefix:   "pcapng",
	Help:     "copies packets and their metadata to a FIFO in the format of pcapng files",
	Priority: 2,
	Arg:      (*api.PcapngArg)(nil),
	New:      hook.New(create),
}

// PcapNg is an attached hook. Any number of workers may run it; each puts
// packets into whole blocks on its own stack and hands them to the FIFO.
type PcapNg struct {
	fifo    *sys.FIFO
	comment comment
	log     *slog.Logger
	lost    atomic.Uint64
}

func create(g hook.Gate, arg *api.PcapngArg) (*PcapNg, error) {
	if arg.GetFifo() == "" {
		return nil, module.Invalid("fifo", "", "must be the path of a FIFO")
	}
	fifo, err := sys.OpenFIFO(sys.FIFOConfig{Path: arg.GetFifo(), Header: fileHeader(), Wait: arg.GetDefer(), Reconnect: arg.GetReconnect()})
	if err != nil {
		return nil, errno.Errorf(errno.Code(err), "fifo: %q: Failed to open FIFO: %w", arg.GetFifo(), err)
	}
	return &PcapNg{fifo: fifo, comment: newComment(g.Attrs), log: g.Log}, nil
}

// Run copies a batch to the FIFO if somebody reads it.
func (h *PcapNg) Run(ctx *module.Context, b *packet.Batch) {
	if h.fifo.Connected() {
		h.capture(ctx, b.Packets())
	}
}

// capture writes the packets, with one time for all of them. When the pipe is
// full the rest is lost.
func (h *PcapNg) capture(ctx *module.Context, ps []packet.Packet) {
	var chunk [sys.FIFOChunk]byte
	now := uint64(time.Now().UnixMicro())
	n, done := 0, 0 // bytes in chunk; packets written
	for i, p := range ps {
		if n+h.comment.blockSize(p) > len(chunk) {
			if !h.fifo.Write(chunk[:n]) {
				h.lost.Add(uint64(len(ps) - done))
				return
			}
			n, done = 0, i
		}
		n += h.comment.block(chunk[n:], ctx, p, now)
	}
	if !h.fifo.Write(chunk[:n]) {
		h.lost.Add(uint64(len(ps) - done))
	}
}

// Close ends the capture.
func (h *PcapNg) Close() {
	h.fifo.Close()
	if n := h.lost.Load(); n > 0 {
		h.log.Warn("the reader of the capture was too slow", "packets_lost", n)
	}
}
