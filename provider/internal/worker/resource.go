// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package worker has the resource bess_worker.
package worker

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/attrs"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// NewResource returns the resource bess_worker.
func NewResource() resource.Resource { return &res{} }

type res struct{ session.Resource }

// model is the configuration, plan and state of the resource.
type model struct {
	WID       types.Int64  `tfsdk:"wid"`
	Core      types.Int64  `tfsdk:"core"`
	Scheduler types.String `tfsdk:"scheduler"`
	Running   types.Bool   `tfsdk:"running"`
}

func (r *res) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "bess_worker"
}

func (r *res) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A worker: a thread on a CPU of its own that runs the tasks of modules.\n\n" +
			"A pipeline without this resource runs on worker 0, which the daemon makes when a task first needs one. Refer to the " +
			"worker as `bess_worker.x.wid` in `bess_task` and `bess_tc`, so that Terraform knows the order. A worker that still runs tasks is not destroyed: tasks that nobody has placed on it move to " +
			"another worker if there is one.",
		Attributes: map[string]schema.Attribute{
			"wid": schema.Int64Attribute{
				MarkdownDescription: "Id of the worker, 0 to 63. Changing it replaces the worker.",
				Required:            true,
				Validators:          attrs.Worker(),
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"core": schema.Int64Attribute{
				MarkdownDescription: "CPU that the worker runs on. Another CPU is taken in place: the worker's tasks stand still for a " +
					"moment. This is refused for a worker with traffic classes.",
				Required:   true,
				Validators: []validator.Int64{int64validator.AtLeast(0)},
			},
			"scheduler": schema.StringAttribute{
				MarkdownDescription: "`experimental` makes the worker back off from tasks without work. Absent: it polls them. Changed like `core`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf("experimental")},
			},
			"running": schema.BoolAttribute{
				MarkdownDescription: "Whether the worker runs; default `true`.",
				Optional:            true, Computed: true,
				Default: booldefault.StaticBool(true),
			},
		},
	}
}

// ModifyPlan notices ids that are used twice.
func (r *res) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Session == nil {
		return
	}
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || plan.WID.IsUnknown() {
		return
	}
	token, diags := session.Token(ctx, req.Private, resp.Private)
	resp.Diagnostics.Append(diags...)
	if !r.Claim("worker "+plan.WID.String(), token) {
		resp.Diagnostics.AddAttributeError(path.Root("wid"), "Worker declared twice",
			fmt.Sprintf("Another resource of this configuration makes worker %s too.", plan.WID))
	}
}

// ImportState takes the id of the worker.
func (r *res) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	wid, err := strconv.ParseInt(req.ID, 10, 64)
	if err != nil || wid < 0 || wid > 63 {
		resp.Diagnostics.AddError("Not the id of a worker", fmt.Sprintf("%q: must be a number from 0 to 63.", req.ID))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("wid"), wid)...)
}
