// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package task

import (
	"context"
	"syscall"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
	"github.com/bessform/terraform-provider-bess/provider/internal/tc"
)

// request returns the message that moves the task to its planned place.
func (m *model) request() *api.TrafficClass {
	req := &api.TrafficClass{
		LeafModuleName: m.Module.ValueString(), LeafModuleTaskid: uint64(m.Task.ValueInt64()),
		Parent: m.Parent.ValueString(), Wid: client.AnyWorker}
	if req.Parent == "" && !m.WID.IsNull() {
		req.Wid = m.WID.ValueInt64()
	}
	tc.SetArg(req, m.Priority, m.Share)
	return req
}

// Create moves the task to its place.
func (r *res) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	if plan.Parent.IsNull() {
		r.AwaitWorkers(ctx)
	}
	if err := c.UpdateTCParent(ctx, plan.request()); err != nil {
		session.Failed(&resp.Diagnostics, "place task", err)
		return
	}
	plan.ID = types.StringValue(plan.name())
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}

// Read drops a task that has vanished and takes over its place.
func (r *res) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	tcs, err := r.TCs(ctx)
	if err != nil {
		session.ReadFailed(&resp.Diagnostics, "task "+state.name(), err)
		return
	}
	leaf := state.find(tcs)
	if leaf == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	state.refresh(leaf)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// find returns the traffic class of the task, or nil.
func (m *model) find(tcs []*client.TC) *client.TC {
	for _, t := range tcs {
		c := t.GetClass()
		if c.GetLeafModuleName() == m.Module.ValueString() && c.GetLeafModuleTaskid() == uint64(m.Task.ValueInt64()) {
			return t
		}
	}
	return nil
}

// refresh takes over the task's place. A task that nobody runs has none.
func (m *model) refresh(leaf *client.TC) {
	m.Parent, m.WID = types.StringNull(), types.Int64Null()
	m.Priority, m.Share = types.Int64Null(), types.Int64Null()
	switch parent := leaf.GetParent(); {
	case parent != "" && !session.Automatic(parent):
		m.Parent = types.StringValue(parent)
		m.Priority, m.Share = tc.Arg(leaf.GetClass())
	case leaf.GetClass().GetWid() != client.AnyWorker:
		m.WID = types.Int64Value(leaf.GetClass().GetWid())
	}
}

// Update moves the task.
func (r *res) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	if err := r.move(ctx, c, &plan); err != nil {
		session.Failed(&resp.Diagnostics, "move task", err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}

// move puts the task in its new place. A priority may still belong to another
// task that is being moved too, and wants this one's: then this one steps aside
// first, and goes back where it was if that does not help.
func (r *res) move(ctx context.Context, c *client.Client, plan *model) error {
	err := c.UpdateTCParent(ctx, plan.request())
	if err == nil || plan.Priority.IsNull() || client.Code(err) != int(syscall.EINVAL) {
		return err
	}
	tcs, listErr := c.TCs(ctx, client.AnyWorker)
	leaf := plan.find(tcs)
	if listErr != nil || leaf == nil {
		return err
	}
	if asideErr := c.UpdateTCParent(ctx, plan.free()); asideErr != nil {
		return err
	}
	invalid := func(err error) bool { return client.Code(err) == int(syscall.EINVAL) }
	err = session.Retry(ctx, min(session.BusyFor, r.Timeout()), invalid, func() error {
		return c.UpdateTCParent(ctx, plan.request())
	})
	if err != nil {
		_ = c.UpdateTCParent(ctx, session.Placement(leaf)) // the error to report is the first one
	}
	return err
}

// free returns the message that leaves the task's place to the daemon.
func (m *model) free() *api.TrafficClass {
	return &api.TrafficClass{
		LeafModuleName: m.Module.ValueString(), LeafModuleTaskid: uint64(m.Task.ValueInt64()), Wid: client.AnyWorker}
}

// Delete leaves the place of the task to the daemon again.
func (r *res) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	if err := c.UpdateTCParent(ctx, state.free()); err != nil && !client.IsNotFound(err) {
		session.Failed(&resp.Diagnostics, "release task", err)
		return
	}
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}
