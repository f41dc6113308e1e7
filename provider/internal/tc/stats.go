// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tc

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// NewStats returns the data source bess_tc_stats.
func NewStats() datasource.DataSource { return &stats{} }

type stats struct{ session.DataSource }

type statsModel struct {
	Name      types.String  `tfsdk:"name"`
	Timestamp types.Float64 `tfsdk:"timestamp"`
	Runs      types.Int64   `tfsdk:"runs"`
	Cycles    types.Int64   `tfsdk:"cycles"`
	Packets   types.Int64   `tfsdk:"packets"`
	Bits      types.Int64   `tfsdk:"bits"`
}

func (d *stats) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "bess_tc_stats"
}

func (d *stats) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	total := func(what string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: what, Computed: true}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a traffic class, and everything below it, has used since it was made.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the traffic class. The class of a module's task is called `!leaf_<module>:<task>`.",
				Required:            true,
			},
			"timestamp": schema.Float64Attribute{
				MarkdownDescription: "When the counters were read, in seconds since 1970.", Computed: true},
			"runs":    total("How often it was run."),
			"cycles":  total("CPU cycles used."),
			"packets": total("Packets handled."),
			"bits":    total("Bits handled, with 24 bytes of Ethernet overhead for each packet."),
		},
	}
}

// Read asks the daemon.
func (d *stats) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m statsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	now, err := c.TCStats(ctx, m.Name.ValueString())
	if err != nil {
		session.Failed(&resp.Diagnostics, "read statistics of traffic class", err)
		return
	}
	m.Timestamp = types.Float64Value(now.GetTimestamp())
	m.Runs, m.Cycles = session.Int64(now.GetCount()), session.Int64(now.GetCycles())
	m.Packets, m.Bits = session.Int64(now.GetPackets()), session.Int64(now.GetBits())
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
