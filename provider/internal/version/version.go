// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package version has the data source bess_version.
package version

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// New returns the data source bess_version.
func New() datasource.DataSource { return &data{} }

type data struct{ session.DataSource }

type model struct {
	Version types.String `tfsdk:"version"`
	Address types.String `tfsdk:"address"`
}

func (d *data) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "bess_version"
}

func (d *data) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The daemon that the provider talks to. Reading it fails if the daemon is not there.",
		Attributes: map[string]schema.Attribute{
			"version": schema.StringAttribute{MarkdownDescription: "The daemon's version.", Computed: true},
			"address": schema.StringAttribute{MarkdownDescription: "Where it listens.", Computed: true},
		},
	}
}

// Read asks the daemon.
func (d *data) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	c := d.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	version, err := c.Version(ctx)
	if err != nil {
		session.Failed(&resp.Diagnostics, "get the daemon's version", err)
		return
	}
	m := model{Version: types.StringValue(version), Address: types.StringValue(c.Address())}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
