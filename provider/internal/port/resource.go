// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package port has the resource bess_port and the data source
// bess_port_stats.
package port

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/attrs"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
	"github.com/bessform/terraform-provider-bess/provider/internal/tfargs"
)

// NewResource returns the resource bess_port.
func NewResource() resource.Resource { return &res{} }

type res struct{ session.Resource }

// model is the configuration, plan and state of the resource.
type model struct {
	Name     types.String  `tfsdk:"name"`
	Driver   types.String  `tfsdk:"driver"`
	NumIncQ  types.Int64   `tfsdk:"num_inc_q"`
	NumOutQ  types.Int64   `tfsdk:"num_out_q"`
	SizeIncQ types.Int64   `tfsdk:"size_inc_q"`
	SizeOutQ types.Int64   `tfsdk:"size_out_q"`
	Args     types.Dynamic `tfsdk:"args"`
	MacAddr  types.String  `tfsdk:"mac_addr"`
}

func (m *model) owner() tfargs.Owner {
	object := "port of driver " + m.Driver.ValueString()
	if name := m.Name.ValueString(); name != "" {
		object = fmt.Sprintf("port %q", name)
	}
	return tfargs.Owner{Kind: "driver", Name: m.Driver.ValueString(), Object: object}
}

// Limits of the daemon.
const (
	maxQueues = 128
	maxSize   = 4096
)

func (r *res) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "bess_port"
}

func (r *res) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	queues := func(what string) schema.Int64Attribute {
		return schema.Int64Attribute{
			MarkdownDescription: what, Optional: true, Computed: true,
			Default:       int64default.StaticInt64(1),
			Validators:    []validator.Int64{int64validator.Between(1, maxQueues)},
			PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()},
		}
	}
	size := func(what string) schema.Int64Attribute {
		return schema.Int64Attribute{
			MarkdownDescription: what, Optional: true, Computed: true,
			Validators: []validator.Int64{int64validator.Between(1, maxSize)},
			PlanModifiers: []planmodifier.Int64{
				int64planmodifier.UseStateForUnknown(), int64planmodifier.RequiresReplaceIfConfigured()},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A port: where packets enter and leave the pipeline. Modules such as `PortInc` and `PortOut` use it by its " +
			"name; refer to it as `bess_port.x.name` in their arguments, so that Terraform knows the order.\n\n" +
			"Every change replaces the port, which fails while modules use it. Let them follow with " +
			"`lifecycle { replace_triggered_by = [bess_port.x] }`; their links stay.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the port, unique in the pipeline: 1 to 255 bytes without control characters. Without it the " +
					"daemon chooses one after the driver, like `pmd_port0`.",
				Optional: true, Computed: true,
				Validators: attrs.Name(),
				PlanModifiers: []planmodifier.String{
					stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
			},
			"driver": schema.StringAttribute{
				MarkdownDescription: "Driver of the port, like `PMDPort`, `PCAPPort` or `UnixSocketPort`.",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"num_inc_q":  queues("Number of queues for packets coming in, 1 to 128. Default 1."),
			"num_out_q":  queues("Number of queues for packets going out, 1 to 128. Default 1."),
			"size_inc_q": size("Slots of each queue for packets coming in, 1 to 4096. The driver's choice if absent."),
			"size_out_q": size("Slots of each queue for packets going out, 1 to 4096. The driver's choice if absent."),
			"args": schema.DynamicAttribute{
				MarkdownDescription: "Arguments of the driver, an object with the fields of its argument message, written as those of " +
					"`bess_module`. Absent, `null` and `{}` all mean the defaults.",
				Optional: true, Computed: true,
			},
			"mac_addr": schema.StringAttribute{
				MarkdownDescription: "Ethernet address of the port.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

// ValidateConfig checks driver and arguments without a daemon.
func (r *res) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.Driver.IsUnknown() {
		return
	}
	owner := config.owner()
	if d := owner.UnknownOwner(path.Root("driver")); d != nil {
		resp.Diagnostics.Append(d)
		return
	}
	_, diags := owner.Decode(config.Args)
	resp.Diagnostics.Append(diags...)
}

// ModifyPlan compares arguments as the daemon would and notices names that are
// used twice.
func (r *res) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Session == nil {
		return
	}
	var config, plan, state model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	exists := !req.State.Raw.IsNull()
	if exists {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if !plan.Driver.IsUnknown() {
		planned := plan.owner().Plan(config.Args, state.Args)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(tfargs.Attribute), planned)...)
		if exists && !planned.Equal(state.Args) {
			resp.RequiresReplace = append(resp.RequiresReplace, path.Root(tfargs.Attribute))
		}
	}
	if plan.Name.IsUnknown() {
		return
	}
	token, diags := session.Token(ctx, req.Private, resp.Private)
	resp.Diagnostics.Append(diags...)
	if name := plan.Name.ValueString(); !r.Claim("port "+name, token) {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Port declared twice",
			fmt.Sprintf("Another resource of this configuration makes a port named %q too.", name))
	}
}

// ImportState takes the name of the port.
func (r *res) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}
