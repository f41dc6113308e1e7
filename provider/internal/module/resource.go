// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package module has the resource and the data source bess_module, and the
// data source bess_module_class.
package module

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/attrs"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
	"github.com/bessform/terraform-provider-bess/provider/internal/tfargs"
)

// NewResource returns the resource bess_module.
func NewResource() resource.Resource { return &res{} }

type res struct{ session.Resource }

// model is the configuration, plan and state of the resource.
type model struct {
	Name  types.String  `tfsdk:"name"`
	Class types.String  `tfsdk:"class"`
	Args  types.Dynamic `tfsdk:"args"`
}

// owner returns whose arguments these are.
func (m *model) owner() tfargs.Owner {
	object := "module of class " + m.Class.ValueString()
	if name := m.Name.ValueString(); name != "" {
		object = fmt.Sprintf("module %q", name)
	}
	return tfargs.Owner{Kind: "class", Name: m.Class.ValueString(), Object: object}
}

func (r *res) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "bess_module"
}

func (r *res) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A packet processing module: one node of the pipeline.\n\n" +
			"The arguments are checked while planning, without a daemon. Another set of arguments is given to the running " +
			"module in place where its class can take it (the rules of an `ACL`, the templates of a `Rewrite`); otherwise the module " +
			"is rebuilt between two batches of packets and keeps its links and the places of its tasks. Only another name or class " +
			"replaces the module.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the module, unique in the pipeline: 1 to 255 bytes without control characters. " +
					"Without it the daemon chooses one after the class, like `source0`. Changing it replaces the module.",
				Optional: true, Computed: true,
				Validators: attrs.Name(),
				PlanModifiers: []planmodifier.String{
					stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
			},
			"class": schema.StringAttribute{
				MarkdownDescription: "Class of the module, like `ACL` or `Source`. Changing it replaces the module; its links stay.",
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"args": schema.DynamicAttribute{
				MarkdownDescription: "Arguments of the class, an object with the fields of its argument message. How values are " +
					"written: whole numbers (also as text, in hexadecimal with `0x`), addresses and prefixes as text, bytes as " +
					"hexadecimal text, as `base64:…`, as `text:…`, or as a packet in layers like those of the function `packet`. " +
					"Absent, `null` and `{}` all mean the defaults.",
				Optional: true, Computed: true,
			},
		},
	}
}

// ValidateConfig checks class and arguments without a daemon.
func (r *res) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.Class.IsUnknown() {
		return
	}
	owner := config.owner()
	if d := owner.UnknownOwner(path.Root("class")); d != nil {
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
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if !plan.Class.IsUnknown() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(tfargs.Attribute), plan.owner().Plan(config.Args, state.Args))...)
	}
	if plan.Name.IsUnknown() {
		return
	}
	token, diags := session.Token(ctx, req.Private, resp.Private)
	resp.Diagnostics.Append(diags...)
	name := plan.Name.ValueString()
	if !r.Claim("module "+name, token) {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Module declared twice",
			fmt.Sprintf("Another resource of this configuration makes a module named %q too.", name))
	}
	if !plan.Class.IsUnknown() {
		r.PlanModule(name, plan.Class.ValueString())
	}
}

// ImportState takes the name of the module.
func (r *res) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}
