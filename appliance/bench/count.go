// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"math"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// shareTolerance is how far a share of packets may be off, as a part of it,
// beside what chance makes of few packets: deviations standard ones.
const (
	shareTolerance = 0.05
	deviations     = 6
)

// balance compares what was counted at the gates of a paused pipeline: all
// that the source made must have left through the exits that lead to a sink.
func balance(ctx context.Context, c *client.Client, p *pipeline) error {
	var made uint64
	for _, name := range p.sources() {
		n, err := packets(ctx, c, name, 0)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%s made no packet", name)
		}
		made += n
	}
	ends := p.ends()
	counts := make([]uint64, len(ends))
	var total uint64
	for i, e := range ends {
		n, err := packets(ctx, c, e.module, e.ogate)
		if err != nil {
			return err
		}
		counts[i] = n
		total += n
	}
	switch {
	case p.factor == 0 && (total == 0 || total > made):
		return fmt.Errorf("%d packets made, %d came out", made, total)
	case p.factor > 0 && total != made*p.factor:
		return fmt.Errorf("%d packets made, %d came out, want %d for each", made, total, p.factor)
	}
	for i, e := range ends {
		part := float64(counts[i]) / float64(total)
		if e.share > 0 && math.Abs(part-e.share) > shareTolerance*e.share+deviations*math.Sqrt(e.share*(1-e.share)/float64(total)) {
			return fmt.Errorf("gate %d of %s: %.3f of all packets, want %.3f", e.ogate, e.module, part, e.share)
		}
	}
	return nil
}

// ends are the exits that lead to the sink; the others are only looked at.
func (p *pipeline) ends() []exit {
	sinks := map[linkSpec]bool{}
	for _, l := range p.links {
		if l.to == "sink" {
			sinks[linkSpec{from: l.from, ogate: l.ogate}] = true
		}
	}
	var out []exit
	for _, e := range p.exits {
		if sinks[linkSpec{from: e.module, ogate: e.ogate}] {
			out = append(out, e)
		}
	}
	return out
}

// packets returns how many packets have left through a gate, which its Track
// hook counts.
func packets(ctx context.Context, c *client.Client, module string, ogate uint64) (uint64, error) {
	info, err := c.Module(ctx, module)
	if err != nil {
		return 0, err
	}
	for _, g := range info.GetOgates() {
		if g.GetOgate() == ogate {
			return g.GetPkts(), nil
		}
	}
	return 0, fmt.Errorf("gate %d of %s is not connected", ogate, module)
}
