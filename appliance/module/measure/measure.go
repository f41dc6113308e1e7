// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package measure is the module class Measure (spec: modules/stateful.md).
package measure

import (
	"encoding/binary"
	"math"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Class describes Measure.
var Class = &module.Class{
	Name:       "Measure",
	Prefix:     "measure",
	Help:       "collects latency and jitter of packets marked by Timestamp",
	IGates:     1,
	OGates:     1,
	MaxWorkers: module.MaxWorkers,
	Arg:        (*MeasureArg)(nil),
	Attrs: []module.AttrDoc{
		{Name: "<attr_name>", Size: "8", Mode: module.Read, Help: "time in nanoseconds, least significant byte first; not used with offset"},
	},
	Commands: []module.Command{
		module.Ask("get_summary", module.Concurrent, "what was measured since the start or the last clear", (*Measure).getSummary),
		module.Do("clear", module.Concurrent, "starts over", (*Measure).clear),
	},
	New: module.New(create),
}

const (
	defaultAttr       = "timestamp"
	defaultProb       = 0.05
	defaultMax        = 100_000_000 // ns
	defaultResolution = 100         // ns
	maxBuckets        = 5_000_000

	attrSize = 8
	// marker precedes the time in a packet: bytes 55 be c5 54.
	marker    = 0x54c5be55
	markSize  = 4 + attrSize
	maxOffset = packet.BufferSize - markSize
)

// config is a checked argument.
type config struct {
	attr       string // "" if marks are in the packet
	offset     int
	prob       float64
	buckets    int
	resolution uint64 // ns
}

// validate checks the argument and fills in the defaults.
func validate(arg *MeasureArg) (config, error) {
	c := config{attr: arg.GetAttrName(), prob: arg.GetJitterSampleProb(), resolution: uint64(arg.GetLatencyNsResolution())}
	if off := arg.GetOffset(); off > maxOffset {
		return c, module.Invalid("offset", off, "must be 0..%d, a mark has %d bytes", maxOffset, markSize)
	} else if off > 0 {
		c.offset = int(off)
	} else if c.attr == "" {
		c.attr = defaultAttr
	}
	if c.prob == 0 {
		c.prob = defaultProb
	}
	if !(c.prob > 0 && c.prob <= 1) {
		return c, module.Invalid("jitter_sample_prob", c.prob, "must be 0..1")
	}
	if c.resolution == 0 {
		c.resolution = defaultResolution
	}
	limit := arg.GetLatencyNsMax()
	if limit == 0 {
		limit = defaultMax
	}
	n := limit / c.resolution
	if limit%c.resolution != 0 {
		n++
	}
	if n > maxBuckets {
		return c, errno.Errorf(errno.E2BIG, "latency_ns_max: %d: excessive ratio: at most %d times latency_ns_resolution (%d)", limit, maxBuckets, c.resolution)
	}
	c.buckets = int(n)
	return c, nil
}

// Measure is an instance. Every worker records into memory of its own, which
// only grows; the control side adds up and subtracts what there was at the
// last clear. So nothing is lost and nobody waits.
type Measure struct {
	cfg   config // but for prob
	id    module.AttrID
	prob  atomic.Uint64 // probability of a jitter sample in units of 2^-32
	epoch atomic.Uint64 // changes with every clear
	cells [module.MaxWorkers]atomic.Pointer[recorder]

	base totals // owned by the commands
}

func create(env *module.Env, arg *MeasureArg) (*Measure, error) {
	c, err := validate(arg)
	if err != nil {
		return nil, err
	}
	m := &Measure{cfg: c}
	m.setProb(c.prob)
	if c.attr != "" {
		if m.id, err = env.AddAttr(c.attr, attrSize, module.Read); err != nil {
			return nil, errno.Wrap(err, "attr_name: %q", c.attr)
		}
	}
	return m, nil
}

func (m *Measure) setProb(p float64) { m.prob.Store(uint64(math.Ceil(p * (1 << 32)))) }

// SetWorkers makes recorders for workers that are new. A recorder stays when
// its worker leaves: what it has seen still counts.
func (m *Measure) SetWorkers(wids []int) {
	for _, w := range wids {
		if m.cells[w].Load() == nil {
			m.cells[w].Store(newRecorder(m.cfg.buckets, m.cfg.resolution))
		}
	}
}

// Process records all packets and sends them to gate 0. The clock is read for
// every batch and not once per task run, so that the time spent between two
// modules shows.
func (m *Measure) Process(ctx *module.Context, b *packet.Batch) {
	// A worker without recorder is one that SetWorkers was not told about.
	if r := m.cells[ctx.Worker].Load(); r != nil {
		now := sys.Nanoseconds(sys.Cycles(), ctx.Hz)
		r.begin(b.Len(), m.epoch.Load(), m.prob.Load(), &ctx.Rand)
		if m.cfg.attr == "" {
			m.inPacket(r, b.Packets(), now)
		} else if off := ctx.Attr(m.id); off >= 0 && !r.addAll(b.Packets(), off, now) {
			for _, p := range b.Packets() {
				stamp := binary.LittleEndian.Uint64(p.Metadata()[off : off+attrSize])
				if stamp != 0 && stamp <= now {
					r.add(now-stamp, p.TotalLen())
				}
			}
		}
		r.end()
	}
	ctx.EmitBatch(b, 0)
}

// inPacket records packets that carry the mark at an offset.
func (m *Measure) inPacket(r *recorder, ps []packet.Packet, now uint64) {
	for _, p := range ps {
		d := p.Bytes()
		if len(d) < m.cfg.offset+markSize {
			continue
		}
		d = d[m.cfg.offset : m.cfg.offset+markSize]
		stamp := binary.LittleEndian.Uint64(d[4:])
		if binary.LittleEndian.Uint32(d) == marker && stamp <= now {
			r.add(now-stamp, p.TotalLen())
		}
	}
}

// Update changes jitter_sample_prob in place. Everything else needs new
// histograms.
func (m *Measure) Update(arg proto.Message) error {
	c, err := validate(arg.(*MeasureArg))
	if err != nil {
		return err
	}
	same := m.cfg
	same.prob = c.prob
	if c != same {
		return module.ErrRebuild
	}
	m.setProb(c.prob)
	return nil
}
