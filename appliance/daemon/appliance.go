// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/access"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/store"
	"github.com/bessform/terraform-provider-bess/appliance/sys/netinfo"
	"github.com/bessform/terraform-provider-bess/appliance/system"
)

// appliance is what makes more than an engine with a server of a daemon: the
// declaration that outlives it, and what there is to know about the machine.
type appliance struct {
	engine     *engine.Engine
	catalog    declare.Catalog
	version    string
	log        *slog.Logger
	ring       *system.Ring
	conditions *system.Conditions
	keeper     *store.Keeper // nil without -store
	ending     chan struct{} // closed when the daemon ends
	checked    chan struct{} // closed when nobody looks any more
}

// newAppliance brings the stored declaration back, or applies the one given
// with -declaration. Only the latter, and a store that another process uses,
// can fail: whatever else is wrong is a condition, so that the daemon can be
// asked about it.
func newAppliance(cfg Config, f *Flags, e *engine.Engine, ring *system.Ring, log *slog.Logger) (*appliance, error) {
	a := &appliance{engine: e, catalog: cfg.catalog(), version: cfg.Version, log: log, ring: ring,
		conditions: &system.Conditions{}, ending: make(chan struct{}), checked: make(chan struct{})}
	close(a.checked) // nobody looks yet
	a.conditions.Set(store.ConditionPipeline, nil)
	seed := true
	if f.Store != "" {
		s, err := store.Open(f.Store, f.StoreKeep, log)
		if err != nil {
			return nil, fmt.Errorf("-store %s: %w", f.Store, err)
		}
		appeared, err := netinfo.Watch(a.ending)
		if err != nil {
			log.Warn("interfaces that appear are noticed late", "error", err)
		}
		a.keeper = store.NewKeeper(s, store.Options{Engine: e, Catalog: a.catalog, Log: log, Report: a.conditions.Set, Appeared: appeared})
		seed = !a.keeper.Replay()
	}
	switch {
	case f.Declaration == "":
	case !seed:
		log.Info("-declaration is not applied: the store has a declaration already", "file", f.Declaration, "store", f.Store)
	default:
		if err := declare.ApplyFile(e, a.catalog, a.keep(), f.Declaration); err != nil {
			a.discard()
			return nil, fmt.Errorf("-declaration %s: %w", f.Declaration, err)
		}
	}
	if a.keeper != nil {
		a.keeper.Start()
	}
	return a, nil
}

// discard ends an appliance that did not get to serve.
func (a *appliance) discard() {
	a.end()
	if a.keeper != nil {
		a.keeper.Discard()
	}
}

// keep returns the keeper as an interface that is nil without a store.
func (a *appliance) keep() declare.Keeper {
	if a.keeper == nil {
		return nil
	}
	return a.keeper
}

// register adds the services, and tells the health service about conditions.
func (a *appliance) register(g *grpc.Server, h *health.Server) {
	declare.Register(g, a.engine, a.catalog, a.keep(), func(ctx context.Context) string {
		id, _ := access.From(ctx)
		return id.Name
	})
	system.Register(g, system.Options{Engine: a.engine, Conditions: a.conditions, Ring: a.ring, Version: a.version, Log: a.log, Ending: a.ending})
	a.conditions.Watch(func(name string, ok bool) {
		if name != store.ConditionPipeline {
			return
		}
		status := healthpb.HealthCheckResponse_SERVING
		if !ok {
			status = healthpb.HealthCheckResponse_NOT_SERVING
		}
		h.SetServingStatus(name, status)
	})
}

// How the daemon looks after itself.
const (
	checkEvery    = 5 * time.Second
	checkPatience = 2 * time.Second
	portsEvery    = time.Second
)

// watch looks again and again whether the engine and its workers are alive,
// and tells the service manager as long as they are.
func (a *appliance) watch(n *notifier) {
	every, patience := checkEvery, checkPatience
	dog := n.watchdog()
	if dog > 0 {
		// A look takes up to twice the patience, and two may fit into the time.
		every = min(every, dog/4)
		patience = min(patience, dog/8)
	}
	a.checked = make(chan struct{})
	go func() {
		defer close(a.checked)
		c := system.NewChecker(a.engine, a.conditions)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			if c.Look(patience) && dog > 0 {
				n.tell("WATCHDOG=1")
			}
			select {
			case <-a.ending:
				return
			case <-t.C:
			}
		}
	}()
}

// watchPorts tells of ports whose interfaces go and come, until the daemon ends.
// An engine that hangs keeps it, so nobody waits for it.
func (a *appliance) watchPorts() {
	w := system.NewPortWatch(a.engine, a.conditions, a.log)
	go func() {
		t := time.NewTicker(portsEvery)
		defer t.Stop()
		for {
			w.Look(time.Now())
			select {
			case <-a.ending:
				return
			case <-t.C:
			}
		}
	}()
}

// end tells those who wait for something that nothing comes any more.
func (a *appliance) end() { close(a.ending) }

// close stores what is not stored yet. The engine must still have its
// pipeline.
func (a *appliance) close() {
	<-a.checked
	if a.keeper != nil {
		a.keeper.Close()
	}
}
