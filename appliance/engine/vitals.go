// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys/presence"
)

// Vitals tell whether the engine is alive.
type Vitals struct {
	Workers []Pulse
	Panics  []ModulePanics
}

// Pulse is a worker and a channel that is closed once it answers.
type Pulse struct {
	Worker, Core int
	Answered     <-chan struct{}
}

// ModulePanics is a module that has panicked, and how often.
type ModulePanics struct {
	Module, Class string
	Panics        uint64
}

// Vitals asks all workers to answer, without waiting for them. It waits for
// the engine, as every other method does.
func (e *Engine) Vitals() Vitals {
	e.mu.Lock()
	defer e.mu.Unlock()
	var v Vitals
	for _, w := range e.workers {
		if w != nil {
			v.Workers = append(v.Workers, Pulse{w.ID, w.Core, w.Ping()})
		}
	}
	for _, m := range e.graph.Modules() {
		if n := m.Panics(); n > 0 {
			v.Panics = append(v.Panics, ModulePanics{m.Name, m.Class.Name, n})
		}
	}
	return v
}

// PortInterface is an interface that a port drives, whether it is there or not.
type PortInterface struct {
	Port *port.Port
	presence.State
}

// PortInterfaces returns the interfaces that ports drive, by the ports' names.
func (e *Engine) PortInterfaces() (all []PortInterface) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range sortedKeys(e.ports) {
		for _, s := range e.ports[name].Presence() {
			all = append(all, PortInterface{e.ports[name], s})
		}
	}
	return all
}

// AllowedCores returns the cores the process was allowed at its start; later
// the control side keeps off those of the workers.
func (e *Engine) AllowedCores() []int { return slices.Clone(e.cores) }
