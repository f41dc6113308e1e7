// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package packetfn has the function packet.
package packetfn

import (
	"context"
	"encoding/hex"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/provider/internal/tfargs"
	"github.com/bessform/terraform-provider-bess/schemas/craft"
)

// New returns the function packet.
func New() function.Function { return &packet{} }

type packet struct{}

func (*packet) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "packet"
}

func (*packet) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Make a packet from layers",
		MarkdownDescription: "Returns the bytes of a packet as hexadecimal text, the form that arguments such as the `templates` of a " +
			"`Rewrite` take. The packet is an object of layers; lengths, checksums and the fields that name the next layer are filled " +
			"in. Tunnels and other unusual stacks are written as a list of objects with one layer each, outermost first.\n\n" + layers,
		Parameters: []function.Parameter{
			function.DynamicParameter{
				Name:                "layers",
				MarkdownDescription: "The layers of the packet: an object, or a list of objects with one layer each.",
			},
		},
		Return: function.StringReturn{},
	}
}

// layers lists what can be written, for the documentation.
const layers = "| layer | fields (required ones in bold) |\n" +
	"|---|---|\n" +
	"| `eth` | **`src`**, **`dst`**, `type` |\n" +
	"| `vlan` | **`id`**, `pcp`, `dei`, `tpid`, `type`; a number is the id, a list a stack |\n" +
	"| `mpls` | **`label`**, `tc`, `ttl` (64), `bottom`; a number is the label, a list a stack |\n" +
	"| `arp` | **`sender_ip`**, **`target_ip`**, `op` (`request`), `sender_mac`, `target_mac` |\n" +
	"| `ip` | **`src`**, **`dst`**, `ttl` (64), `id`, `tos` or `dscp` and `ecn`, `proto`, `flags`, `frag`, `options`, `length`, `checksum` |\n" +
	"| `ipv6` | **`src`**, **`dst`**, `hop_limit` (64), `tclass`, `flow`, `proto`, `length` |\n" +
	"| `udp` | **`src`**, **`dst`**, `length`, `checksum` |\n" +
	"| `tcp` | **`src`**, **`dst`**, `seq`, `ack`, `flags` (`S`), `window` (8192), `urgent`, `options`, `checksum` |\n" +
	"| `sctp` | **`src`**, **`dst`**, `tag`, `checksum` |\n" +
	"| `icmp` | `type` (8), `code`, `id`, `seq`, `checksum` |\n" +
	"| `icmpv6` | `type` (128), `code`, `id`, `seq`, `checksum` |\n" +
	"| `gre` | `proto`, `key`, `seq`, `checksum` |\n" +
	"| `vxlan` | **`vni`** |\n" +
	"| `gtpu` | **`teid`**, `type` (255), `seq` |\n" +
	"| `payload` | text, or one of `{hex = …}`, `{base64 = …}`, `{zero = n}`, `{repeat = n, text = …}`, or a list of these |\n" +
	"| `pad_to` | smallest length of the packet in bytes |\n"

func (*packet) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var v types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &v); resp.Error != nil {
		return
	}
	text, err := Hex(v)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, text)
}

// Hex makes the packet. It is unknown while a part of it is.
func Hex(v types.Dynamic) (types.String, error) {
	generic, err := tfargs.Generic(v)
	if err != nil {
		return types.StringNull(), err
	}
	if tfargs.HasUnknown(generic) {
		return types.StringUnknown(), nil
	}
	data, err := craft.Packet(generic)
	if err != nil {
		return types.StringNull(), err
	}
	return types.StringValue(hex.EncodeToString(data)), nil
}
