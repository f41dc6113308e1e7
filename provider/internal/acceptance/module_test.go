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
	t.Parallel()
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

// A class that answers get_initial_arg with more than it was given (NAT: the
// addresses in order, with the ports they have by default) has not drifted.
func TestModuleThatCompletesItsArgument(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{{
			// A test step fails if the plan after it is not empty.
			Config: hcl(d, module("nat", "NAT", `{ ext_addrs = [{ ext_addr = "192.0.2.9" }, { ext_addr = "192.0.2.1" }] }`)),
			Check:  d.hasClass("nat", "NAT"),
		}},
	})
}

func TestModuleNamedByDaemon(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	d := startDaemon(t)
	ways := []struct {
		class string
		args  []string
	}{
		{"Source", []string{`{ pkt_size = 60 }`, `{ pkt_size = 60.0 }`, `{ pkt_size = "60" }`, `{ pkt_size = "0x3C" }`, `tomap({ pkt_size = 60 })`}},
		{"Source", []string{``, `{}`, `null`, `{ pkt_size = null }`, `{ pkt_size = 0 }`}},
		{"Source", []string{`{}`, `null`, `{ pkt_size = 0 }`, ``, `{ pkt_size = null }`}},
		{"Rewrite", []string{`{ templates = ["00aabb"] }`, `{ templates = ["00AABB"] }`, `{ templates = tolist(["0x00aabb"]) }`,
			`{ templates = ["base64:AKq7"] }`, `{ templates = [{ eth = null, payload = { hex = "00aabb" } }] }`}},
		{"RandomSplit", []string{`{ drop_rate = 0, gates = [0, 1] }`, `{ gates = tolist([0, 1]) }`, `{ gates = ["0", 1.0], drop_rate = 0.0 }`,
			`{ gates = [0, "0x1"], drop_rate = null }`, `{ drop_rate = -0.0, gates = [0, 1] }`}},
		{"ACL", []string{`{ rules = [{ src_ip = "10.0.0.0/8", drop = false }] }`, `{ rules = [{ drop = null, src_ip = "10.0.0.0/8" }] }`,
			`{ rules = tolist([{ src_ip = "10.0.0.0/8" }]) }`, `{ rules = [{ src_ip = "10.0.0.0/8", src_port = 0, dst_ip = "" }] }`,
			`{ rules = [tomap({ src_ip = "10.0.0.0/8" })] }`}},
	}
	w := newWorkspace(t)
	for i := range ways[0].args {
		var config string
		for j, way := range ways {
			config += module(fmt.Sprintf("m%d", j), way.class, way.args[i])
		}
		w.write(d, config)
		if i == 0 {
			w.run("apply", "-auto-approve")
		}
		if code, out := w.try("plan", "-detailed-exitcode"); code != 0 {
			t.Errorf("written in way %d: exit status %d\n%s", i, code, out)
		}
	}
}

func TestModuleVanished(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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

// The rules of an access list change in the running module: what it has
// counted is still there.
func TestModuleUpdatedInPlace(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(running bool, rules string) string {
		return hcl(d, worker(0, lastCore(), fmt.Sprintf("running = %v", running)), module("src", "Source", ""),
			module("rw", "Rewrite", `{ templates = [provider::bess::packet({
    eth = { src = "02:00:00:00:00:01", dst = "02:00:00:00:00:02" }
    ip  = { src = "10.0.0.1", dst = "10.0.0.2" }
    udp = { src = 1, dst = 2 }
  })] }`),
			module("fw", "ACL", "{ rules = ["+rules+"] }"), module("out", "Sink", ""),
			connect("src", 0, "rw", 0), connect("rw", 0, "fw", 0), connect("fw", 0, "out", 0), `
data "bess_module" "fw" {
  name       = bess_module.fw.name
  depends_on = [bess_link.fw_0, bess_worker.w0]
}`)
	}
	var before []uint64
	rules := func() []uint64 {
		now, err := d.c.ModuleCounters(ctx(), "fw")
		d.must(err)
		return now.GetRulePackets()
	}
	pass := `{ src_ip = "10.0.0.0/8" }`
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config(true, pass)},
			{
				Config: config(false, pass),
				Check: says(func() string {
					if before = rules(); len(before) != 1 || before[0] == 0 {
						return fmt.Sprintf("packets by rule: %v", before)
					}
					return ""
				}),
			},
			{
				Config:           config(false, pass+`, { drop = true }`),
				ConfigPlanChecks: planned("bess_module.fw", plancheck.ResourceActionUpdate),
				Check: says(func() string {
					if now := rules(); len(now) != 2 || now[0] != before[0] {
						return fmt.Sprintf("packets by rule: %v, before %v: the module was made anew", now, before)
					}
					return ""
				}),
			},
		},
	})
}

// Where a class cannot change, another instance takes the module's place, its
// links and its task.
func TestModuleRebuiltKeepsLinks(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(size int) string {
		return hcl(d, worker(0, 0, ""), module("q", "Queue", ""),
			module("set", "SetMetadata", fmt.Sprintf(`{ attrs = [{ name = "mark", size = %d, value_int = 7 }] }`, size)), module("out", "Sink", ""),
			connect("q", 0, "set", 0), connect("set", 0, "out", 0))
	}
	links := resource.ComposeTestCheckFunc(d.hasLinks("q", "q:0->0:set"), d.hasLinks("set", "set:0->0:out"))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: config(2), Check: links},
			{
				Config: config(4),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("bess_module.set", plancheck.ResourceActionUpdate),
					plancheck.ExpectResourceAction("bess_link.set_0", plancheck.ResourceActionNoop),
				}},
				Check: resource.ComposeTestCheckFunc(links, says(func() string {
					if a := d.module("set").GetMetadata(); len(a) != 1 || a[0].GetSize() != 4 {
						return fmt.Sprintf("metadata is %v", a)
					}
					return ""
				})),
			},
		},
	})
}
