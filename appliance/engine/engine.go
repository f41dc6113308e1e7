// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package engine owns the graph, the workers, the ports and the traffic
// classes, and changes them on behalf of clients. One file per noun. Every
// exported method is one verb of the control API: it checks everything, then
// changes, then publishes new snapshots to the workers; a refused call leaves
// all as it was. Errors are *errno.Error with the codes of spec: api.md.
package engine

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/graph/metadata"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
	"github.com/bessform/terraform-provider-bess/appliance/worker"
)

// Options configure an Engine.
type Options struct {
	// Classes, Drivers and Hooks are what clients can create.
	Classes []*module.Class
	Drivers []*port.Driver
	Hooks   []*hook.Class
	// Buffers is the capacity of the packet pool, a power of two.
	Buffers int
	// DefaultCore is the core of the worker made when none exists.
	DefaultCore int
	Log         *slog.Logger
}

// Engine is the packet engine. All methods are safe for concurrent use; they
// run one after the other.
type Engine struct {
	opt     Options
	log     *slog.Logger
	pool    *packet.Pool
	classes map[string]*module.Class
	drivers map[string]*port.Driver
	hooks   map[string]*hook.Class

	mu         sync.Mutex // guards everything below
	graph      *graph.Graph
	attrs      metadata.Registry
	ports      map[string]*port.Port
	workers    [module.MaxWorkers]*worker.Worker
	tcs        tcTable
	resume     resumeHooks
	cores      []int  // those the process was allowed at start
	published  uint64 // version of the graph that running workers have
	dirty      bool   // tasks moved: snapshots are out of date
	retired    []*graph.Module
	oldHooks   []*graph.Hook
	generation uint64
	undo       *journal
	calls      map[*graph.Module]*callLog // commands that changed modules

	faultAt atomic.Int64 // when a panic was reported last, nanoseconds since 1970
	faults  atomic.Int64 // panics not reported since
}

// New returns an engine without workers, ports, modules or traffic classes.
func New(opt Options) (*Engine, error) {
	pool, err := packet.NewPool(opt.Buffers)
	if err != nil {
		return nil, err
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{opt: opt, log: opt.Log, pool: pool,
		classes: map[string]*module.Class{}, drivers: map[string]*port.Driver{}, hooks: map[string]*hook.Class{},
		generation: 1, graph: graph.New(), ports: map[string]*port.Port{}, calls: map[*graph.Module]*callLog{}}
	for _, c := range opt.Classes {
		e.classes[c.Name] = c
	}
	for _, d := range opt.Drivers {
		e.drivers[d.Name] = d
	}
	for _, h := range opt.Hooks {
		e.hooks[h.Name] = h
	}
	e.cores = sys.AllowedCores()
	e.tcs.init()
	e.resume.init()
	sys.CyclesPerSecond()
	return e, nil
}

// Close stops the workers and closes everything. The engine must not be used
// afterwards.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.resetAll(); err != nil {
		e.log.Error("close", "error", err)
	}
	e.pool.Close()
}

// Generation counts changes, from 1. Two equal values mean that nothing was changed
// in between.
func (e *Engine) Generation() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.generation
}

// ResetAll removes all modules, ports, traffic classes and workers, in this
// order.
func (e *Engine) ResetAll() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.resetAll()
}

func (e *Engine) resetAll() error {
	e.stopWorkers()
	e.resetModules()
	if err := e.resetPorts(); err != nil {
		return err
	}
	e.tcs.forgetInner(e)
	e.resetWorkers()
	e.tcs.cursor = 0
	e.changed()
	return nil
}

// changed notes that a client changed something.
func (e *Engine) changed() { e.generation++ }

// maxName is the longest name accepted, in bytes.
const maxName = 255

// checkName verifies a name given by a client: any bytes but control
// characters, up to 255 (spec: badinput.md). Empty names are the caller's
// business.
func checkName(what, name string) error {
	if len(name) > maxName {
		return errno.Errorf(errno.EINVAL, "%s name of %d bytes: must not exceed %d", what, len(name), maxName)
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }); i >= 0 {
		return errno.Errorf(errno.EINVAL, "%s name %q: control characters are not allowed", what, name)
	}
	return nil
}

// freeName returns prefix followed by the smallest number that is free.
func freeName(prefix string, taken func(string) bool) string {
	for i := 0; ; i++ {
		name := prefix + itoa(i)
		if !taken(name) {
			return name
		}
	}
}

// sortedKeys returns the keys of m in byte order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
