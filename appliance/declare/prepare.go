// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// preparation are the ports that the engine has prepared, before it stands still
// for a plan. Which ports these are is only known when it does: so a plan that
// finds some missing is given up before its first step, and made again.
type preparation map[*Port]engine.PortSpec

// unpreparedError is a plan that should not be run before ports are prepared.
type unpreparedError struct{ ports []*Port }

// Error tells how many.
func (e *unpreparedError) Error() string {
	return fmt.Sprintf("%d ports are not prepared", len(e.ports))
}

// missing returns those of the ports that are not prepared and should be.
func (r preparation) missing(e *engine.Engine, ports []*Port) (list []*Port) {
	for _, p := range ports {
		if _, done := r[p]; !done && e.PreparesPorts(p.Driver) {
			list = append(list, p)
		}
	}
	return list
}

// prepare has the engine prepare ports. It may take its time.
func (r preparation) prepare(e *engine.Engine, ports []*Port) error {
	for _, p := range ports {
		s, err := r.spec(p)
		if err != nil {
			return err
		}
		r[p] = e.PreparePort(s)
	}
	return nil
}

// spec returns how a port is to be opened.
func (r preparation) spec(p *Port) (engine.PortSpec, error) {
	if s, done := r[p]; done {
		return s, nil
	}
	arg, err := pack(p.Arg)
	if err != nil {
		return engine.PortSpec{}, err
	}
	return engine.PortSpec{Name: p.Name, Driver: p.Driver, NumInc: p.NumInc, NumOut: p.NumOut,
		SizeInc: p.SizeInc, SizeOut: p.SizeOut, Arg: arg}, nil
}
