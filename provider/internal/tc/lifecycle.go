// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tc

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// request returns the message that makes the class as planned.
func (m *model) request() *api.TrafficClass {
	tc := m.params()
	tc.Policy = m.Policy.ValueString()
	tc.Parent = m.Parent.ValueString()
	tc.Wid = client.AnyWorker
	if tc.Parent == "" && !m.WID.IsNull() && !m.WID.IsUnknown() {
		tc.Wid = m.WID.ValueInt64()
	}
	SetArg(tc, m.Priority, m.Share)
	return tc
}

// params returns the message that changes what can be changed.
func (m *model) params() *api.TrafficClass {
	tc := &api.TrafficClass{Name: m.Name.ValueString(), Resource: m.Resource.ValueString()}
	if m.Policy.ValueString() == policyRateLimit {
		tc.Limit = map[string]int64{tc.Resource: m.Limit.ValueInt64()}
		tc.MaxBurst = map[string]int64{tc.Resource: m.MaxBurst.ValueInt64()}
	}
	return tc
}

// SetArg says which child of its parent the class is.
func SetArg(tc *api.TrafficClass, priority, share types.Int64) {
	switch {
	case !priority.IsNull():
		tc.Arg = &api.TrafficClass_Priority{Priority: priority.ValueInt64()}
	case !share.IsNull():
		tc.Arg = &api.TrafficClass_Share{Share: share.ValueInt64()}
	}
}

// Arg returns which child of its parent a class is.
func Arg(tc *api.TrafficClass) (priority, share types.Int64) {
	priority, share = types.Int64Null(), types.Int64Null()
	switch a := tc.GetArg().(type) {
	case *api.TrafficClass_Priority:
		priority = types.Int64Value(a.Priority)
	case *api.TrafficClass_Share:
		share = types.Int64Value(a.Share)
	}
	return priority, share
}

// Create adds the class.
func (r *res) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	tc := plan.request()
	if tc.GetParent() == "" {
		r.AwaitWorkers(ctx)
	}
	err := c.AddTC(session.Finish(ctx), tc)
	if client.IsExists(err) {
		resp.Diagnostics.AddError("Traffic class exists already", fmt.Sprintf(
			"A traffic class named %q is on the daemon at %s, but not in this state. To manage it here: terraform import <address> %s",
			tc.GetName(), c.Address(), tc.GetName()))
		return
	}
	if err != nil {
		session.Failed(&resp.Diagnostics, "add traffic class", err)
		return
	}
	r.refreshWorker(ctx, c, &plan)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settled(ctx, "", resp.Private)...)
}

// refreshWorker fills in the worker that the daemon has chosen for a root.
func (r *res) refreshWorker(ctx context.Context, c *client.Client, m *model) {
	if !m.WID.IsUnknown() {
		return
	}
	m.WID = types.Int64Null()
	if !m.Parent.IsNull() {
		return
	}
	tcs, err := c.TCs(ctx, client.AnyWorker)
	if err != nil {
		return // the class is there; the next refresh finds its worker
	}
	if tc := find(tcs, m.Name.ValueString()); tc != nil {
		m.WID = types.Int64Value(tc.GetClass().GetWid())
	}
}

func find(tcs []*client.TC, name string) *client.TC {
	for _, tc := range tcs {
		if tc.GetClass().GetName() == name {
			return tc
		}
	}
	return nil
}

// Read drops a class that has vanished and takes over what has changed.
func (r *res) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	tcs, err := r.TCs(ctx)
	if err != nil {
		session.ReadFailed(&resp.Diagnostics, fmt.Sprintf("traffic class %q", state.Name.ValueString()), err)
		return
	}
	tc := find(tcs, state.Name.ValueString())
	if tc == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	state.refresh(tc)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// refresh takes over what the daemon has.
func (m *model) refresh(tc *client.TC) {
	c := tc.GetClass()
	m.Policy = types.StringValue(c.GetPolicy())
	m.Parent = types.StringNull()
	if p := tc.GetParent(); p != "" && !session.Automatic(p) {
		m.Parent = types.StringValue(p)
	}
	if m.Parent.IsNull() {
		m.WID = types.Int64Value(c.GetWid())
		m.Priority, m.Share = types.Int64Null(), types.Int64Null()
	} else {
		m.WID = types.Int64Null()
		m.Priority, m.Share = Arg(c)
	}
	switch c.GetPolicy() {
	case policyRateLimit:
		m.refreshLimit(c)
	case policyWeightedFair:
		if res := c.GetResource(); res != "" { // the original daemon does not tell
			m.Resource = types.StringValue(res)
		}
	default:
		m.Resource = types.StringNull()
	}
	if c.GetPolicy() != policyRateLimit {
		m.Limit, m.MaxBurst = types.Int64Null(), types.Int64Null()
	}
}

// refreshLimit reads the maps, which have one key, the resource.
func (m *model) refreshLimit(c *api.TrafficClass) {
	for res, limit := range c.GetLimit() {
		m.Resource, m.Limit = types.StringValue(res), types.Int64Value(limit)
	}
	burst := c.GetMaxBurst()[m.Resource.ValueString()]
	if burst != 0 || !m.MaxBurst.IsNull() {
		m.MaxBurst = types.Int64Value(burst)
	}
}

// Update changes resource and limits.
func (r *res) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	if err := c.UpdateTCParams(ctx, plan.params()); err != nil {
		session.Failed(&resp.Diagnostics, "update traffic class", err)
		return
	}
	r.refreshWorker(ctx, c, &plan)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settle(ctx, "")...)
}

// Delete removes the class, once its children are gone.
func (r *res) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	name := state.Name.ValueString()
	err := session.Retry(ctx, min(session.BusyFor, r.Timeout()), client.IsBusy, func() error { return c.DeleteTC(ctx, name) })
	switch {
	case err == nil, client.IsNotFound(err):
		resp.Diagnostics.Append(r.Retired(ctx, req.Private)...)
	case client.IsBusy(err):
		resp.Diagnostics.AddError("Traffic class has children", fmt.Sprintf(
			"%s. Refer to it as bess_tc.x.name in its children and tasks, so that Terraform removes them first; if it is being replaced, "+
				"let them follow with lifecycle { replace_triggered_by = [bess_tc.x] }.", err))
	case client.IsUnimplemented(err):
		resp.Diagnostics.AddWarning("Traffic class stays", fmt.Sprintf(
			"The daemon at %s cannot delete a single traffic class. %q is forgotten here, but stays there until its worker is destroyed.",
			c.Address(), name))
	default:
		session.Failed(&resp.Diagnostics, "delete traffic class", err)
	}
}
