// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// Options say what to run.
type Options struct {
	// Targets are connections to the daemons, one to many. The ratio is that of
	// the first to the second.
	Targets []*client.Client
	// Rows are what to run.
	Rows []Row
	// Cores are where the workers run: the first one's, and the second one's for
	// rows that need two.
	Cores [2]int
	// Length is that of one measurement.
	Length time.Duration
	// Warmup is how long a pipeline runs before it is looked at.
	Warmup time.Duration
	// Repeat is the number of measurements of each row and target.
	Repeat int
	// Progress gets a line for each row; may be nil.
	Progress io.Writer
}

// begin looks at the targets, which must have no pipeline, and at the machine.
func (o Options) begin(ctx context.Context) (*Machine, error) {
	for _, c := range o.Targets {
		if err := empty(ctx, c); err != nil {
			return nil, err
		}
	}
	return startMachine(), nil
}

// tell says how far the run has come.
func (o Options) tell(line string) {
	if o.Progress != nil {
		_, _ = fmt.Fprintln(o.Progress, line) // progress may be lost
	}
}

// Run runs the suite. The daemons must have no pipeline and lose what the
// rows build. A row that fails is reported in the result, and the others run.
func Run(ctx context.Context, o Options) (*Report, error) {
	machine, err := o.begin(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{Machine: machine}
	for _, row := range o.Rows {
		res := runRow(ctx, o, row)
		r.Rows = append(r.Rows, res)
		o.tell(res.line())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	r.Machine.finish()
	return r, nil
}

// empty refuses a daemon that is in use: the suite takes all of it.
func empty(ctx context.Context, c *client.Client) error {
	modules, err := c.Modules(ctx)
	if err != nil {
		return err
	}
	ports, err := c.Ports(ctx)
	if err != nil {
		return err
	}
	if n := len(modules) + len(ports); n > 0 {
		return fmt.Errorf("%s has a pipeline of %d modules and %d ports: the benchmark needs a daemon of its own", c.Address(), len(modules), len(ports))
	}
	return nil
}

// side is a target in the middle of a row.
type side struct {
	c    *client.Client
	pid  int // 0: not to be seen
	mpps []float64
	cpu  []float64
}

func runRow(ctx context.Context, o Options, row Row) *RowResult {
	res := &RowResult{Name: row.Name, Title: row.Title}
	p := &pipeline{}
	row.build(p)
	var sides []*side
	for _, c := range o.Targets {
		s := &side{c: c}
		sides = append(sides, s)
		s.pid, _ = findProcess(c.Address()) // elsewhere: no correction
		defer func() { _ = clear(context.WithoutCancel(ctx), c) }()
		if err := s.prepare(ctx, o, row, p); err != nil {
			res.fail(c.Address(), err)
			return res
		}
	}
	for range o.Repeat {
		for _, s := range sides {
			if err := s.measure(ctx, o, row, p); err != nil {
				res.fail(s.c.Address(), err)
				return res
			}
		}
	}
	for _, s := range sides {
		if err := balance(ctx, s.c, p); err != nil {
			res.fail(s.c.Address(), err)
			return res
		}
		res.Results = append(res.Results, newResult(s))
	}
	if len(sides) > 1 {
		res.Ratio = ratio(sides[0].mpps, sides[1].mpps)
	}
	return res
}

// prepare builds a row's pipeline, lets it run and looks at what comes out.
func (s *side) prepare(ctx context.Context, o Options, row Row, p *pipeline) error {
	if err := clear(ctx, s.c); err != nil {
		return err
	}
	if err := build(ctx, s.c, p, o.Cores[:max(row.cores, 1)]); err != nil {
		return err
	}
	if _, err := s.c.ResumeAll(ctx); err != nil {
		return err
	}
	wait(ctx, o.Warmup)
	for _, e := range p.exits {
		if e.check == nil || s.pid == 0 {
			continue
		}
		if err := sample(ctx, s.c, e); err != nil {
			return err
		}
	}
	return s.c.PauseAll(ctx)
}

// settle is how long a resumed worker may take to be at full speed.
const settle = 50 * time.Millisecond

// measure takes one reading.
func (s *side) measure(ctx context.Context, o Options, row Row, p *pipeline) error {
	if _, err := s.c.ResumeAll(ctx); err != nil {
		return err
	}
	wait(ctx, settle)
	core := o.Cores[0]
	name := "!leaf_" + p.measured + ":0"
	cpu0 := threadTimes(s.pid, core)
	a, err := s.c.TCStats(ctx, name)
	if err != nil {
		return err
	}
	wait(ctx, o.Length)
	b, err := s.c.TCStats(ctx, name)
	if err != nil {
		return err
	}
	cpu1 := threadTimes(s.pid, core)
	if err := s.c.PauseAll(ctx); err != nil {
		return err
	}
	s.add(a, b, busiest(cpu0, cpu1), !p.waits)
	return ctx.Err()
}

// add turns two readings into a rate. A worker that had only a part of its
// core is credited with the whole, if its time can be seen and it wanted all.
func (s *side) add(a, b *api.GetTcStatsResponse, ran time.Duration, spins bool) {
	span := b.GetTimestamp() - a.GetTimestamp()
	cpu := ran.Seconds() / span
	if s.pid == 0 || ran == 0 {
		cpu = 1
	}
	mpps := float64(b.GetPackets()-a.GetPackets()) / span / 1e6
	if spins {
		mpps /= min(cpu, 1)
	}
	s.mpps = append(s.mpps, mpps)
	s.cpu = append(s.cpu, min(cpu, 1))
}

// clear takes everything away.
func clear(ctx context.Context, c *client.Client) error {
	return errors.Join(c.PauseAll(ctx), c.Reset(ctx))
}

// wait lets time pass, unless the context ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
