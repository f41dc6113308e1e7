// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package flowmeasure is the module class FlowMeasure (spec:
// modules/mobile.md).
package flowmeasure

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/table/rcu"
)

// Class describes FlowMeasure.
var Class = &module.Class{
	Name:       "FlowMeasure",
	Prefix:     "qos_measure",
	Help:       "measures latency and jitter of each flow of a mobile network",
	IGates:     1,
	OGates:     1,
	MaxWorkers: 1,
	Arg:        (*FlowMeasureArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<flag_attr_name>", Size: "8", Mode: module.Read, Help: "the set in use, least significant byte first; the leader writes it"},
		{Name: "timestamp", Size: "8", Mode: module.Read, Help: "time in nanoseconds, as Timestamp writes it"},
		{Name: "fseid", Size: "8", Mode: module.Read, Help: "identifier of the session, least significant byte first"},
		{Name: "pdr_id", Size: "4", Mode: module.Read, Help: "identifier of the detection rule, least significant byte first"},
	},
	Counters: []module.CounterDoc{
		countMeasured: {Name: "measured", Unit: "packets", Help: "taken into the results"},
		countUnmarked: {Name: "unmarked", Unit: "packets", Help: "not measured: no leader has said which set is in use"},
		countNoTime:   {Name: "no_timestamp", Unit: "packets", Help: "not measured: no timestamp, or one from the future"},
		countFull:     {Name: "table_full", Unit: "packets", Help: "not measured: there is no room for another flow"},
		countBusy:     {Name: "busy", Unit: "packets", Help: "not measured: another worker was at it"},
	},
	Commands: []module.Command{
		module.Ask("read", module.Concurrent, "what was measured of each flow in one of the sets", (*FlowMeasure).read),
		module.Ask("flip", module.Concurrent, "changes to the other set; for leaders", (*FlowMeasure).flip),
	},
	New: module.New(create),
}

// Indexes into Class.Counters.
const (
	countMeasured = iota
	countUnmarked
	countNoTime
	countFull
	countBusy
	counts
)

const (
	flagSize, timeSize, sessionSize, ruleSize = 8, 8, 8, 4

	// defaultEntries is the number of flows if the argument gives none.
	defaultEntries = 32768
	// maxEntries bounds the memory that a client can ask for.
	maxEntries = 1 << 24
)

// The sets.
const (
	setA = 1
	setB = 2
)

// FlowMeasure is an instance. Its worker writes the results; the commands read
// them, and take a set away as a whole to empty it.
type FlowMeasure struct {
	flag, time, session, rule module.AttrID

	leader  bool
	entries int
	current atomic.Uint64 // the set that a leader marks packets with
	busy    atomic.Bool   // a worker is recording
	sets    [2]atomic.Pointer[set]
	domain  rcu.Domain
}

func create(env *module.Env, arg *FlowMeasureArg) (*FlowMeasure, error) {
	m := &FlowMeasure{leader: arg.GetLeader(), entries: defaultEntries}
	if n := arg.GetEntries(); n > maxEntries {
		return nil, module.Invalid("entries", n, "must be at most %d", maxEntries)
	} else if n > 0 {
		m.entries = int(n)
	}
	mode := module.Read
	if m.leader {
		mode = module.Write
	}
	var err error
	if m.flag, err = env.AddAttr(arg.GetFlagAttrName(), flagSize, mode); err != nil {
		return nil, errno.Errorf(errno.EINVAL, "flag_attr_name: %q: invalid flag attribute name: %v", arg.GetFlagAttrName(), err)
	}
	for _, a := range []struct {
		name string
		size int
		id   *module.AttrID
	}{{"timestamp", timeSize, &m.time}, {"fseid", sessionSize, &m.session}, {"pdr_id", ruleSize, &m.rule}} {
		if *a.id, err = env.AddAttr(a.name, a.size, module.Read); err != nil {
			return nil, errno.Errorf(errno.EINVAL, "%s: invalid metadata declaration: %v", a.name, err)
		}
	}
	m.current.Store(setA)
	for i := range m.sets {
		s, err := newSet(m.entries)
		if err != nil {
			m.Close()
			return nil, err
		}
		m.sets[i].Store(s)
	}
	return m, nil
}

// Process records all packets and sends them to gate 0. The clock is read for
// every batch and not once per task run, so that the time spent between two
// modules shows.
func (m *FlowMeasure) Process(ctx *module.Context, b *packet.Batch) {
	flag := uint64(0)
	if m.leader {
		flag = m.current.Load()
		m.mark(ctx, b.Packets(), flag)
	}
	if m.busy.CompareAndSwap(false, true) {
		m.domain.Enter(ctx.Worker)
		m.record(ctx, b.Packets(), flag)
		m.domain.Leave(ctx.Worker)
		m.busy.Store(false)
	} else {
		ctx.Count(countBusy, uint64(b.Len()))
	}
	ctx.EmitBatch(b, 0)
}

// mark tells followers which set to use.
func (m *FlowMeasure) mark(ctx *module.Context, ps []packet.Packet, flag uint64) {
	off := ctx.Attr(m.flag)
	if off < 0 {
		return
	}
	for _, p := range ps {
		binary.LittleEndian.PutUint64(p.Metadata()[off:], flag)
	}
}

// record takes packets into the results. A flag of 0 is read from each packet.
func (m *FlowMeasure) record(ctx *module.Context, ps []packet.Packet, flag uint64) {
	var seen [counts]uint64
	sets := [2]*set{m.sets[0].Load(), m.sets[1].Load()}
	now := sys.Nanoseconds(sys.Cycles(), ctx.Hz)
	marks, times := ctx.Attr(m.flag), ctx.Attr(m.time)
	sessions, rules := ctx.Attr(m.session), ctx.Attr(m.rule)
	for _, p := range ps {
		md, mark := p.Metadata(), flag
		if mark == 0 {
			mark = get64(md, marks)
		}
		if mark != setA && mark != setB {
			seen[countUnmarked]++
			continue
		}
		sent := get64(md, times)
		if sent == 0 || sent > now {
			seen[countNoTime]++
			continue
		}
		var pdr uint64
		if rules >= 0 {
			pdr = uint64(binary.LittleEndian.Uint32(md[rules:]))
		}
		if sets[mark-setA].add(get64(md, sessions), pdr, now-sent, uint64(p.TotalLen())) {
			seen[countMeasured]++
		} else {
			seen[countFull]++
		}
	}
	for i, n := range seen {
		if n > 0 {
			ctx.Count(i, n)
		}
	}
}

// get64 reads an attribute at its place; one without is zero.
func get64(md *[packet.MetadataSize]byte, at int) uint64 {
	if at < 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(md[at:])
}

// Close frees the sets.
func (m *FlowMeasure) Close() {
	m.domain.Close()
	for i := range m.sets {
		if s := m.sets[i].Load(); s != nil {
			s.close()
		}
	}
}
