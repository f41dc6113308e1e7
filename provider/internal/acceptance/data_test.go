// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// value checks one attribute of the state.
func value(address string, want knownvalue.Check, attribute string, path ...any) statecheck.StateCheck {
	at := tfjsonpath.New(attribute)
	for _, p := range path {
		switch p := p.(type) {
		case int:
			at = at.AtSliceIndex(p)
		case string:
			at = at.AtMapKey(p)
		}
	}
	return statecheck.ExpectKnownValue(address, at, want)
}

func TestDataModule(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: hcl(d, module("src", "Source", "{ pkt_size = 100 }"), module("a", "Bypass", ""), module("out", "Sink", ""),
				connect("src", 0, "a", 3), connect("a", 3, "out", 0), `
data "bess_module" "a" {
  name       = bess_module.a.name
  depends_on = [bess_link.src_0, bess_link.a_3]
}
data "bess_module" "src" {
  name = bess_module.src.name
}`),
			ConfigStateChecks: []statecheck.StateCheck{
				value("data.bess_module.a", knownvalue.StringExact("Bypass"), "class"),
				value("data.bess_module.a", knownvalue.Int64Exact(3), "igates", 0, "igate"),
				value("data.bess_module.a", knownvalue.StringExact("src"), "igates", 0, "from", 0, "module"),
				value("data.bess_module.a", knownvalue.Int64Exact(0), "igates", 0, "from", 0, "ogate"),
				value("data.bess_module.a", knownvalue.Int64Exact(3), "ogates", 0, "ogate"),
				value("data.bess_module.a", knownvalue.StringExact("out"), "ogates", 0, "to"),
				value("data.bess_module.src", knownvalue.Int64Exact(100), "args", "pkt_size"),
			},
		}},
	})
}

// Packets really flow, and statistics count them.
func TestDataTCStats(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config: hcl(d, worker(0, 0, ""), module("src", "Source", ""), module("out", "Sink", ""), connect("src", 0, "out", 0)),
			},
			{
				Config: hcl(d, worker(0, 0, ""), module("src", "Source", ""), module("out", "Sink", ""), connect("src", 0, "out", 0), `
data "bess_tc_stats" "src" {
  name = "!leaf_src:0"
}`),
				Check: func(s *terraform.State) error {
					attrs := s.RootModule().Resources["data.bess_tc_stats.src"].Primary.Attributes
					packets, err := strconv.ParseInt(attrs["packets"], 10, 64)
					runs, err2 := strconv.ParseInt(attrs["runs"], 10, 64)
					bits, err3 := strconv.ParseInt(attrs["bits"], 10, 64)
					if err != nil || err2 != nil || err3 != nil || packets == 0 || runs == 0 || bits != packets*(60+24)*8 {
						return fmt.Errorf("statistics are %v", attrs)
					}
					return nil
				},
			},
		},
	})
}

func TestDataVersionAndClass(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	version, err := d.c.Version(ctx())
	d.must(err)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: hcl(d, `
data "bess_version" "v" {}
data "bess_module_class" "source" {
  name = "Source"
}`),
			ConfigStateChecks: []statecheck.StateCheck{
				value("data.bess_version.v", knownvalue.StringExact(version), "version"),
				value("data.bess_version.v", knownvalue.StringExact(d.address), "address"),
				value("data.bess_module_class.source", knownvalue.StringExact("set_pkt_size"), "commands", 0, "name"),
				value("data.bess_module_class.source", knownvalue.StringExact("SourceCommandSetPktSizeArg"), "commands", 0, "arg_type"),
			},
		}},
	})
}

func TestDataMissing(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for config, want := range map[string]string{
		`data "bess_module" "x" { name = "nobody" }`:       `No module 'nobody' found`,
		`data "bess_module_class" "x" { name = "Nobody" }`: `No mclass 'Nobody' found`,
		`data "bess_tc_stats" "x" { name = "nobody" }`:     `No TC 'nobody' found`,
		`data "bess_port_stats" "x" { name = "nobody" }`:   `No port 'nobody' found`,
	} {
		resource.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: factories,
			Steps:                    []resource.TestStep{{Config: hcl(d, config), ExpectError: loosely(want)}},
		})
	}
}
