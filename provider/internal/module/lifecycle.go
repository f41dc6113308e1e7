// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// Create makes the module and finds workers for its tasks.
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
	name, err := c.CreateModule(session.Finish(ctx), plan.Name.ValueString(), plan.Class.ValueString(), arg)
	if client.IsExists(err) {
		resp.Diagnostics.AddError("Module exists already", fmt.Sprintf(
			"A module named %q is running on the daemon at %s, but not in this state. To manage it here: terraform import <address> %s",
			plan.Name.ValueString(), c.Address(), plan.Name.ValueString()))
		return
	}
	if err != nil {
		session.Failed(&resp.Diagnostics, "create module", err)
		return
	}
	plan.Name = types.StringValue(name)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Created(ctx, name)...)
	resp.Diagnostics.Append(r.Settled(ctx, plan.taskOwner(), resp.Private)...)
}

// taskOwner returns the module's name if it can have tasks that need a worker.
func (m *model) taskOwner() string {
	if session.MayHaveTasks(m.Class.ValueString()) {
		return m.Name.ValueString()
	}
	return ""
}

// Read drops a module that has vanished, and takes over class and arguments
// that differ from the state's.
func (r *res) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	what := fmt.Sprintf("module %q", state.Name.ValueString())
	class, err := r.classOf(ctx, state.Name.ValueString())
	if err != nil {
		session.ReadFailed(&resp.Diagnostics, what, err)
		return
	}
	if class == "" {
		resp.State.RemoveResource(ctx)
		return
	}
	c := r.Connection(&resp.Diagnostics)
	arg, err := c.InitialArg(ctx, state.Name.ValueString())
	switch {
	case client.IsNotFound(err): // gone since the list was read
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		session.ReadFailed(&resp.Diagnostics, what, err)
		return
	}
	state.Class = types.StringValue(class)
	state.Args, err = state.owner().Refresh(state.Args, arg)
	if err != nil {
		resp.Diagnostics.AddWarning("Arguments cannot be compared", err.Error())
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// classOf returns the class of a module, "" if there is no such module.
func (r *res) classOf(ctx context.Context, name string) (string, error) {
	modules, err := r.Modules(ctx)
	if err != nil {
		return "", err
	}
	for _, m := range modules {
		if m.GetName() == name {
			return m.GetMclass(), nil
		}
	}
	return "", nil
}

// Update gives the running module other arguments.
func (r *res) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
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
	name := plan.Name.ValueString()
	_, err := c.UpdateModule(ctx, name, arg)
	if client.IsUnimplemented(err) {
		err = r.rebuild(ctx, c, name, plan.Class.ValueString(), arg)
	}
	if err != nil {
		session.Failed(&resp.Diagnostics, "update module", err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(r.Settle(ctx, plan.taskOwner())...)
}

// Delete removes the module. Its links go with it, which their own resources
// find out by themselves.
func (r *res) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.Change()()
	name := state.Name.ValueString()
	around, err := r.Surroundings(ctx, name)
	if err == nil {
		err = c.DestroyModule(ctx, name)
	}
	if client.IsNotFound(err) {
		return
	}
	if err != nil {
		session.Failed(&resp.Diagnostics, "destroy module", err)
		return
	}
	r.Destroyed(around)
	resp.Diagnostics.Append(r.Retired(ctx, req.Private)...)
}
