// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// NewStats returns the data source bess_port_stats.
func NewStats() datasource.DataSource { return &stats{} }

type stats struct{ session.DataSource }

type statsModel struct {
	Name      types.String  `tfsdk:"name"`
	Timestamp types.Float64 `tfsdk:"timestamp"`
	LinkUp    types.Bool    `tfsdk:"link_up"`
	Speed     types.Int64   `tfsdk:"speed"`
	Inc       *direction    `tfsdk:"inc"`
	Out       *direction    `tfsdk:"out"`
}

type direction struct {
	Packets types.Int64 `tfsdk:"packets"`
	Dropped types.Int64 `tfsdk:"dropped"`
	Bytes   types.Int64 `tfsdk:"bytes"`
}

func (d *stats) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "bess_port_stats"
}

func (d *stats) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	counters := func(what, dropped string) schema.SingleNestedAttribute {
		total := func(text string) schema.Int64Attribute {
			return schema.Int64Attribute{MarkdownDescription: text, Computed: true}
		}
		return schema.SingleNestedAttribute{
			MarkdownDescription: what, Computed: true,
			Attributes: map[string]schema.Attribute{
				"packets": total("Packets."),
				"dropped": total(dropped),
				"bytes":   total("Bytes."),
			},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a port has received and sent since it was made, and the state of its link.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the port.", Required: true},
			"timestamp": schema.Float64Attribute{
				MarkdownDescription: "When the counters were read, in seconds since 1970.", Computed: true},
			"link_up": schema.BoolAttribute{MarkdownDescription: "Whether the link is up.", Computed: true},
			"speed":   schema.Int64Attribute{MarkdownDescription: "Speed of the link in Mbit/s, 0 if not known.", Computed: true},
			"inc":     counters("Packets coming in.", "Packets lost before the pipeline took them."),
			"out":     counters("Packets going out.", "Packets that the port could not send."),
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
	now, err := c.PortStats(ctx, m.Name.ValueString())
	if err != nil {
		session.Failed(&resp.Diagnostics, "read statistics of port", err)
		return
	}
	link, err := c.LinkStatus(ctx, m.Name.ValueString())
	if err != nil {
		session.Failed(&resp.Diagnostics, "read link status of port", err)
		return
	}
	m.Timestamp = types.Float64Value(now.GetTimestamp())
	m.LinkUp, m.Speed = types.BoolValue(link.GetLinkUp()), types.Int64Value(int64(link.GetSpeed()))
	m.Inc, m.Out = counters(now.GetInc()), counters(now.GetOut())
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func counters(s *api.GetPortStatsResponse_Stat) *direction {
	return &direction{session.Int64(s.GetPackets()), session.Int64(s.GetDropped()), session.Int64(s.GetBytes())}
}
