// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"strings"
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
	if err := p.known(ctx); err != nil {
		return err
	}
	if err := p.build(ctx); err != nil {
		return err
	}
	_, err := p.r.c.ResumeAll(ctx)
	return err
}

// known looks whether both sides have the driver.
func (p *ioPort) known(ctx context.Context) error {
	names, err := p.r.c.Drivers(ctx)
	if err != nil {
		return err
	}
	if schemas.DriverByName(p.driver) == nil || !strings.Contains(" "+strings.Join(names, " ")+" ", " "+p.driver+" ") {
		return &missingError{"driver " + p.driver}
	}
	return nil
}

// build makes the port and the pipeline behind it.
func (p *ioPort) build(ctx context.Context) error {
	c := p.r.c
	if err := clear(ctx, c); err != nil {
		return err
	}
	if p.cable {
		if err := p.r.site.Cable(near()); err != nil {
			return err
		}
	}
	arg, err := message(schemas.DriverByName(p.driver).Arg, p.args(near(), p.r.site.Path()))
	if err != nil {
		return err
	}
	if _, err := c.CreatePort(ctx, &api.CreatePortRequest{Name: "bench", Driver: p.driver, NumIncQ: 1, NumOutQ: 1, Arg: arg}); err != nil {
		return err
	}
	if p.r.res.Notes, err = c.PortNotes(ctx, "bench"); err != nil {
		return err
	}
	port := map[string]any{"port": "bench"}
	return build(ctx, c, &pipeline{
		modules: []moduleSpec{{"in", "PortInc", port}, {"swap", "MACSwap", nil}, {"out", "PortOut", port}},
		links:   []linkSpec{{from: "in", to: "swap"}, {from: "swap", to: "out"}},
	}, p.r.o.Cores[:1])
}

func (p *ioPort) sent(ctx context.Context) (uint64, error) {
	s, err := p.r.c.PortStats(ctx, "bench")
	return s.GetOut().GetPackets(), err
}

func (p *ioPort) times() map[string]time.Duration { return threadTimes(p.r.pid, p.r.o.Cores[0]) }

func (p *ioPort) stop(ctx context.Context) error { return clear(ctx, p.r.c) }
