// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// connect writes a bess_link called <from>_<ogate> between two bess_module.
func connect(from string, ogate int, to string, igate int) string {
	return fmt.Sprintf(`resource "bess_link" "%s_%d" {
  from  = bess_module.%s.name
  ogate = %d
  to    = bess_module.%s.name
  igate = %d
}
`, from, ogate, from, ogate, to, igate)
}

// three are modules to connect.
func three() string {
	return module("a", "Bypass", "") + module("b", "Bypass", "") + module("c", "Bypass", "")
}

func TestLinkLifecycle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{
				Config: hcl(d, three(), connect("a", 0, "b", 0)),
				Check: resource.ComposeTestCheckFunc(d.hasLinks("a", "a:0->0:b"),
					resource.TestCheckResourceAttr("bess_link.a_0", "id", "a:0->0:b")),
			},
			{
				Config:           hcl(d, three(), connect("a", 0, "c", 7)),
				ConfigPlanChecks: planned("bess_link.a_0", plancheck.ResourceActionUpdate),
				Check:            d.hasLinks("a", "a:0->7:c"),
			},
			{
				ResourceName:      "bess_link.a_0",
				ImportState:       true,
				ImportStateVerify: true,
			},
			{
				Config: hcl(d, three(), `resource "bess_link" "a_0" {
  from  = bess_module.a.name
  ogate = 3
  to    = bess_module.c.name
}`),
				ConfigPlanChecks: planned("bess_link.a_0", plancheck.ResourceActionReplace),
				Check:            d.hasLinks("a", "a:3->0:c"),
			},
			{Config: hcl(d, three()), Check: d.hasLinks("a")},
		},
	})
}

func TestLinkVanishedAndMoved(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := hcl(d, three(), connect("a", 0, "b", 0))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig:        func() { d.must(d.c.Disconnect(ctx(), "a", 0)) },
				Config:           config,
				ConfigPlanChecks: planned("bess_link.a_0", plancheck.ResourceActionCreate),
				Check:            d.hasLinks("a", "a:0->0:b"),
			},
			{
				PreConfig: func() {
					d.must(d.c.Disconnect(ctx(), "a", 0))
					d.must(d.c.Connect(ctx(), "a", 0, "c", 1))
				},
				Config:           config,
				ConfigPlanChecks: planned("bess_link.a_0", plancheck.ResourceActionUpdate),
				Check:            d.hasLinks("a", "a:0->0:b"),
			},
			{ // destroying what is gone is no error
				PreConfig: func() { d.must(d.c.Disconnect(ctx(), "a", 0)) },
				Config:    config,
				Destroy:   true,
			},
		},
	})
}

// Two links exchange their gates: each waits for the other to let go.
func TestLinkSwap(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(x, y int) string {
		return hcl(d, three(), fmt.Sprintf(`resource "bess_link" "x" {
  from  = bess_module.a.name
  ogate = %d
  to    = bess_module.b.name
}
resource "bess_link" "y" {
  from  = bess_module.a.name
  ogate = %d
  to    = bess_module.c.name
}`, x, y))
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config(0, 1), Check: d.hasLinks("a", "a:0->0:b", "a:1->0:c")},
			{Config: config(1, 0), Check: d.hasLinks("a", "a:0->0:c", "a:1->0:b")},
		},
	})
}

func TestLinkRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for name, c := range map[string]struct{ config, want string }{
		"twice": {connect("a", 0, "b", 0) + `resource "bess_link" "other" {
  from = bess_module.a.name
  to   = bess_module.c.name
}`, `Another bess_link of this configuration leaves output gate a:0 too.`},
		"gate": {module("s", "Sink", "") + connect("a", 0, "s", 1),
			`igate: 1: module "s" is of class Sink, which has input gates 0 to 0.`},
		"no gate":  {module("s", "Sink", "") + connect("s", 0, "a", 0), `which has no output gate.`},
		"too high": {connect("a", 65536, "b", 0), `Attribute ogate value must be between 0 and 8191, got: 65536`},
		"negative": {connect("a", -1, "b", 0), `Attribute ogate value must be between 0 and 8191, got: -1`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories,
				Steps:                    []resource.TestStep{{Config: hcl(d, three(), c.config), PlanOnly: true, ExpectError: loosely(c.want)}},
			})
		})
	}
}

// An output gate that somebody else uses is not taken away.
func TestLinkTaken(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for _, name := range []string{"a", "b"} {
		_, err := d.c.CreateModule(ctx(), name, "Bypass", nil)
		d.must(err)
	}
	d.must(d.c.Connect(ctx(), "a", 0, "b", 5))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: hcl(d, `resource "bess_link" "x" {
  from = "a"
  to   = "b"
}`),
			ExpectError: loosely(`terraform import <address> 'a:0->5:b'`),
		}},
	})
	if got := d.links("a"); len(got) != 1 || got[0] != "a:0->5:b" {
		t.Errorf("links are %v", got)
	}
}

// A loop is legal; the engine bounds it.
func TestLinkToItself(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: hcl(d, three(), connect("a", 0, "a", 0)), Check: d.hasLinks("a", "a:0->0:a")},
		},
	})
}
