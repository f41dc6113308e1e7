// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package provider puts the resources, data sources and functions together
// and reads the provider's own configuration.
package provider

import (
	"context"
	"os"
	"strings"
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
const addressEnv = client.EnvAddress

// New returns the provider.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &bess{version: version} }
}

type bess struct{ version string }

type config struct {
	Address    types.String `tfsdk:"address"`
	CA         types.String `tfsdk:"ca"`
	Cert       types.String `tfsdk:"cert"`
	Key        types.String `tfsdk:"key"`
	ServerName types.String `tfsdk:"server_name"`
	Timeout    types.String `tfsdk:"timeout"`
	Resume     types.Bool   `tfsdk:"resume"`
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
			"ca": schema.StringAttribute{
				MarkdownDescription: "The certificate authority that signed the daemon's certificate: path of a PEM file, or the PEM text itself. Default: the " +
					"environment variable `" + client.EnvCA + "`. With any of `ca`, `cert`, `key` and `server_name` the connection uses TLS 1.3, unless the " +
					"address is a Unix socket.",
				Optional: true,
			},
			"cert": schema.StringAttribute{
				MarkdownDescription: "The client's certificate, which carries its role (`operator` to apply, `reader` to plan): path of a PEM file, or the PEM " +
					"text itself. Default: the environment variable `" + client.EnvCert + "`.",
				Optional: true,
			},
			"key": schema.StringAttribute{
				MarkdownDescription: "The private key of `cert`: path of a PEM file, or the PEM text itself. Default: the environment variable `" + client.EnvKey + "`.",
				Optional:            true,
				Sensitive:           true,
			},
			"server_name": schema.StringAttribute{
				MarkdownDescription: "The name that the daemon's certificate must be for. Default: the environment variable `" + client.EnvServerName + "`, else the " +
					"host of `address`. Daemons that make their certificate themselves have the name `bessd` in it.",
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
		Address: c.address(), TLS: c.tls(), Timeout: client.DefaultTimeout,
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
		resp.Diagnostics.AddAttributeError(blame(err), "Invalid address or certificates", err.Error())
		return
	}
	resp.ResourceData, resp.DataSourceData = s, s
}

// address returns the configured address, nil if it, or something else that
// a connection needs, is not known yet.
func (c *config) address() *string {
	for _, v := range []types.String{c.Address, c.CA, c.Cert, c.Key, c.ServerName} {
		if v.IsUnknown() {
			return nil
		}
	}
	text := or(c.Address, os.Getenv(addressEnv))
	return &text
}

// tls returns the configured certificates.
func (c *config) tls() client.TLS {
	env := client.TLSFromEnv()
	return client.TLS{CA: or(c.CA, env.CA), Cert: or(c.Cert, env.Cert), Key: or(c.Key, env.Key), ServerName: or(c.ServerName, env.ServerName)}
}

// or returns a configured value, or another if it is empty.
func or(v types.String, other string) string {
	if text := v.ValueString(); text != "" {
		return text
	}
	return other
}

// blame returns the attribute that an error of the client begins with.
func blame(err error) path.Path {
	word, _, _ := strings.Cut(err.Error(), " ")
	switch name := strings.TrimSuffix(word, ":"); name {
	case "ca", "cert", "key":
		return path.Root(name)
	}
	return path.Root("address")
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
