// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"cmp"
	"math"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

const (
	// seed makes the sequence of flows the same every time.
	seed = 0xBAADF00DDEADBEEF
	// Sequence numbers that flows begin with, and those that quick_rampup
	// takes for begun.
	firstSeq  = 12345
	rampupSeq = 56789
	// defaultPorts is the range of both ports if no range is given.
	defaultPorts = 20000
	// maxRampup bounds how many flows of the past quick_rampup looks at.
	maxRampup = 1 << 24
	// maxArrivals bounds the flows that may begin, or turn out to be empty,
	// in one run.
	maxArrivals = 4 * packet.BatchSize
)

// generator holds the flows and what is to happen next. All packets of a flow
// are the same time apart, and so are those of all other flows: whoever sends
// goes to the end of the queue, and the queue is in the order of time.
//
//	flows  head ──> … ──> tail      packets to come, by time
//	arrival                         when the next flow begins
type generator struct {
	rand    module.Rand
	flows   *ring
	arrival uint64
	started bool // times are counted from the first run on
	last    uint64

	srcRange, dstRange, sportRange, dportRange uint32
}

// run is what one run of the task needs and brings.
type run struct {
	ctx            *module.Context
	b              *packet.Batch
	limit          int
	now            uint64 // ns
	conf           *config
	bytes          uint64
	begun, refused uint64 // flows
}

func newGenerator(c *config, arg *FlowGenArg) (*generator, error) {
	g := &generator{srcRange: arg.GetIpSrcRange(), dstRange: arg.GetIpDstRange(),
		sportRange: arg.GetPortSrcRange(), dportRange: arg.GetPortDstRange()}
	if g.srcRange|g.dstRange|g.sportRange|g.dportRange == 0 {
		g.sportRange, g.dportRange = defaultPorts, defaultPorts
	}
	g.rand.Seed(seed)
	var err error
	if g.flows, err = newRing(c.capacity()); err != nil {
		return nil, err
	}
	if arg.GetQuickRampup() && c.flowPPS() >= 1 && c.rate >= 1 {
		if err := g.rampup(c); err != nil {
			g.flows.close()
			return nil, err
		}
	}
	return g, nil
}

// rampup adds the flows that would be there if the module had run for ever.
// Times are counted from 0 until start.
func (g *generator) rampup(c *config) error {
	flowPPS := c.flowPPS()
	steps := c.length(1) / flowPPS * c.rate
	if steps > maxRampup {
		return errno.Errorf(errno.EINVAL, "quick_rampup: %.0f flows would have to be thought of, at most %d: lower flow_rate or flow_duration", steps, maxRampup)
	}
	var list []flow
	for i := 1.0; i < steps; i++ {
		gone := flowPPS * i / c.rate
		left := c.length(g.rand.Float64()) - gone
		if left < 1 {
			continue
		}
		f := g.newFlow(c)
		f.time = whole(1e9 * g.rand.Float64() / flowPPS)
		f.seq, f.left = rampupSeq, whole(left)
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b flow) int { return cmp.Compare(a.time, b.time) })
	for i := range list {
		if !g.flows.push(&list[i]) {
			break
		}
	}
	return nil
}

// newFlow draws the endpoints of a flow.
func (g *generator) newFlow(c *config) flow {
	t := c.template
	f := flow{seq: firstSeq}
	f.src = t.src + g.rand.Range(g.srcRange)
	f.dst = t.dst + g.rand.Range(g.dstRange)
	sport := t.sport + uint16(g.rand.Range(g.sportRange))
	f.ports = uint32(sport)<<16 | uint32(t.dport+uint16(g.rand.Range(g.dportRange)))
	return f
}

// active returns the number of flows, the one to come included.
func (g *generator) active() int64 { return int64(g.flows.len()) + 1 }

// wait returns the time until something is due, in ns.
func (g *generator) wait(now uint64) uint64 {
	next := g.arrival
	if f := g.flows.head(); f != nil {
		next = min(next, f.time)
	}
	if next <= now {
		return 0
	}
	return next - now
}

// start makes now the time at which everything begins.
func (g *generator) start(now uint64) {
	g.started = true
	g.arrival = now
	for i := range g.flows.len() {
		g.flows.at(i).time += now
	}
}

// run makes the packets that are due.
func (g *generator) run(r *run) {
	if !g.started {
		g.start(r.now)
	}
	g.last = r.now
	for arrivals := 0; r.b.Len() < r.limit && arrivals < maxArrivals; {
		f := g.flows.head()
		if f != nil && f.time <= min(g.arrival, r.now) {
			if !g.send(r) {
				return
			}
			continue
		}
		if g.arrival > r.now {
			return
		}
		arrivals++
		if !g.begin(r) {
			return
		}
	}
}

// emit makes one packet of a flow; false if no buffer is free.
func (g *generator) emit(r *run, f *flow, first bool) bool {
	p := r.ctx.Cache.Alloc()
	if p == 0 {
		return false
	}
	r.bytes += uint64(r.conf.template.build(p, f, first, f.left <= 1))
	r.b.Add(p)
	f.left--
	f.time += r.conf.packetGap
	return true
}

// send lets the flow at the head send a packet and go to the end.
func (g *generator) send(r *run) bool {
	f := *g.flows.head()
	if !g.emit(r, &f, false) {
		return false
	}
	g.flows.pop()
	if f.left > 0 {
		g.flows.push(&f)
	}
	return true
}

// begin lets a flow begin, and plans the next one.
func (g *generator) begin(r *run) bool {
	if g.flows.full() {
		r.refused++
		g.plan(r.conf)
		return true
	}
	saved := g.rand
	f := g.newFlow(r.conf)
	f.time = g.arrival
	// The fraction of a packet is one with that probability.
	f.left = whole(r.conf.length(g.rand.Float64()) + g.rand.Float64())
	if f.left > 0 {
		if !g.emit(r, &f, true) {
			g.rand = saved
			return false
		}
		r.begun++
		if f.left > 0 {
			g.flows.push(&f)
		}
	}
	g.plan(r.conf)
	return true
}

// plan sets when the next flow begins.
func (g *generator) plan(c *config) {
	gap := c.flowGap
	if c.exponential {
		gap *= -math.Log(1 - g.rand.Float64())
	}
	g.arrival += whole(gap)
}

// retime adapts what is planned to new rates, moves the flows to another ring,
// which is not smaller, and returns the old one. The order of time is kept.
func (g *generator) retime(old, now *config, to *ring) *ring {
	if g.started && now.rate > old.rate {
		g.arrival = min(g.arrival, g.last+whole(now.flowGap))
	}
	from := g.flows
	for f := from.head(); f != nil; f = from.head() {
		if f.time > g.last && old.packetGap > 0 {
			f.time = g.last + whole(float64(f.time-g.last)*float64(now.packetGap)/float64(old.packetGap))
		}
		to.push(f)
		from.pop()
	}
	g.flows = to
	return from
}
