// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packetfn

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// object makes an object of texts and objects.
func object(values map[string]attr.Value) attr.Value {
	kinds := map[string]attr.Type{}
	for k, v := range values {
		kinds[k] = v.Type(context.Background())
	}
	return types.ObjectValueMust(kinds, values)
}

func eth(dst attr.Value) attr.Value {
	return object(map[string]attr.Value{"src": types.StringValue("02:00:00:00:00:01"), "dst": dst, "type": types.StringValue("0x88b5")})
}

func TestHex(t *testing.T) {
	dst := types.StringValue("02:00:00:00:00:02")
	for name, c := range map[string]struct {
		in   attr.Value
		want types.String
		err  string
	}{
		"frame": {object(map[string]attr.Value{"eth": eth(dst), "payload": types.StringValue("A")}),
			types.StringValue("02000000000202000000000188b541"), ""},
		"not known":   {object(map[string]attr.Value{"eth": eth(types.StringUnknown())}), types.StringUnknown(), ""},
		"bad address": {object(map[string]attr.Value{"eth": eth(types.StringValue("02:00"))}), types.StringNull(), `eth.dst: "02:00"`},
		"no packet":   {types.BoolValue(true), types.StringNull(), "expected a map"},
		"odd type":    {types.Int64Value(1), types.StringNull(), "cannot be used here"},
	} {
		got, err := Hex(types.DynamicValue(c.in))
		if !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", name, err, c.err)
		}
	}
}

// Every layer that can be used is in the table of the documentation.
func TestLayersAreDocumented(t *testing.T) {
	var def function.DefinitionResponse
	New().Definition(context.Background(), function.DefinitionRequest{}, &def)
	for _, layer := range []string{"eth", "vlan", "mpls", "arp", "ip", "ipv6", "udp", "tcp", "sctp", "icmp", "icmpv6", "gre", "vxlan", "gtpu", "payload", "pad_to"} {
		if !strings.Contains(def.Definition.MarkdownDescription, "| `"+layer+"` |") {
			t.Errorf("layer %s is not documented", layer)
		}
	}
}
