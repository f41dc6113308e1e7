// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"log/slog"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/store"
	"github.com/bessform/terraform-provider-bess/appliance/system"
)

// appliance is what makes more than an engine with a server of a daemon: the
// declaration that outlives it, and what there is to know about the machine.
type appliance struct {
	engine     *engine.Engine
	catalog    declare.Catalog
	conditions *system.Conditions
	keeper     *store.Keeper // nil without -store
}

// newAppliance brings the stored declaration back, or applies the one given
// with -declaration. Only the latter, and a store that another process uses,
// can fail: whatever else is wrong is a condition, so that the daemon can be
// asked about it.
func newAppliance(cfg Config, f *Flags, e *engine.Engine, log *slog.Logger) (*appliance, error) {
	a := &appliance{engine: e, catalog: cfg.catalog(), conditions: &system.Conditions{}}
	a.conditions.Set(store.ConditionPipeline, nil)
	seed := true
	if f.Store != "" {
		s, err := store.Open(f.Store, f.StoreKeep, log)
		if err != nil {
			return nil, fmt.Errorf("-store %s: %w", f.Store, err)
		}
		a.keeper = store.NewKeeper(s, store.Options{Engine: e, Catalog: a.catalog, Log: log, Report: a.conditions.Set})
		seed = !a.keeper.Replay()
	}
	switch {
	case f.Declaration == "":
	case !seed:
		log.Info("-declaration is not applied: the store has a declaration already", "file", f.Declaration, "store", f.Store)
	default:
		if err := declare.ApplyFile(e, a.catalog, a.keep(), f.Declaration); err != nil {
			a.close()
			return nil, fmt.Errorf("-declaration %s: %w", f.Declaration, err)
		}
	}
	if a.keeper != nil {
		a.keeper.Start()
	}
	return a, nil
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
	declare.Register(g, a.engine, a.catalog, a.keep())
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

// close stores what is not stored yet. The engine must still have its
// pipeline.
func (a *appliance) close() {
	if a.keeper != nil {
		a.keeper.Close()
	}
}
