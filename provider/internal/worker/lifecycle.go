// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// Create adds the worker and starts it.
func (r *res) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	wid := plan.WID.ValueInt64()
	defer r.AddingWorker(wid, plan.Running.ValueBool())()
	err := c.AddWorker(session.Finish(ctx), wid, plan.Core.ValueInt64(), plan.Scheduler.ValueString())
	if client.IsExists(err) {
		if !r.adopt(ctx, c, &plan, &resp.Diagnostics) {
			return
		}
	} else if err != nil {
		session.Failed(&resp.Diagnostics, "add worker", err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.run(ctx, c, &plan)...)
}

// adopt takes over a worker that the daemon made by itself a moment ago for
// other resources of this run.
func (r *res) adopt(ctx context.Context, c *client.Client, plan *model, diags *diag.Diagnostics) bool {
	wid := plan.WID.ValueInt64()
	if wid != 0 || !r.Launched() {
		diags.AddError("Worker exists already", fmt.Sprintf(
			"Worker %d is on the daemon at %s, but not in this state. To manage it here: terraform import <address> %d",
			wid, c.Address(), wid))
		return false
	}
	workers, err := c.Workers(ctx)
	w := find(workers, wid)
	if err == nil && (w.GetCore() != plan.Core.ValueInt64() || !plan.Scheduler.IsNull()) {
		err = rehouse(ctx, c, plan)
	}
	if err != nil {
		session.Failed(diags, "take over worker", err)
	}
	return err == nil
}

// run starts or stops the worker as planned.
func (r *res) run(ctx context.Context, c *client.Client, plan *model) diag.Diagnostics {
	var diags diag.Diagnostics
	var err error
	wid := plan.WID.ValueInt64()
	r.KeepPaused(wid, !plan.Running.ValueBool())
	if plan.Running.ValueBool() {
		diags, err = r.Resume(ctx, wid)
	} else {
		err = c.PauseWorker(ctx, wid)
	}
	if err != nil {
		session.Failed(&diags, "start or stop worker", err)
	}
	return diags
}

// Read drops a worker that has vanished and takes over what has changed. The
// daemon does not tell the scheduler.
func (r *res) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	workers, err := r.Workers(ctx)
	if err != nil {
		session.ReadFailed(&resp.Diagnostics, "worker "+state.WID.String(), err)
		return
	}
	w := find(workers, state.WID.ValueInt64())
	if w == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	state.Core, state.Running = types.Int64Value(w.GetCore()), types.BoolValue(w.GetRunning())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func find(workers []*client.Worker, wid int64) *client.Worker {
	for _, w := range workers {
		if w.GetWid() == wid {
			return w
		}
	}
	return nil
}

// Update moves the worker to another CPU, starts or stops it.
func (r *res) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	// A scheduler that appears in the configuration of an imported worker is
	// taken for the one it has, as nothing tells.
	moves := !plan.Core.Equal(state.Core) || !plan.Scheduler.Equal(state.Scheduler) && !state.Scheduler.IsNull()
	if moves {
		defer r.AddingWorker(plan.WID.ValueInt64(), plan.Running.ValueBool())()
		if err := rehouse(ctx, c, &plan); err != nil {
			session.Failed(&resp.Diagnostics, "move worker", err)
			return
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.run(ctx, c, &plan)...)
}

// moveAfter is how long a worker being destroyed waits for its tasks to be
// destroyed or moved by others before it moves them itself.
const moveAfter = 2 * time.Second

// Delete ends the worker, once it has no tasks.
func (r *res) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	wid := state.WID.ValueInt64()
	begun := time.Now()
	err := session.Retry(ctx, r.Timeout(), client.IsBusy, func() error {
		if time.Since(begun) > moveAfter {
			evict(ctx, c, wid)
		}
		return c.DestroyWorker(ctx, wid)
	})
	switch {
	case client.IsBusy(err):
		resp.Diagnostics.AddError("Worker still has tasks", err.Error()+
			". Destroy the modules of these tasks too, or place the tasks on another worker with bess_task.")
	case err != nil && !client.IsNotFound(err):
		session.Failed(&resp.Diagnostics, "destroy worker", err)
	}
}
