// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gtpupathmonitoring is the module class GtpuPathMonitoring (spec:
// modules/mobile.md).
package gtpupathmonitoring

import (
	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/header"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes GtpuPathMonitoring.
var Class = &module.Class{
	Name:       "GtpuPathMonitoring",
	Prefix:     "gtpu_path_monitoring",
	Help:       "probes GTP-U peers and measures how fast they answer",
	IGates:     1,
	OGates:     1,
	MaxWorkers: 1,
	Counters: []module.CounterDoc{
		countProbes:    {Name: "probes", Unit: "packets", Help: "requests sent to peers"},
		countResponses: {Name: "responses", Unit: "packets", Help: "responses that belong to a request"},
		countUnmatched: {Name: "unmatched", Unit: "packets", Help: "dropped: responses of unknown peers, or too late, or again"},
		countOther:     {Name: "not_echo", Unit: "packets", Help: "dropped: no well-formed GTP-U echo message with a sequence number"},
		countNoBuffer:  {Name: "no_buffer", Unit: "packets", Help: "requests not sent for want of a packet buffer"},
	},
	Commands: []module.Command{
		module.Do("add", module.Concurrent, "adds a peer; one added twice must be deleted twice", (*GtpuPathMonitoring).add),
		module.Do("delete", module.Concurrent, "deletes a peer; an unknown one is no error", (*GtpuPathMonitoring).remove),
		module.Do("clear", module.Concurrent, "forgets all peers and results", (*GtpuPathMonitoring).clear),
		module.Ask("read", module.Concurrent, "what was measured of each peer", (*GtpuPathMonitoring).read),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countProbes = iota
	countResponses
	countUnmatched
	countOther
	countNoBuffer
	counts
)

// GtpuPathMonitoring is an instance. Its worker and the commands take turns:
// either keeps the lock for microseconds, and the worker takes it only while
// messages arrive, which is a few times a second.
type GtpuPathMonitoring struct {
	lock  sys.SpinLock
	table table
	seen  [counts]uint64 // in this batch
}

func create(*module.Env, *api.EmptyArg) (*GtpuPathMonitoring, error) {
	m := &GtpuPathMonitoring{}
	m.table.clear()
	return m, nil
}

// Process sends requests to all peers and takes the times of responses.
func (m *GtpuPathMonitoring) Process(ctx *module.Context, b *packet.Batch) {
	m.lock.Lock()
	now := sys.Nanoseconds(sys.Cycles(), ctx.Hz)
	for _, p := range b.Packets() {
		m.handle(ctx, p, now)
	}
	for i, n := range m.seen {
		if n > 0 {
			ctx.Count(i, n)
			m.seen[i] = 0
		}
	}
	m.lock.Unlock()
}

// handle takes one message.
func (m *GtpuPathMonitoring) handle(ctx *module.Context, p packet.Packet, now uint64) {
	f, ok := header.ParseGTPUFrame(p.Bytes(), p.Len())
	seq, numbered := uint16(0), false
	if ok {
		seq, numbered = f.GTP.Sequence()
	}
	switch {
	case numbered && f.GTP.Type() == header.GTPUEchoRequest:
		m.probe(ctx, p, now)
		return
	case numbered && f.GTP.Type() == header.GTPUEchoResponse && f.UDP.SrcPort() == header.GTPUPort:
		if m.table.answered(f.IP.Src(), seq, now) {
			m.seen[countResponses]++
		} else {
			m.seen[countUnmatched]++
		}
	default:
		m.seen[countOther]++
	}
	ctx.Drop(p)
}

// probe sends a request to every peer: copies of p, and p itself to the last.
func (m *GtpuPathMonitoring) probe(ctx *module.Context, p packet.Packet, now uint64) {
	n := len(m.table.peers)
	if n == 0 {
		ctx.Drop(p)
		return
	}
	seq := m.table.next(now)
	for i := range n - 1 {
		if q := ctx.Cache.Copy(p, ctx.MetaLen); q != 0 {
			m.send(ctx, q, i, seq)
		} else {
			m.seen[countNoBuffer]++
		}
	}
	m.send(ctx, p, n-1, seq)
}

// send addresses a request to a peer. The checksum of IP is computed, that of
// UDP follows the changes if there is one.
func (m *GtpuPathMonitoring) send(ctx *module.Context, p packet.Packet, peer int, seq uint16) {
	f, ok := header.ParseGTPUFrame(p.Bytes(), p.Len())
	old, numbered := f.GTP.Sequence()
	if !ok || !numbered {
		ctx.Drop(p) // cannot be: it was a request a moment ago
		return
	}
	ip := m.table.sent(peer, seq)
	sum := header.UpdateUDP32(f.UDP.Checksum(), f.IP.Dst(), ip)
	f.UDP.SetChecksum(header.UpdateUDP16(sum, old, seq))
	f.GTP.SetSequence(seq)
	f.IP.SetDst(ip)
	f.IP.UpdateChecksum()
	m.seen[countProbes]++
	ctx.Emit(p, 0)
}
