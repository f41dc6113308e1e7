// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package tcpdump is the gate hook TcpDump (spec: api.md section 6.8). It
// writes the file format of libpcap, version 2.4.
package tcpdump

import (
	"encoding/binary"
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

// Class describes TcpDump.
var Class = &hook.Class{
	Name:     "TcpDump",
	Prefix:   "tcpdump",
	Help:     "copies packets to a FIFO in the format of pcap files",
	Priority: 1,
	Arg:      (*api.TcpdumpArg)(nil),
	New:      hook.New(create),
}

const (
	fileHeaderSize   = 24
	recordHeaderSize = 16
	magic            = 0xa1b2c3d4 // microseconds, in the writer's byte order
	versionMajor     = 2
	versionMinor     = 4
	snapLen          = 65535
	linkEthernet     = 1
)

// A packet's first segment must fit into one write.
var _ [sys.FIFOChunk - recordHeaderSize - packet.BufferSize]struct{}

// TcpDump is an attached hook. Any number of workers may run it; each puts
// packets into whole records on its own stack and hands them to the FIFO.
type TcpDump struct {
	fifo *sys.FIFO
	log  *slog.Logger
	lost atomic.Uint64
}

func create(g hook.Gate, arg *api.TcpdumpArg) (*TcpDump, error) {
	if arg.GetFifo() == "" {
		return nil, module.Invalid("fifo", "", "must be the path of a FIFO")
	}
	fifo, err := sys.OpenFIFO(sys.FIFOConfig{Path: arg.GetFifo(), Header: fileHeader(), Wait: arg.GetDefer(), Reconnect: arg.GetReconnect()})
	if err != nil {
		return nil, errno.Errorf(errno.Code(err), "fifo: %q: Failed to open FIFO: %w", arg.GetFifo(), err)
	}
	return &TcpDump{fifo: fifo, log: g.Log}, nil
}

// fileHeader is what a file begins with.
func fileHeader() []byte {
	h := make([]byte, fileHeaderSize)
	e := binary.NativeEndian
	e.PutUint32(h[0:], magic)
	e.PutUint16(h[4:], versionMajor)
	e.PutUint16(h[6:], versionMinor)
	// Bytes 8..15, time zone and accuracy, are zero by convention.
	e.PutUint32(h[16:], snapLen)
	e.PutUint32(h[20:], linkEthernet)
	return h
}

// Run copies a batch to the FIFO if somebody reads it.
func (t *TcpDump) Run(_ *module.Context, b *packet.Batch) {
	if t.fifo.Connected() {
		t.capture(b.Packets())
	}
}

// capture writes the packets, with one time for all of them. When the pipe is
// full the rest is lost.
func (t *TcpDump) capture(ps []packet.Packet) {
	var chunk [sys.FIFOChunk]byte
	now := time.Now().UnixMicro()
	n, done := 0, 0 // bytes in chunk; packets written
	for i, p := range ps {
		if n+recordHeaderSize+p.Len() > len(chunk) {
			if !t.fifo.Write(chunk[:n]) {
				t.lost.Add(uint64(len(ps) - done))
				return
			}
			n, done = 0, i
		}
		n += record(chunk[n:], p, now)
	}
	if !t.fifo.Write(chunk[:n]) {
		t.lost.Add(uint64(len(ps) - done))
	}
}

// record writes one packet to dst and returns the number of bytes. Only the
// first segment is captured.
func record(dst []byte, p packet.Packet, us int64) int {
	data := p.Bytes()
	h := dst[:recordHeaderSize]
	e := binary.NativeEndian
	e.PutUint32(h[0:], uint32(us/1e6))
	e.PutUint32(h[4:], uint32(us%1e6))
	e.PutUint32(h[8:], uint32(len(data)))
	e.PutUint32(h[12:], uint32(p.TotalLen()))
	return recordHeaderSize + copy(dst[recordHeaderSize:], data)
}

// Close ends the capture.
func (t *TcpDump) Close() {
	t.fifo.Close()
	if n := t.lost.Load(); n > 0 {
		t.log.Warn("the reader of the capture was too slow", "packets_lost", n)
	}
}
