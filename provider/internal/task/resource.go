// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package task has the resource bess_task.
package task

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/attrs"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
	"github.com/bessform/terraform-provider-bess/provider/internal/tc"
)

// NewResource returns the resource bess_task.
func NewResource() resource.Resource { return &res{} }

type res struct{ session.Resource }

// model is the configuration, plan and state of the resource.
type model struct {
	ID       types.String `tfsdk:"id"`
	Module   types.String `tfsdk:"module"`
	Task     types.Int64  `tfsdk:"task"`
	Parent   types.String `tfsdk:"parent"`
	WID      types.Int64  `tfsdk:"wid"`
	Priority types.Int64  `tfsdk:"priority"`
	Share    types.Int64  `tfsdk:"share"`
}

// name returns the task as people write it.
func (m *model) name() string {
	return client.TaskName(m.Module.ValueString(), uint64(m.Task.ValueInt64()))
}

func (r *res) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "bess_task"
}

func (r *res) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The place of a module's task: below a traffic class, or directly on a worker. Modules that start work " +
			"by themselves (`Source`, `PortInc`, `Queue` and others) bring tasks along. A task without this resource is placed by the " +
			"daemon; destroying the resource leaves it to the daemon again.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The task in one word: `module:task`.",
				Computed:            true,
			},
			"module": schema.StringAttribute{
				MarkdownDescription: "Name of the module; refer to it as `bess_module.x.name`. Changing it replaces the resource.",
				Required:            true,
				Validators:          attrs.Name(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"task": schema.Int64Attribute{
				MarkdownDescription: "Which of the module's tasks, 0 to 31. Default 0. Changing it replaces the resource.",
				Optional:            true, Computed: true,
				Default:       int64default.StaticInt64(0),
				Validators:    attrs.Task(),
				PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"parent": schema.StringAttribute{
				MarkdownDescription: "Traffic class to hang the task below; refer to it as `bess_tc.x.name`. Either `parent` or `wid` is needed.",
				Optional:            true,
				Validators:          attrs.Name(),
			},
			"wid": schema.Int64Attribute{
				MarkdownDescription: "Worker that runs the task, 0 to 63; refer to it as `bess_worker.x.wid`. A worker with several tasks " +
					"and traffic classes of its own gives them turns.",
				Optional:   true,
				Validators: attrs.Worker(),
			},
			"priority": schema.Int64Attribute{
				MarkdownDescription: "Priority among the children of a `priority` parent, 0 to 4294967294; smaller is more urgent, and " +
					"no two may be equal.",
				Optional: true,
				Validators: append(attrs.Priority(), int64validator.AlsoRequires(path.MatchRoot("parent")),
					int64validator.ConflictsWith(path.MatchRoot("share"))),
			},
			"share": schema.Int64Attribute{
				MarkdownDescription: "Share among the children of a `weighted_fair` parent, 1 to 2147483647.",
				Optional:            true,
				Validators:          append(attrs.Share(), int64validator.AlsoRequires(path.MatchRoot("parent"))),
			},
		},
	}
}

// ValidateConfig checks that the task has one place.
func (r *res) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	switch {
	case config.Parent.IsNull() && config.WID.IsNull():
		resp.Diagnostics.AddError("Task without a place",
			"Either parent (a traffic class) or wid (a worker) says where the task goes. "+
				"Without this resource the daemon chooses a worker.")
	case !config.Parent.IsNull() && !config.WID.IsNull():
		resp.Diagnostics.AddAttributeError(path.Root("wid"), "Task with two places",
			"wid: a task hangs below a traffic class (parent) or directly on a worker (wid), not both.")
	}
}

// ModifyPlan works out the id and reports tasks placed twice and places that
// do not fit.
func (r *res) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Session == nil {
		return
	}
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.Module.IsUnknown() || plan.Task.IsUnknown() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), types.StringUnknown())...)
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), types.StringValue(plan.name()))...)
	token, diags := session.Token(ctx, req.Private, resp.Private)
	resp.Diagnostics.Append(diags...)
	if !r.Claim("task "+plan.name(), token) {
		resp.Diagnostics.AddAttributeError(path.Root("module"), "Task placed twice",
			fmt.Sprintf("Another bess_task of this configuration places task %s too.", plan.name()))
	}
	if !plan.Parent.IsUnknown() {
		place := tc.Place{Parent: plan.Parent, Priority: plan.Priority, Share: plan.Share}
		resp.Diagnostics.Append(tc.CheckPlace(r.Session, "task "+plan.name(), place, token)...)
	}
}

var idForm = regexp.MustCompile(`^(.+):([0-9]+)$`)

// parseID reads "src:0"; a bare module name means its task 0.
func parseID(id string) (module string, task int64, err error) {
	if id == "" {
		return "", 0, fmt.Errorf("%q: not a task; write it as module:task, for example src:0", id)
	}
	m := idForm.FindStringSubmatch(id)
	if m == nil {
		return id, 0, nil
	}
	n, err := strconv.ParseUint(m[2], 10, 16)
	if err != nil || n > 31 {
		return "", 0, fmt.Errorf("%q: the task must be 0 to 31", id)
	}
	return m[1], int64(n), nil
}

// ImportState takes the task as it is written in its id.
func (r *res) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	module, task, err := parseID(req.ID)
	if err != nil {
		resp.Diagnostics.AddError("Not the id of a task", err.Error())
		return
	}
	state := model{Module: types.StringValue(module), Task: types.Int64Value(task)}
	state.ID = types.StringValue(state.name())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}
