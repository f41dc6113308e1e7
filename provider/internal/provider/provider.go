// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package provider puts the resources, data sources and functions together
// and reads the provider's own configuration.
package provider

import (
	"context"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/link"
	"github.com/bessform/terraform-provider-bess/provider/internal/module"
	"github.com/bessform/terraform-provider-bess/provider/internal/packetfn"
	"github.com/bessform/terraform-provider-bess/provider/internal/port"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
	"github.com/bessform/terraform-provider-bess/provider/internal/task"
	"github.com/bessform/terraform-provider-bess/provider/internal/tc"
	"github.com/bessform/terraform-provider-bess/provider/internal/version"
	"github.com/bessform/terraform-provider-bess/provider/internal/worker"
)

// addressEnv is where the address is taken from if it is not configured.
const addressEnv = "BESS_ADDRESS"

// New returns the provider.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &bess{version: version} }
}

type bess struct{ version string }

type config struct {
	Address types.String `tfsdk:"address"`
	Timeout types.String `tfsdk:"timeout"`
	Resume  types.Bool   `tfsdk:"resume"`
}

func (p *bess) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "bess", p.version
}

func (p *bess) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Builds packet pipelines on a running BESS appliance (`bessd`): modules and the links between them, ports, " +
			"workers and the traffic classes that decide what workers run.\n\n" +
			"Plans are made without a daemon: arguments are checked against the schemas that the provider brings along, and a daemon that " +
			"is not there only matters for what is already in the state. The original BESS daemon can be used as well; where it has no call " +
			"for something, the provider does it in more steps.",
		Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				MarkdownDescription: "Where the daemon listens: `host:port`, a host (port 10514) or `unix:/path`. Default: the environment " +
					"variable `" + addressEnv + "`, else `" + client.DefaultAddress + "`.",
				Optional: true,
			},
			"timeout": schema.StringAttribute{
				MarkdownDescription: "How long one call to the daemon, or waiting for an object in use, may take, like `45s` or `2m`. Default `30s`.",
				Optional:            true,
			},
			"resume": schema.BoolAttribute{
				MarkdownDescription: "Whether new tasks are given to workers after each change, and, if there is no worker at all, the daemon is " +
					"asked to make one and start it. Default `true`. With `false` tasks wait until something else resumes the pipeline. Workers that " +
					"somebody has paused are started by `bess_worker` only.",
				Optional: true,
			},
		},
	}
}

// Configure prepares the connection. It does not connect: a plan must be
// possible while the daemon is down or its address is not known yet.
func (p *bess) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var c config
	resp.Diagnostics.Append(req.Config.Get(ctx, &c)...)
	if resp.Diagnostics.HasError() {
		return
	}
	opt := session.Options{
		Address: address(c.Address), Timeout: client.DefaultTimeout,
		Resume: !c.Resume.Equal(types.BoolValue(false)), UserAgent: "terraform-provider-bess/" + p.version,
	}
	if text := c.Timeout.ValueString(); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			resp.Diagnostics.AddAttributeError(path.Root("timeout"), "Invalid timeout",
				"timeout: \""+text+"\": must be a positive duration like 45s or 2m.")
			return
		}
		opt.Timeout = d
	}
	s, err := session.New(opt)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("address"), "Invalid address", err.Error())
		return
	}
	resp.ResourceData, resp.DataSourceData = s, s
}

// address returns the configured address, nil if it is not known yet.
func address(v types.String) *string {
	if v.IsUnknown() {
		return nil
	}
	text := v.ValueString()
	if text == "" {
		text = os.Getenv(addressEnv)
	}
	return &text
}

// Resources lists the resources.
func (p *bess) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		link.NewResource, module.NewResource, port.NewResource, task.NewResource, tc.NewResource, worker.NewResource,
	}
}

// DataSources lists the data sources.
func (p *bess) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		module.NewDataSource, module.NewClass, port.NewStats, tc.NewStats, version.New,
	}
}

// Functions lists the functions.
func (p *bess) Functions(context.Context) []func() function.Function {
	return []func() function.Function{packetfn.New}
}
