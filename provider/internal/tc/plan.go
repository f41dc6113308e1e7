// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tc

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// need says what a policy wants of an attribute.
type need int

const (
	forbidden need = iota
	allowed
	required
)

// needs lists what each policy counts and limits.
var needs = map[string]map[string]need{
	policyPriority:     {},
	policyRoundRobin:   {},
	policyWeightedFair: {"resource": required},
	policyRateLimit:    {"resource": required, "limit": required, "max_burst": allowed},
}

// ValidateConfig checks which attributes go with the policy.
func (r *res) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.Policy.IsUnknown() {
		return
	}
	resp.Diagnostics.Append(config.check()...)
}

func (m *model) check() diag.Diagnostics {
	var diags diag.Diagnostics
	policy := m.Policy.ValueString()
	wants, ok := needs[policy]
	if !ok {
		return diags // reported by the attribute's own validator
	}
	for _, a := range []struct {
		name  string
		value attr.Value
	}{{"resource", m.Resource}, {"limit", m.Limit}, {"max_burst", m.MaxBurst}} {
		switch {
		case a.value.IsUnknown():
		case a.value.IsNull() && wants[a.name] == required:
			diags.AddAttributeError(path.Root(a.name), "Missing attribute",
				fmt.Sprintf("tc %q: %s: policy %s needs it.", m.Name.ValueString(), a.name, policy))
		case !a.value.IsNull() && wants[a.name] == forbidden:
			diags.AddAttributeError(path.Root(a.name), "Attribute does not apply",
				fmt.Sprintf("tc %q: %s: %s: policy %s does not use it.", m.Name.ValueString(), a.name, a.value, policy))
		}
	}
	return diags
}

// ModifyPlan reports names used twice, loops, and children that do not fit
// their parents.
func (r *res) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Session == nil {
		return
	}
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.WID.IsUnknown() && !plan.Parent.IsNull() && !plan.Parent.IsUnknown() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("wid"), types.Int64Null())...)
	}
	if plan.Name.IsUnknown() {
		return
	}
	token, diags := session.Token(ctx, req.Private, resp.Private)
	resp.Diagnostics.Append(diags...)
	name := plan.Name.ValueString()
	if !r.Claim("tc "+name, token) {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Traffic class declared twice",
			fmt.Sprintf("Another resource of this configuration makes a traffic class named %q too.", name))
	}
	if plan.Policy.IsUnknown() || plan.Parent.IsUnknown() {
		return
	}
	loop := r.PlanTC(name, session.TC{Policy: plan.Policy.ValueString(), Parent: plan.Parent.ValueString()})
	if loop != nil {
		resp.Diagnostics.AddAttributeError(path.Root("parent"), "Traffic classes form a loop",
			"Each of these is a child of the next: "+strings.Join(loop, ", ")+".")
	}
	resp.Diagnostics.Append(CheckPlace(r.Session, fmt.Sprintf("tc %q", name), plan.place(), token)...)
}

// Place is where a traffic class or a task hangs.
type Place struct {
	Parent          types.String
	Priority, Share types.Int64
}

func (m *model) place() Place { return Place{m.Parent, m.Priority, m.Share} }

// CheckPlace reports a child that does not fit a parent planned before it.
// object is the child, token that of its resource.
func CheckPlace(s *session.Session, object string, p Place, token string) diag.Diagnostics {
	var diags diag.Diagnostics
	name := p.Parent.ValueString()
	parent, ok := s.PlannedTC(name)
	if !ok {
		return diags
	}
	complain := func(attribute, problem string) {
		diags.AddAttributeError(path.Root(attribute), "Child does not fit its parent",
			fmt.Sprintf("%s: %s: parent %q has policy %s: %s.", object, attribute, name, parent.Policy, problem))
	}
	match := func(attribute, policy string, v types.Int64) {
		switch {
		case v.IsUnknown():
		case parent.Policy == policy && v.IsNull():
			complain(attribute, "each child needs one")
		case parent.Policy != policy && !v.IsNull():
			complain(attribute, "its children have none")
		}
	}
	match("priority", policyPriority, p.Priority)
	match("share", policyWeightedFair, p.Share)
	known := !p.Priority.IsNull() && !p.Priority.IsUnknown()
	switch {
	case parent.Policy == policyRateLimit && !s.Claim("the child of "+name, token):
		complain("parent", "it takes one child; put another class between them")
	case parent.Policy == policyPriority && known && !s.Claim(fmt.Sprintf("priority %s in %s", p.Priority, name), token):
		complain("priority", fmt.Sprintf("another child has %s too", p.Priority))
	}
	return diags
}
