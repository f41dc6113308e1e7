// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package flowgen

import (
	"math"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// config is what the command update can change, with what follows from it.
type config struct {
	template              *template
	pps, rate, duration   float64 // packets/s, flows/s, seconds
	exponential, isPareto bool

	packets    float64 // of a flow
	packetGap  uint64  // ns between packets of a flow
	flowGap    float64 // ns between flows
	paretoMean float64
}

func defaults() *config { return &config{pps: 1000, rate: 10, duration: 10} }

// with returns the configuration after an argument: what is zero or empty
// there stays.
func (c *config) with(arg *FlowGenArg) (config, error) {
	n := *c
	if len(arg.GetTemplate()) > 0 {
		t, err := newTemplate(arg.GetTemplate())
		if err != nil {
			return n, err
		}
		if n.template != nil && n.template.proto != t.proto {
			return n, errno.Errorf(errno.EINVAL, "template: the protocol can not be updated from %d to %d", n.template.proto, t.proto)
		}
		n.template = t
	}
	if n.template == nil {
		return n, errno.Errorf(errno.EINVAL, "template: must specify 'template'")
	}
	for _, f := range []struct {
		name string
		from float64
		to   *float64
	}{{"pps", arg.GetPps(), &n.pps}, {"flow_rate", arg.GetFlowRate(), &n.rate}, {"flow_duration", arg.GetFlowDuration(), &n.duration}} {
		if f.from < 0 || math.IsNaN(f.from) || math.IsInf(f.from, 0) {
			return n, module.Invalid(f.name, f.from, "must be a positive number")
		}
		if f.from > 0 {
			*f.to = f.from
		}
	}
	if n.rate > n.pps {
		return n, module.Invalid("flow_rate", n.rate, "flow rate cannot be more than pps, which is %v", n.pps)
	}
	if err := choose(&n.exponential, "arrival", arg.GetArrival(), "exponential"); err != nil {
		return n, err
	}
	if err := choose(&n.isPareto, "duration", arg.GetDuration(), "pareto"); err != nil {
		return n, err
	}
	n.derive()
	return n, nil
}

// choose sets which of two distributions is meant; empty leaves it.
func choose(other *bool, field, given, name string) error {
	switch given {
	case "":
	case "uniform":
		*other = false
	case name:
		*other = true
	default:
		return module.Invalid(field, given, "must be either 'uniform' or '%s'", name)
	}
	return nil
}

// checkRanges checks the fields that apply at creation only.
func checkRanges(arg *FlowGenArg) error {
	if n := arg.GetPortSrcRange(); n > 65535 {
		return module.Invalid("port_src_range", n, "must be 0..65535 ports")
	}
	if n := arg.GetPortDstRange(); n > 65535 {
		return module.Invalid("port_dst_range", n, "must be 0..65535 ports")
	}
	return nil
}

// Pareto distribution of flow lengths: its shape, and where its tail ends.
const (
	paretoAlpha = 1.3
	paretoTail  = 0.99
)

// pareto returns x for a share y in [0, 1] of the distribution.
func pareto(y float64) float64 { return math.Pow(1/(1-y*paretoTail), 1/paretoAlpha) }

// measureParetoMean returns the mean of the distribution as BESS measures it.
func measureParetoMean() float64 {
	const n = 1_000_000
	total := 0.0
	for i := range n + 1 {
		total += pareto(float64(i) / n)
	}
	return total / (n + 1)
}

func (c *config) derive() {
	if c.isPareto && c.paretoMean == 0 {
		c.paretoMean = measureParetoMean()
	}
	flowPPS := c.flowPPS()
	c.packets = flowPPS * c.duration
	c.packetGap = whole(1e9 / flowPPS)
	c.flowGap = 1e9 / c.rate
}

// flowPPS returns the packets per second of a flow.
func (c *config) flowPPS() float64 { return c.pps / (c.rate * c.duration) }

// length returns how many packets a flow has, for a random y in [0, 1).
func (c *config) length(y float64) float64 {
	if !c.isPareto {
		return c.packets
	}
	return 1 + (pareto(y)-1)/(c.paretoMean-1)*(c.packets-1)
}

// longest is the largest time and number that flows have: they may be added up
// without overflow, and nobody waits for their end.
const longest = 1 << 60

// whole cuts a number to 0..longest; NaN is longest.
func whole(v float64) uint64 {
	if v < 0 {
		return 0
	}
	if !(v < longest) {
		return longest
	}
	return uint64(v)
}

// Bounds of how many flows can be active.
const (
	minFlows = 1 << 10
	maxFlows = 1 << 22
)

// capacity returns for how many flows there is room, a power of two: twice as
// many as there will be on the average.
func (c *config) capacity() int {
	n := minFlows
	for want := 2 * c.rate * c.duration; n < maxFlows && float64(n) < want; {
		n *= 2
	}
	return n
}
