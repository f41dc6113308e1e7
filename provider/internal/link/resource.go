// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package link has the resource bess_link.
package link

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/attrs"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// NewResource returns the resource bess_link.
func NewResource() resource.Resource { return &res{} }

type res struct{ session.Resource }

// model is the configuration, plan and state of the resource.
type model struct {
	ID    types.String `tfsdk:"id"`
	From  types.String `tfsdk:"from"`
	OGate types.Int64  `tfsdk:"ogate"`
	To    types.String `tfsdk:"to"`
	IGate types.Int64  `tfsdk:"igate"`
}

func (m *model) link() session.Link {
	return session.Link{
		From: m.From.ValueString(), OGate: uint64(m.OGate.ValueInt64()),
		To: m.To.ValueString(), IGate: uint64(m.IGate.ValueInt64()),
	}
}

func (m *model) set(l session.Link) {
	m.ID = types.StringValue(l.String())
	m.From, m.OGate = types.StringValue(l.From), types.Int64Value(int64(l.OGate))
	m.To, m.IGate = types.StringValue(l.To), types.Int64Value(int64(l.IGate))
}

func (r *res) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "bess_link"
}

func (r *res) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A link: packets that leave a module through an output gate enter another module through an input " +
			"gate. An output gate has one link; an input gate takes any number.\n\n" +
			"Where a link leads can be changed in place, without a packet seeing the gate unconnected.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The link in one word: `from:ogate->igate:to`.",
				Computed:            true,
			},
			"from": schema.StringAttribute{
				MarkdownDescription: "Name of the module that packets leave. Refer to it as `bess_module.x.name`, so that Terraform " +
					"knows the order. Changing it replaces the link.",
				Required:      true,
				Validators:    attrs.Name(),
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"ogate": schema.Int64Attribute{
				MarkdownDescription: "Output gate of that module, 0 to 8191. Default 0. Changing it replaces the link.",
				Optional:            true, Computed: true,
				Default:       int64default.StaticInt64(0),
				Validators:    attrs.Gate(),
				PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"to": schema.StringAttribute{
				MarkdownDescription: "Name of the module that packets enter.",
				Required:            true,
				Validators:          attrs.Name(),
			},
			"igate": schema.Int64Attribute{
				MarkdownDescription: "Input gate of that module, 0 to 8191. Default 0.",
				Optional:            true, Computed: true,
				Default:    int64default.StaticInt64(0),
				Validators: attrs.Gate(),
			},
		},
	}
}

// ModifyPlan works out the id and reports gates used twice and gates that the
// classes do not have.
func (r *res) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Session == nil {
		return
	}
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	fromKnown := !plan.From.IsUnknown() && !plan.OGate.IsUnknown()
	toKnown := !plan.To.IsUnknown() && !plan.IGate.IsUnknown()
	id := types.StringUnknown()
	if fromKnown && toKnown {
		id = types.StringValue(plan.link().String())
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), id)...)
	if toKnown {
		r.checkGate(resp, "igate", "input", plan.link().To, plan.IGate.ValueInt64(), func(c *schemas.Class) int { return c.IGates })
	}
	if !fromKnown {
		return
	}
	r.checkGate(resp, "ogate", "output", plan.link().From, plan.OGate.ValueInt64(), func(c *schemas.Class) int { return c.OGates })
	token, diags := session.Token(ctx, req.Private, resp.Private)
	resp.Diagnostics.Append(diags...)
	gate := fmt.Sprintf("%s:%d", plan.From.ValueString(), plan.OGate.ValueInt64())
	if !r.Claim("output gate "+gate, token) {
		resp.Diagnostics.AddAttributeError(path.Root("ogate"), "Output gate used twice", fmt.Sprintf(
			"Another bess_link of this configuration leaves output gate %s too. An output gate has one link; "+
				"put a Replicate or a Split between them to feed several modules.", gate))
	}
}

// checkGate reports a gate that the module's class does not have, if the
// module has been planned already.
func (r *res) checkGate(resp *resource.ModifyPlanResponse, attr, kind, module string, gate int64, gates func(*schemas.Class) int) {
	name, ok := r.PlannedClass(module)
	if !ok {
		return
	}
	class := schemas.ClassByName(name)
	if class == nil || gate < int64(gates(class)) {
		return
	}
	has := fmt.Sprintf("%s gates 0 to %d", kind, gates(class)-1)
	if gates(class) == 0 {
		has = "no " + kind + " gate"
	}
	resp.Diagnostics.AddAttributeError(path.Root(attr), "Gate out of range",
		fmt.Sprintf("%s: %d: module %q is of class %s, which has %s.", attr, gate, module, name, has))
}
