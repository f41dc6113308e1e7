// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// NewClass returns the data source bess_module_class.
func NewClass() datasource.DataSource { return &class{} }

type class struct{ session.DataSource }

type classModel struct {
	Name     types.String `tfsdk:"name"`
	Help     types.String `tfsdk:"help"`
	Commands []command    `tfsdk:"commands"`
}

type command struct {
	Name    types.String `tfsdk:"name"`
	ArgType types.String `tfsdk:"arg_type"`
}

func (d *class) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "bess_module_class"
}

func (d *class) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A class of modules that the daemon offers. Reading it fails if the daemon does not have the class.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the class.", Required: true},
			"help": schema.StringAttribute{MarkdownDescription: "What it does, in one line.", Computed: true},
			"commands": schema.ListNestedAttribute{
				MarkdownDescription: "The commands of its modules.", Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":     schema.StringAttribute{MarkdownDescription: "Name of the command.", Computed: true},
					"arg_type": schema.StringAttribute{MarkdownDescription: "Message that it takes.", Computed: true},
				}},
			},
		},
	}
}

// Read asks the daemon.
func (d *class) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m classModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	info, err := c.Class(ctx, m.Name.ValueString())
	if err != nil {
		session.Failed(&resp.Diagnostics, "read module class", err)
		return
	}
	m.Help, m.Commands = types.StringValue(info.GetHelp()), []command{}
	for i, name := range info.GetCmds() {
		arg := types.StringNull()
		if i < len(info.GetCmdArgs()) {
			arg = types.StringValue(info.GetCmdArgs()[i])
		}
		m.Commands = append(m.Commands, command{types.StringValue(name), arg})
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
