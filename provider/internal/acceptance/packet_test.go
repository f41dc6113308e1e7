// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// The bytes were worked out by hand: Ethernet, IPv4 with its checksum, UDP with
// its checksum, two bytes of text.
const udpPacket = "06163e1b7232" + "021e679f4dae" + "0800" +
	"4500001e00000000401 16abc01020304050 60708" + "00010002000a875a" + "6869"

func TestFunctionPacket(t *testing.T) {
	t.Parallel()
	need(t)
	want := ""
	for _, c := range udpPacket {
		if c != ' ' {
			want += string(c)
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: `
locals {
  eth = { src = "02:1e:67:9f:4d:ae", dst = "06:16:3e:1b:72:32" }
  ip  = { src = "1.2.3.4", dst = "5.6.7.8" }
}
output "object" {
  value = provider::bess::packet({ eth = local.eth, ip = local.ip, udp = { src = 1, dst = 2 }, payload = "hi" })
}
output "list" {
  value = provider::bess::packet([{ eth = local.eth }, { ip = local.ip }, { udp = { src = "1", dst = 2.0 } }, { payload = "hi" }])
}
output "map" {
  value = provider::bess::packet({ eth = tomap(local.eth), ip = tomap(local.ip), udp = tomap({ src = 1, dst = 2 }), payload = { hex = "6869" } })
}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("object", knownvalue.StringExact(want)),
				statecheck.ExpectKnownOutputValue("list", knownvalue.StringExact(want)),
				statecheck.ExpectKnownOutputValue("map", knownvalue.StringExact(want)),
			},
		}},
	})
}

// A part that is known after apply makes the packet known after apply.
func TestFunctionPacketUnknown(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := hcl(d, `
resource "terraform_data" "text" {
  input = "hi"
}
resource "bess_module" "rw" {
  name  = "rw"
  class = "Rewrite"
  args = {
    templates = [
      provider::bess::packet({
        eth     = { src = "02:1e:67:9f:4d:ae", dst = "06:16:3e:1b:72:32", type = "ipv4" }
        payload = terraform_data.text.output
      }),
      "ff",
    ]
  }
}`)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: config,
			Check: says(func() string {
				arg, err := d.c.InitialArg(ctx(), "rw")
				d.must(err)
				want := `{"templates":["0x06163e1b7232021e679f4dae08006869","0xff"]}`
				if got := unpack(t, "Rewrite", arg); got != want {
					return "arguments are " + got
				}
				return ""
			}),
		}},
	})
}

func TestFunctionPacketRefuses(t *testing.T) {
	t.Parallel()
	need(t)
	for value, want := range map[string]string{
		`{}`:                      `packet without layers`,
		`"text"`:                  `expected a map, got a string`,
		`{ udp = { src = 1 } }`:   `udp.dst`,
		`{ eth = null, vlan=[] }`: `packet without layers`,
	} {
		resource.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: factories,
			Steps: []resource.TestStep{{
				Config:      "output \"p\" {\n  value = provider::bess::packet(" + value + ")\n}",
				ExpectError: loosely(want),
			}},
		})
	}
}
