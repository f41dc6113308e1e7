// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// Create opens the port.
func (r *res) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	arg, diags := plan.owner().Pack(plan.Args)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	made, err := c.CreatePort(session.Finish(ctx), &api.CreatePortRequest{
		Name: plan.Name.ValueString(), Driver: plan.Driver.ValueString(), Arg: arg,
		NumIncQ: uint64(plan.NumIncQ.ValueInt64()), NumOutQ: uint64(plan.NumOutQ.ValueInt64()),
		SizeIncQ: uint64(plan.SizeIncQ.ValueInt64()), SizeOutQ: uint64(plan.SizeOutQ.ValueInt64()),
	})
	if client.IsExists(err) {
		resp.Diagnostics.AddError("Port exists already", fmt.Sprintf(
			"A port named %q is open on the daemon at %s, but not in this state. To manage it here: terraform import <address> %s",
			plan.Name.ValueString(), c.Address(), plan.Name.ValueString()))
		return
	}
	if err != nil {
		session.Failed(&resp.Diagnostics, "create port", err)
		return
	}
	plan.Name, plan.MacAddr = types.StringValue(made.GetName()), types.StringValue(made.GetMacAddr())
	resp.Diagnostics.Append(plan.fillSizes(ctx, c)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// fillSizes looks up the queue sizes that the driver has chosen.
func (m *model) fillSizes(ctx context.Context, c *client.Client) (diags diag.Diagnostics) {
	if !m.SizeIncQ.IsUnknown() && !m.SizeOutQ.IsUnknown() {
		return diags
	}
	ports, err := c.Ports(ctx)
	p := find(ports, m.Name.ValueString())
	if err != nil || p == nil {
		diags.AddWarning("Queue sizes are not known", fmt.Sprintf("Port %q was made, but could not be looked at.", m.Name.ValueString()))
	}
	if m.SizeIncQ.IsUnknown() {
		m.SizeIncQ = session.Int64(p.GetSizeIncQ())
	}
	if m.SizeOutQ.IsUnknown() {
		m.SizeOutQ = session.Int64(p.GetSizeOutQ())
	}
	return diags
}

func find(ports []*client.Port, name string) *client.Port {
	for _, p := range ports {
		if p.GetName() == name {
			return p
		}
	}
	return nil
}

// Read drops a port that has vanished and takes over what has changed.
func (r *res) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ports, err := r.Ports(ctx)
	if err != nil {
		session.ReadFailed(&resp.Diagnostics, fmt.Sprintf("port %q", state.Name.ValueString()), err)
		return
	}
	p := find(ports, state.Name.ValueString())
	if p == nil {
		resp.State.RemoveResource(ctx)
		return
	}
	if err := state.refresh(p); err != nil {
		resp.Diagnostics.AddWarning("Arguments cannot be compared", err.Error())
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// refresh takes over what the daemon has. The sizes of queues are read only
// once: a driver may round what it was asked for, and nothing can change them
// later.
func (m *model) refresh(p *client.Port) (err error) {
	m.Driver = types.StringValue(p.GetDriver())
	m.NumIncQ, m.NumOutQ = session.Int64(p.GetNumIncQ()), session.Int64(p.GetNumOutQ())
	if m.SizeIncQ.IsNull() {
		m.SizeIncQ = session.Int64(p.GetSizeIncQ())
	}
	if m.SizeOutQ.IsNull() {
		m.SizeOutQ = session.Int64(p.GetSizeOutQ())
	}
	m.MacAddr = types.StringValue(p.GetMacAddr())
	m.Args, err = m.owner().Refresh(m.Args, p.GetDriverArg())
	return err
}

// Update is never called: every change replaces the port.
func (r *res) Update(_ context.Context, _ resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.Diagnostics.AddError("Ports cannot be changed", "A changed port is replaced.")
}

// Delete closes the port, once no module uses it.
func (r *res) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	name := state.Name.ValueString()
	err := session.Retry(ctx, min(session.BusyFor, r.Timeout()), client.IsBusy, func() error { return c.DestroyPort(ctx, name) })
	switch {
	case client.IsBusy(err):
		resp.Diagnostics.AddError("Port is in use", fmt.Sprintf(
			"A module still uses port %q. Refer to the port as bess_port.x.name in the arguments of modules, so that Terraform removes them "+
				"first; if the port is being replaced, let the modules follow with lifecycle { replace_triggered_by = [bess_port.x] }.", name))
	case err != nil && !client.IsNotFound(err):
		session.Failed(&resp.Diagnostics, "destroy port", err)
	}
}
