// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// How a pipeline starts
//
// Tasks (a Source, an input from a port) run on workers. A new task belongs to
// no worker until something attaches it, and if there is no worker at all the
// daemon makes worker 0, once asked to resume. Terraform creates resources in
// any order: were worker 0 made at the first task, a bess_worker with that id
// would come too late. So a resource whose tasks lack a worker waits until no
// other resource has been worked on for a moment, which is when everything that
// does not depend on it has been made.

const (
	// quietFor is how long nothing else must happen before the daemon is asked
	// to make a worker of its own.
	quietFor = 200 * time.Millisecond
	// quietMax bounds that wait.
	quietMax = 10 * time.Second
	quietTry = 20 * time.Millisecond
)

// starter knows what is going on and decides when to resume.
type starter struct {
	mu     sync.Mutex
	busy   int       // resources being changed, without those that wait
	last   time.Time // when that number last changed
	paused map[int64]bool
	// declared are the workers that resources have made or changed in this run.
	declared map[int64]bool
	adding   int // workers being made
	// launched is set when the daemon may have made worker 0 by itself for
	// something that this run did.
	launched bool
	warn     sync.Once // that nothing runs

	resuming sync.Mutex // one at a time asks the daemon to resume, or ends a worker that it made
}

func (s *starter) init() { s.paused, s.declared = map[int64]bool{}, map[int64]bool{} }

func (s *starter) enter() { s.add(1) }
func (s *starter) leave() { s.add(-1) }

func (s *starter) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += n
	s.last = time.Now()
}

// quiet reports whether nothing but waiting has happened for a while.
func (s *starter) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy == 0 && time.Since(s.last) >= quietFor
}

// keepPaused notes whether a resource's worker shall not run.
func (s *starter) keepPaused(wid int64, paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declared[wid] = true
	if paused {
		s.paused[wid] = true
	} else {
		delete(s.paused, wid)
	}
}

// isDeclared reports whether the worker is that of a resource.
func (s *starter) isDeclared(wid int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.declared[wid]
}

// hold reports whether some worker must not be resumed along with all others.
func (s *starter) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.paused) > 0 || s.adding > 0
}

// await waits until the run is quiet, or done reports that waiting is over.
// The caller counts as busy before and after.
func (s *starter) await(ctx context.Context, done func() bool) {
	s.leave()
	defer s.enter()
	for limit := time.Now().Add(quietMax); time.Now().Before(limit); {
		if done() || s.quiet() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(quietTry):
		}
	}
}

// Settle makes the pipeline run after a change, unless the provider is told
// not to. module is the module whose new tasks need a worker; empty if the
// change brought none. The caller holds a Change.
func (s *Session) Settle(ctx context.Context, module string) diag.Diagnostics {
	var diags diag.Diagnostics
	if !s.resume {
		return diags
	}
	if err := s.settle(ctx, module, &diags); err != nil {
		diags.AddWarning("The pipeline may not be running", "The change was made, but not everything could be started: "+err.Error())
	}
	return diags
}

func (s *Session) settle(ctx context.Context, module string, diags *diag.Diagnostics) error {
	workers, err := s.client.Workers(ctx)
	if err != nil {
		return err
	}
	if len(workers) == 0 {
		orphan, err := s.orphans(ctx, module)
		if err != nil || len(orphan) == 0 {
			return err
		}
		s.start.await(ctx, func() bool { return s.hasWorkers(ctx) })
	}
	s.start.resuming.Lock()
	defer s.start.resuming.Unlock()
	if workers, err = s.client.Workers(ctx); err != nil {
		return err
	}
	if len(workers) == 0 { // perhaps the last one has just been destroyed
		orphan, err := s.orphans(ctx, module)
		if err != nil || len(orphan) == 0 {
			return err
		}
	}
	switch {
	case len(workers) == 0:
		s.start.launch()
	case anyRunning(workers):
		return s.attach(ctx, module)
	case s.start.hold():
		return s.attach(ctx, module)
	case !s.Launched():
		// Paused by somebody, perhaps by a bess_worker that this run does not
		// touch: nobody but its owner starts it again.
		s.start.warn.Do(func() { diags.Append(nothingRuns(workers)) })
		return s.attach(ctx, module)
	}
	found, err := s.client.ResumeAll(ctx)
	if err == nil {
		diags.Append(violations(found)...)
	}
	return err
}

// nothingRuns tells that packets do not flow.
func nothingRuns(workers []*client.Worker) diag.Diagnostic {
	ids := make([]string, len(workers))
	for i, w := range workers {
		ids[i] = strconv.FormatInt(w.GetWid(), 10)
	}
	return diag.NewWarningDiagnostic("No worker runs", fmt.Sprintf(
		"The change was made, but all workers (%s) are paused, so no packets flow. A bess_worker with running = true starts one; "+
			"whoever has paused them can resume them.", strings.Join(ids, ", ")))
}

// launch notes that the daemon is about to make a worker by itself.
func (s *starter) launch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.launched = true
}

// AwaitWorkers waits, if there is no worker at all, until the run is quiet or
// there is one. It is called before requests that make the daemon launch a
// worker of its own. The caller holds a Change.
func (s *Session) AwaitWorkers(ctx context.Context) {
	if !s.hasWorkers(ctx) {
		s.start.await(ctx, func() bool { return s.hasWorkers(ctx) })
	}
	if !s.hasWorkers(ctx) {
		s.start.launch()
	}
}

// Launched reports whether worker 0 may be one that the daemon made by itself
// in this run.
func (s *Session) Launched() bool {
	s.start.mu.Lock()
	defer s.start.mu.Unlock()
	return s.start.launched
}

func (s *Session) hasWorkers(ctx context.Context) bool {
	workers, err := s.client.Workers(ctx)
	return err != nil || len(workers) > 0
}

// orphans returns the tasks of a module that no worker runs.
func (s *Session) orphans(ctx context.Context, module string) ([]*api.TrafficClass, error) {
	if module == "" {
		return nil, nil
	}
	tcs, err := s.client.TCs(ctx, client.AnyWorker)
	if err != nil {
		return nil, err
	}
	var list []*api.TrafficClass
	for _, tc := range tcs {
		if c := tc.GetClass(); c.GetLeafModuleName() == module && c.GetWid() == client.AnyWorker && tc.GetParent() == "" {
			list = append(list, c)
		}
	}
	return list, nil
}

// attach asks the daemon to find a worker for the module's orphans: a task
// that is moved "anywhere" is attached at the end of the call, in the original
// daemon too, where creating a module while workers run attaches nothing.
func (s *Session) attach(ctx context.Context, module string) error {
	list, err := s.orphans(ctx, module)
	if err != nil {
		return err
	}
	for _, c := range list {
		err := s.client.UpdateTCParent(ctx, &api.TrafficClass{
			LeafModuleName: c.GetLeafModuleName(), LeafModuleTaskid: c.GetLeafModuleTaskid(), Wid: client.AnyWorker})
		if err != nil && !client.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func anyRunning(workers []*client.Worker) bool {
	for _, w := range workers {
		if w.GetRunning() {
			return true
		}
	}
	return false
}

// violations turns the answer of a placement check into warnings.
func violations(found *api.CheckSchedulingConstraintsResponse) diag.Diagnostics {
	var diags diag.Diagnostics
	var names []string
	for _, m := range found.GetModules() {
		names = append(names, m.GetName())
	}
	if len(names) > 0 {
		diags.AddWarning("Modules are run by the wrong workers", fmt.Sprintf(
			"More workers reach these modules than their classes allow, or workers on other NUMA nodes: %s. "+
				"Place their tasks with bess_task.", strings.Join(names, ", ")))
	}
	return diags
}
