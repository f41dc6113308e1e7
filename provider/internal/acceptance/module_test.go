// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// module writes a bess_module whose label is its name.
func module(name, class, args string) string {
	if args != "" {
		args = "\n  args  = " + args
	}
	return fmt.Sprintf("resource \"bess_module\" %q {\n  name  = %q\n  class = %q%s\n}\n", name, name, class, args)
}

func TestModuleLifecycle(t *testing.T) {
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{
				Config: hcl(d, module("rw", "Rewrite", `{ templates = ["00112233"] }`)),
				Check: resource.ComposeTestCheckFunc(
					d.hasClass("rw", "Rewrite"),
					resource.TestCheckResourceAttr("bess_module.rw", "name", "rw"),
				),
			},
			{
				Config:           hcl(d, module("rw", "Rewrite", `{ templates = ["00112233", "4455"] }`)),
				ConfigPlanChecks: planned("bess_module.rw", plancheck.ResourceActionUpdate),
				Check:            d.hasClass("rw", "Rewrite"),
			},
			{
				ResourceName:                         "bess_module.rw",
				ImportState:                          true,
				ImportStateId:                        "rw",
				ImportStateVerify:                    true,
				ImportStateVerifyIdentifierAttribute: "name",
				// The daemon's bytes are written with 0x.
				ImportStateVerifyIgnore: []string{"args"},
			},
			{
				Config:           hcl(d, module("rw", "Bypass", "")),
				ConfigPlanChecks: planned("bess_module.rw", plancheck.ResourceActionReplace),
				Check:            d.hasClass("rw", "Bypass"),
			},
			{
				Config: hcl(d, `resource "bess_module" "rw" {
  name  = "other"
  class = "Bypass"
}`),
				ConfigPlanChecks: planned("bess_module.rw", plancheck.ResourceActionReplace),
				Check:            resource.ComposeTestCheckFunc(d.hasClass("rw", ""), d.hasClass("other", "Bypass")),
			},
		},
	})
}

func TestModuleNamedByDaemon(t *testing.T) {
	d := startDaemon(t)
	config := func(cycles string) string {
		return hcl(d, `resource "bess_module" "a" {
  class = "Bypass"
`+cycles+`
}`)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{
				Config: config(""),
				Check:  resource.TestCheckResourceAttr("bess_module.a", "name", "bypass0"),
			},
			{
				Config:           config("args = { cycles_per_batch = 100 }"),
				ConfigPlanChecks: planned("bess_module.a", plancheck.ResourceActionUpdate),
				Check:            resource.TestCheckResourceAttr("bess_module.a", "name", "bypass0"),
			},
		},
	})
}

// However a value is written, what means the same is no change.
func TestModuleSameMeaning(t *testing.T) {
	d := startDaemon(t)
	for _, c := range []struct{ class, first, others string }{
		{"Source", `{ pkt_size = 60 }`, "{ pkt_size = 60.0 }\n{ pkt_size = \"60\" }\n{ pkt_size = \"0x3C\" }\ntomap({ pkt_size = 60 })"},
		{"Source", ``, "{}\nnull\n{ pkt_size = null }\n{ pkt_size = 0 }"},
		{"Source", `{}`, "null\n{ pkt_size = 0 }\n{ pkt_size = null }"},
		{"Rewrite", `{ templates = ["00aabb"] }`, "{ templates = [\"00AABB\"] }\n{ templates = tolist([\"0x00aabb\"]) }\n{ templates = [\"base64:AKq7\"] }"},
		{"RandomSplit", `{ drop_rate = 0, gates = [0, 1] }`, "{ gates = tolist([0, 1]) }\n{ gates = [\"0\", 1.0], drop_rate = 0.0 }"},
	} {
		steps := []resource.TestStep{{Config: hcl(d, module("m", c.class, c.first))}}
		for _, other := range lines(c.others) {
			steps = append(steps, resource.TestStep{Config: hcl(d, module("m", c.class, other)), ConfigPlanChecks: unchanged()})
		}
		steps = append(steps, resource.TestStep{Config: hcl(d, module("m", c.class, c.first)), ConfigPlanChecks: unchanged()})
		resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories, Steps: steps})
	}
}

func TestModuleVanished(t *testing.T) {
	d := startDaemon(t)
	config := hcl(d, module("a", "Bypass", ""))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig:        func() { d.must(d.c.DestroyModule(ctx(), "a")) },
				Config:           config,
				ConfigPlanChecks: planned("bess_module.a", plancheck.ResourceActionCreate),
				Check:            d.hasClass("a", "Bypass"),
			},
			{ // destroying what is gone is no error
				PreConfig: func() { d.must(d.c.DestroyModule(ctx(), "a")) },
				Config:    config,
				Destroy:   true,
			},
		},
	})
}

// Somebody gives a module other arguments: the next apply takes them back.
func TestModuleChangedElsewhere(t *testing.T) {
	d := startDaemon(t)
	config := hcl(d, module("a", "Source", "{ pkt_size = 100 }"))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: func() {
					d.must(d.c.DestroyModule(ctx(), "a"))
					_, err := d.c.CreateModule(ctx(), "a", "Source", pack(t, "Source", map[string]any{"pkt_size": 200}))
					d.must(err)
				},
				Config:           config,
				ConfigPlanChecks: planned("bess_module.a", plancheck.ResourceActionUpdate),
				Check: says(func() string {
					arg, err := d.c.InitialArg(ctx(), "a")
					d.must(err)
					if got := unpack(t, "Source", arg); got != `{"pkt_size":100}` {
						return "arguments are " + got
					}
					return ""
				}),
			},
			{
				PreConfig: func() {
					d.must(d.c.DestroyModule(ctx(), "a"))
					_, err := d.c.CreateModule(ctx(), "a", "Sink", nil)
					d.must(err)
				},
				Config:           config,
				ConfigPlanChecks: planned("bess_module.a", plancheck.ResourceActionReplace),
				Check:            d.hasClass("a", "Source"),
			},
		},
	})
}

func TestModuleExistsAlready(t *testing.T) {
	d := startDaemon(t)
	_, err := d.c.CreateModule(ctx(), "a", "Sink", nil)
	d.must(err)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: hcl(d, module("a", "Sink", "")), ExpectError: loosely(`terraform import <address> a`)},
		},
	})
}

func TestModuleDeclaredTwice(t *testing.T) {
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config: hcl(d, module("a", "Sink", ""), `resource "bess_module" "b" {
  name  = "a"
  class = "Sink"
}`),
				PlanOnly:    true,
				ExpectError: loosely(`Another resource of this configuration makes a module named "a" too.`),
			},
		},
	})
}

// A replaced module, of which terraform tells the links nothing, keeps them.
func TestModuleReplacedKeepsLinks(t *testing.T) {
	d := startDaemon(t)
	chain := func(class string) string {
		return hcl(d, module("a", "Bypass", ""), module("b", class, ""), module("c", "Sink", ""),
			connect("a", 0, "b", 0), connect("b", 0, "c", 0))
	}
	want := resource.ComposeTestCheckFunc(d.hasLinks("a", "a:0->0:b"), d.hasLinks("b", "b:0->0:c"))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: chain("Bypass"), Check: want},
			{
				Config: chain("MACSwap"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("bess_module.b", plancheck.ResourceActionReplace),
					plancheck.ExpectResourceAction("bess_link.a_0", plancheck.ResourceActionNoop),
					plancheck.ExpectResourceAction("bess_link.b_0", plancheck.ResourceActionNoop),
				}},
				Check: want,
			},
			{ // both ends at once
				Config: hcl(d, module("a", "MACSwap", ""), module("b", "Bypass", ""), module("c", "Sink", ""),
					connect("a", 0, "b", 0), connect("b", 0, "c", 0)),
				ConfigPlanChecks: planned("bess_module.a", plancheck.ResourceActionReplace),
				Check:            want,
			},
		},
	})
}
