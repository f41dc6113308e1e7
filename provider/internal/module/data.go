// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package module

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/provider/internal/session"
)

// NewDataSource returns the data source bess_module.
func NewDataSource() datasource.DataSource { return &data{} }

type data struct{ session.DataSource }

type dataModel struct {
	Name        types.String           `tfsdk:"name"`
	Class       types.String           `tfsdk:"class"`
	Description types.String           `tfsdk:"description"`
	Args        types.Dynamic          `tfsdk:"args"`
	Deadends    types.Int64            `tfsdk:"deadends"`
	IGates      []igate                `tfsdk:"igates"`
	OGates      []ogate                `tfsdk:"ogates"`
	Metadata    []attribute            `tfsdk:"metadata"`
	Counters    map[string]types.Int64 `tfsdk:"counters"`
	RulePackets []types.Int64          `tfsdk:"rule_packets"`
}

type igate struct {
	IGate   types.Int64 `tfsdk:"igate"`
	From    []feeder    `tfsdk:"from"`
	Packets types.Int64 `tfsdk:"packets"`
	Batches types.Int64 `tfsdk:"batches"`
}

type feeder struct {
	Module types.String `tfsdk:"module"`
	OGate  types.Int64  `tfsdk:"ogate"`
}

type ogate struct {
	OGate   types.Int64  `tfsdk:"ogate"`
	To      types.String `tfsdk:"to"`
	IGate   types.Int64  `tfsdk:"igate"`
	Packets types.Int64  `tfsdk:"packets"`
	Batches types.Int64  `tfsdk:"batches"`
}

type attribute struct {
	Name   types.String `tfsdk:"name"`
	Size   types.Int64  `tfsdk:"size"`
	Mode   types.String `tfsdk:"mode"`
	Offset types.Int64  `tfsdk:"offset"`
}

func (d *data) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "bess_module"
}

func (d *data) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(s string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: s, Computed: true}
	}
	number := func(s string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: s, Computed: true}
	}
	list := func(s string, attrs map[string]schema.Attribute) schema.ListNestedAttribute {
		return schema.ListNestedAttribute{MarkdownDescription: s, Computed: true,
			NestedObject: schema.NestedAttributeObject{Attributes: attrs}}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A running module, with its links and counters.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the module.", Required: true},
			"class":       text("Its class."),
			"description": text("What the module says about itself in one line; often empty."),
			"args": schema.DynamicAttribute{
				MarkdownDescription: "Its arguments. Null if this provider does not know the class.", Computed: true},
			"deadends": number("Packets dropped here: by the module itself, or because an output gate has no link."),
			"igates": list("The input gates that have links.", map[string]schema.Attribute{
				"igate": number("Number of the gate."),
				"from": list("The links that end there.", map[string]schema.Attribute{
					"module": text("Module that the link leaves."),
					"ogate":  number("Output gate that the link leaves."),
				}),
				"packets": number("Packets that came in. 0 unless a hook counts them."),
				"batches": number("Batches that came in. 0 unless a hook counts them."),
			}),
			"ogates": list("The output gates that have a link.", map[string]schema.Attribute{
				"ogate":   number("Number of the gate."),
				"to":      text("Module that the link leads to."),
				"igate":   number("Input gate that the link leads to."),
				"packets": number("Packets that went out."),
				"batches": number("Batches that went out."),
			}),
			"metadata": list("The metadata attributes that the module uses.", map[string]schema.Attribute{
				"name":   text("Name of the attribute."),
				"size":   number("Its size in bytes."),
				"mode":   text("`read`, `write` or `update`."),
				"offset": number("Where it is kept; negative if it is not."),
			}),
			"counters": schema.MapAttribute{
				MarkdownDescription: "The class's own counters by name. Null if the daemon has none.",
				ElementType:         types.Int64Type, Computed: true},
			"rule_packets": schema.ListAttribute{
				MarkdownDescription: "Packets decided by each rule, in the order of the rules, for classes that have rules. Null if the daemon does not count them.",
				ElementType:         types.Int64Type, Computed: true},
		},
	}
}

// Read asks the daemon.
func (d *data) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m dataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.Connection(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	name := m.Name.ValueString()
	info, err := c.Module(ctx, name)
	if err != nil {
		session.Failed(&resp.Diagnostics, "read module", err)
		return
	}
	m.describe(info)
	resp.Diagnostics.Append(m.readArgs(ctx, c)...)
	resp.Diagnostics.Append(m.readCounters(ctx, c)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	}
}

func (m *dataModel) describe(info *client.ModuleInfo) {
	m.Class, m.Description = types.StringValue(info.GetMclass()), types.StringValue(info.GetDesc())
	m.Deadends = session.Int64(info.GetDeadends())
	m.IGates, m.OGates, m.Metadata = []igate{}, []ogate{}, []attribute{}
	for _, g := range info.GetIgates() {
		in := igate{session.Int64(g.GetIgate()), []feeder{}, session.Int64(g.GetPkts()), session.Int64(g.GetCnt())}
		for _, f := range g.GetOgates() {
			in.From = append(in.From, feeder{types.StringValue(f.GetName()), session.Int64(f.GetOgate())})
		}
		m.IGates = append(m.IGates, in)
	}
	for _, g := range info.GetOgates() {
		m.OGates = append(m.OGates, ogate{session.Int64(g.GetOgate()), types.StringValue(g.GetName()),
			session.Int64(g.GetIgate()), session.Int64(g.GetPkts()), session.Int64(g.GetCnt())})
	}
	for _, a := range info.GetMetadata() {
		m.Metadata = append(m.Metadata, attribute{types.StringValue(a.GetName()), session.Int64(a.GetSize()),
			types.StringValue(a.GetMode()), types.Int64Value(a.GetOffset())})
	}
}

func (m *dataModel) readArgs(ctx context.Context, c *client.Client) (diags diag.Diagnostics) {
	m.Args = types.DynamicNull()
	arg, err := c.InitialArg(ctx, m.Name.ValueString())
	if err != nil {
		session.Failed(&diags, "read arguments of module", err)
		return diags
	}
	owner := (&model{Name: m.Name, Class: m.Class}).owner()
	if m.Args, err = owner.Refresh(m.Args, arg); err != nil {
		diags.AddWarning("Arguments cannot be shown", err.Error())
	}
	return diags
}

func (m *dataModel) readCounters(ctx context.Context, c *client.Client) (diags diag.Diagnostics) {
	now, err := c.ModuleCounters(ctx, m.Name.ValueString())
	if client.IsUnimplemented(err) {
		return diags
	}
	if err != nil {
		session.Failed(&diags, "read counters of module", err)
		return diags
	}
	m.Counters, m.RulePackets = map[string]types.Int64{}, []types.Int64{}
	for _, counter := range now.GetCounters() {
		m.Counters[counter.GetName()] = session.Int64(counter.GetValue())
	}
	for _, n := range now.GetRulePackets() {
		m.RulePackets = append(m.RulePackets, session.Int64(n))
	}
	return diags
}
