// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package tc has the resource bess_tc and the data source bess_tc_stats.
package tc

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/attrs"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// NewResource returns the resource bess_tc.
func NewResource() resource.Resource { return &res{} }

type res struct{ session.Resource }

// model is the configuration, plan and state of the resource.
type model struct {
	Name     types.String `tfsdk:"name"`
	Policy   types.String `tfsdk:"policy"`
	Parent   types.String `tfsdk:"parent"`
	WID      types.Int64  `tfsdk:"wid"`
	Priority types.Int64  `tfsdk:"priority"`
	Share    types.Int64  `tfsdk:"share"`
	Resource types.String `tfsdk:"resource"`
	Limit    types.Int64  `tfsdk:"limit"`
	MaxBurst types.Int64  `tfsdk:"max_burst"`
}

// The policies of traffic classes.
const (
	policyPriority     = "priority"
	policyWeightedFair = "weighted_fair"
	policyRoundRobin   = "round_robin"
	policyRateLimit    = "rate_limit"
)

func (r *res) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "bess_tc"
}

func (r *res) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replaceText := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	replaceNumber := []planmodifier.Int64{int64planmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A traffic class: an inner node of the tree by which a worker decides what to run next. Tasks are " +
			"hung below it with `bess_task`.\n\n" +
			"`resource`, `limit` and `max_burst` are changed in place; any other change replaces the class, which fails while it has " +
			"children. Let children and tasks follow with `lifecycle { replace_triggered_by = [bess_tc.parent] }`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the traffic class, unique over all workers: 1 to 255 bytes without control characters, " +
					"not beginning with `!`.",
				Required: true, Validators: attrs.TCName(), PlanModifiers: replaceText,
			},
			"policy": schema.StringAttribute{
				MarkdownDescription: "How the next child is chosen: `priority` (the runnable child with the smallest value), " +
					"`weighted_fair` (in proportion to the children's shares of a resource), `round_robin` (one after the other) or " +
					"`rate_limit` (its one child, no faster than the limit).",
				Required: true, PlanModifiers: replaceText,
				Validators: []validator.String{stringvalidator.OneOf(policyPriority, policyWeightedFair, policyRoundRobin, policyRateLimit)},
			},
			"parent": schema.StringAttribute{
				MarkdownDescription: "Name of the traffic class that this one is a child of. Without it the class is a root of a worker.",
				Optional:            true, Validators: attrs.Name(), PlanModifiers: replaceText,
			},
			"wid": schema.Int64Attribute{
				MarkdownDescription: "Worker whose root the class becomes, 0 to 63; refer to it as `bess_worker.x.wid`. Not together with " +
					"`parent`, whose worker it shares; then it is null. Without both the daemon chooses a worker.",
				Optional: true, Computed: true,
				Validators: append(attrs.Worker(), int64validator.ConflictsWith(path.MatchRoot("parent"))),
				PlanModifiers: []planmodifier.Int64{
					int64planmodifier.UseStateForUnknown(), int64planmodifier.RequiresReplaceIfConfigured()},
			},
			"priority": schema.Int64Attribute{
				MarkdownDescription: "Priority among the children of a `priority` parent, 0 to 4294967294; smaller is more urgent, and " +
					"no two may be equal.",
				Optional: true, PlanModifiers: replaceNumber,
				Validators: append(attrs.Priority(), int64validator.AlsoRequires(path.MatchRoot("parent")),
					int64validator.ConflictsWith(path.MatchRoot("share"))),
			},
			"share": schema.Int64Attribute{
				MarkdownDescription: "Share among the children of a `weighted_fair` parent, 1 to 2147483647.",
				Optional:            true, PlanModifiers: replaceNumber,
				Validators: append(attrs.Share(), int64validator.AlsoRequires(path.MatchRoot("parent"))),
			},
		},
	}
	maps.Copy(resp.Schema.Attributes, limits())
}

// limits are the attributes about what the class counts; they can be changed
// in place.
func limits() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"resource": schema.StringAttribute{
			MarkdownDescription: "What a `weighted_fair` or `rate_limit` class counts: `count` (runs), `cycle` (CPU cycles), `packet` or " +
				"`bit` (with 24 bytes of Ethernet overhead for each packet).",
			Optional:   true,
			Validators: []validator.String{stringvalidator.OneOf("count", "cycle", "packet", "bit")},
		},
		"limit": schema.Int64Attribute{
			MarkdownDescription: "Most of the resource that a `rate_limit` class uses per second, at least 1.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.AtLeast(1)},
		},
		"max_burst": schema.Int64Attribute{
			MarkdownDescription: "How much of the resource a `rate_limit` class may save up while it is idle. Default 0.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.AtLeast(0)},
		},
	}
}

// ImportState takes the name of the traffic class.
func (r *res) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}
