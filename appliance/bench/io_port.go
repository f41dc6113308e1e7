// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"slices"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// ioPort is a port of a daemon: what arrives gets its addresses swapped and
// leaves through the same port, all on one worker.
type ioPort struct {
	r      *ioRun
	driver string
	// cable says that the port drives one end of a veth pair; otherwise it
	// makes an interface in the namespace itself.
	cable bool
	args  func(near, space string) map[string]any
}

func portRow(driver string, cable bool, args func(near, space string) map[string]any) func(*ioRun) ioSubject {
	return func(r *ioRun) ioSubject { return &ioPort{r, driver, cable, args} }
}

func (p *ioPort) start(ctx context.Context) error {
	if err := p.known(ctx, p.driver); err != nil {
		return err
	}
	if err := p.open(ctx); err != nil {
		return err
	}
	if err := p.note(ctx, measured); err != nil {
		return err
	}
	return p.run(ctx, &pipeline{
		modules: []moduleSpec{input("in", measured), {"swap", "MACSwap", nil}, output("out", measured)},
		links:   []linkSpec{{from: "in", to: "swap"}, {from: "swap", to: "out"}},
	})
}

// measured is the port that frames arrive at.
const measured = "bench"

func input(name, port string) moduleSpec {
	return moduleSpec{name, "PortInc", map[string]any{"port": port}}
}
func output(name, port string) moduleSpec {
	return moduleSpec{name, "PortOut", map[string]any{"port": port}}
}

// known looks whether both sides have the drivers.
func (p *ioPort) known(ctx context.Context, drivers ...string) error {
	names, err := p.r.c.Drivers(ctx)
	if err != nil {
		return err
	}
	for _, d := range drivers {
		if schemas.DriverByName(d) == nil || !slices.Contains(names, d) {
			return &missingError{"driver " + d}
		}
	}
	return nil
}

// open makes the port, and its cable if need be.
func (p *ioPort) open(ctx context.Context) error {
	if err := clear(ctx, p.r.c); err != nil {
		return err
	}
	if p.cable {
		if err := p.r.site.Cable(near()); err != nil {
			return err
		}
	}
	return p.create(ctx, measured, p.driver, p.args(near(), p.r.site.Path()))
}

func (p *ioPort) create(ctx context.Context, name, driver string, args map[string]any) error {
	arg, err := message(schemas.DriverByName(driver).Arg, args)
	if err == nil {
		_, err = p.r.c.CreatePort(ctx, &api.CreatePortRequest{Name: name, Driver: driver, NumIncQ: 1, NumOutQ: 1, Arg: arg})
	}
	return err
}

// note has the report say what a port says of itself.
func (p *ioPort) note(ctx context.Context, port string) (err error) {
	p.r.res.Notes, err = p.r.c.PortNotes(ctx, port)
	return err
}

// run makes a pipeline on one worker and lets it go.
func (p *ioPort) run(ctx context.Context, l *pipeline) error {
	if err := build(ctx, p.r.c, l, p.r.o.Cores[:1]); err != nil {
		return err
	}
	_, err := p.r.c.ResumeAll(ctx)
	return err
}

func (p *ioPort) sent(ctx context.Context) (uint64, error) {
	s, err := p.r.c.PortStats(ctx, measured)
	return s.GetOut().GetPackets(), err
}

func (p *ioPort) times() map[string]time.Duration { return threadTimes(p.r.pid, p.r.o.Cores[0]) }

func (p *ioPort) stop(ctx context.Context) error { return clear(ctx, p.r.c) }
