// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// class writes a bess_tc whose label is its name.
func class(name, policy, more string) string {
	return fmt.Sprintf("resource \"bess_tc\" %q {\n  name   = %q\n  policy = %q\n%s\n}\n",
		strings.TrimPrefix(name, "!"), name, policy, more)
}

// place writes a bess_task for task 0 of a bess_module.
func place(module, more string) string {
	return fmt.Sprintf("resource \"bess_task\" %q {\n  module = bess_module.%s.name\n%s\n}\n", module, module, more)
}

// hasTC checks parent and worker of a traffic class or task on the daemon.
func (d *daemon) hasTC(name, parent string, wid int64) resource.TestCheckFunc {
	return says(func() string {
		tc := d.tc(name)
		if tc == nil || tc.GetParent() != parent || tc.GetClass().GetWid() != wid {
			return fmt.Sprintf("traffic class %s: %v, want parent %q, worker %d", name, tc, parent, wid)
		}
		return ""
	})
}

func (d *daemon) hasLimit(name, resource string, limit, burst int64) resource.TestCheckFunc {
	return says(func() string {
		c := d.tc(name).GetClass()
		if c.GetLimit()[resource] != limit || c.GetMaxBurst()[resource] != burst {
			return fmt.Sprintf("traffic class %s: limit %v, max_burst %v", name, c.GetLimit(), c.GetMaxBurst())
		}
		return ""
	})
}

func TestTCLifecycle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(slow string) string {
		return hcl(d, worker(0, 0, ""),
			class("top", "priority", "wid = bess_worker.w0.wid"),
			class("fair", "weighted_fair", "parent = bess_tc.top.name\n  priority = 1\n  resource = \"packet\""),
			class("turns", "round_robin", "parent = bess_tc.fair.name\n  share = 3"),
			class("slow", "rate_limit", "parent = bess_tc.top.name\n  priority = 0\n"+slow))
	}
	tree := resource.ComposeTestCheckFunc(d.hasTC("fair", "top", 0), d.hasTC("turns", "fair", 0), d.hasTC("slow", "top", 0))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             resource.ComposeTestCheckFunc(d.isEmpty(), d.hasNoWorker(0)),
		Steps: []resource.TestStep{
			{
				Config: config("resource = \"packet\"\n  limit = 1000"),
				Check: resource.ComposeTestCheckFunc(tree, d.hasLimit("slow", "packet", 1000, 0),
					resource.TestCheckNoResourceAttr("bess_tc.turns", "wid")),
			},
			{
				Config:           config("resource = \"packet\"\n  limit = 2000\n  max_burst = 32"),
				ConfigPlanChecks: planned("bess_tc.slow", plancheck.ResourceActionUpdate),
				Check:            resource.ComposeTestCheckFunc(tree, d.hasLimit("slow", "packet", 2000, 32)),
			},
			{
				Config:           config("resource = \"bit\"\n  limit = 1000000000"),
				ConfigPlanChecks: planned("bess_tc.slow", plancheck.ResourceActionUpdate),
				Check:            resource.ComposeTestCheckFunc(tree, d.hasLimit("slow", "bit", 1e9, 0)),
			},
			{
				ResourceName: "bess_tc.slow", ImportState: true, ImportStateId: "slow",
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name",
			},
			{
				ResourceName: "bess_tc.turns", ImportState: true, ImportStateId: "turns",
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name",
			},
			{
				ResourceName: "bess_tc.fair", ImportState: true, ImportStateId: "fair",
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name",
				// Not every daemon tells what a weighted_fair class counts.
				ImportStateVerifyIgnore: []string{"resource"},
			},
			{ // limits changed by somebody
				PreConfig: func() {
					tc := d.tc("slow").GetClass()
					tc.Resource, tc.Limit = "bit", map[string]int64{"bit": 5}
					d.must(d.c.UpdateTCParams(ctx(), tc))
				},
				Config:           config("resource = \"bit\"\n  limit = 1000000000"),
				ConfigPlanChecks: planned("bess_tc.slow", plancheck.ResourceActionUpdate),
				Check:            d.hasLimit("slow", "bit", 1e9, 0),
			},
			{ // deleted by somebody
				PreConfig:        func() { d.must(d.c.DeleteTC(ctx(), "turns")) },
				Config:           config("resource = \"bit\"\n  limit = 1000000000"),
				ConfigPlanChecks: planned("bess_tc.turns", plancheck.ResourceActionCreate),
				Check:            tree,
			},
		},
	})
}

// Without a worker or a parent the daemon chooses, and makes its own worker if
// there is none.
func TestTCWherever(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             resource.ComposeTestCheckFunc(d.isEmpty(), d.hasNoWorker(0)),
		Steps: []resource.TestStep{{
			Config: hcl(d, class("a", "round_robin", "")),
			Check: resource.ComposeTestCheckFunc(d.hasTC("a", "", 0), d.hasWorker(0, 0, true),
				resource.TestCheckResourceAttr("bess_tc.a", "wid", "0")),
		}},
	})
}

func TestTCReplacedWithItsTasks(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(policy, arg string) string {
		return hcl(d, worker(0, 0, ""), module("q", "Queue", ""),
			class("top", policy, "wid = bess_worker.w0.wid"),
			place("q", "parent = bess_tc.top.name\n"+arg+"\n  lifecycle {\n    replace_triggered_by = [bess_tc.top]\n  }"))
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: config("priority", "priority = 3"), Check: d.hasTC("q:0", "top", 0)},
			{
				Config:           config("round_robin", ""),
				ConfigPlanChecks: planned("bess_tc.top", plancheck.ResourceActionReplace),
				Check:            d.hasTC("q:0", "top", 0),
			},
		},
	})
}

// A class with children cannot be replaced alone; the way out is named.
func TestTCWithChildrenStays(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(policy, more string) string {
		return hcl(d, worker(0, 0, ""), class("top", policy, "wid = bess_worker.w0.wid\n"+more), class("child", "round_robin", "parent = bess_tc.top.name"))
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: config("round_robin", ""), Check: d.hasTC("child", "top", 0)},
			{
				Config:      config("rate_limit", "limit = 5\n  resource = \"packet\""),
				ExpectError: loosely(`let them follow with lifecycle { replace_triggered_by = [bess_tc.x] }`),
			},
			{Config: config("round_robin", ""), ConfigPlanChecks: unchanged(), Check: d.hasTC("child", "top", 0)},
		},
	})
}

func TestTCRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for name, c := range map[string]struct{ config, want string }{
		"policy":        {class("a", "fair", ""), `Attribute policy value must be one of:`},
		"reserved name": {class("!a", "round_robin", ""), `must not begin with "!"`},
		"no limit":      {class("a", "rate_limit", `resource = "packet"`), `tc "a": limit: policy rate_limit needs it.`},
		"limit 0":       {class("a", "rate_limit", "resource = \"packet\"\n  limit = 0"), `Attribute limit value must be at least 1, got: 0`},
		"no resource":   {class("a", "weighted_fair", ""), `tc "a": resource: policy weighted_fair needs it.`},
		"limit applies": {class("a", "round_robin", "limit = 7"), `tc "a": limit: 7: policy round_robin does not use it.`},
		"no parent":     {class("a", "round_robin", "priority = 7"), `Attribute "parent" must be specified when "priority" is specified`},
		"loop": {class("a", "round_robin", `parent = "b"`) + class("b", "round_robin", `parent = "a"`),
			`Traffic classes form a loop`},
		"itself":      {class("a", "round_robin", `parent = "a"`), `Each of these is a child of the next: a, a.`},
		"no priority": {class("a", "priority", "") + class("b", "round_robin", `parent = bess_tc.a.name`), `tc "b": priority: parent "a" has policy priority: each child needs one.`},
		"no share":    {class("a", "round_robin", "") + class("b", "round_robin", "parent = bess_tc.a.name\n  share = 2"), `tc "b": share: parent "a" has policy round_robin: its children have none.`},
		"same priority": {class("a", "priority", "") + class("b", "round_robin", "parent = bess_tc.a.name\n  priority = 2") +
			class("c", "round_robin", "parent = bess_tc.a.name\n  priority = 2"), `another child has 2 too`},
		"two children": {class("a", "rate_limit", "resource = \"bit\"\n  limit = 1") + class("b", "round_robin", "parent = bess_tc.a.name") +
			class("c", "round_robin", "parent = bess_tc.a.name"), `it takes one child`},
		"twice": {class("a", "round_robin", "") + "resource \"bess_tc\" \"b\" {\n  name = \"a\"\n  policy = \"priority\"\n}",
			`Another resource of this configuration makes a traffic class named "a" too.`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories,
				Steps:                    []resource.TestStep{{Config: hcl(d, c.config), PlanOnly: true, ExpectError: loosely(c.want)}},
			})
		})
	}
}

func TestTaskLifecycle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(more ...string) string {
		return hcl(d, append([]string{worker(0, 0, ""), worker(1, lastCore(), ""), module("q", "Queue", ""),
			class("fair", "weighted_fair", "wid = bess_worker.w0.wid\n  resource = \"cycle\""),
			class("prio", "priority", "wid = bess_worker.w1.wid")}, more...)...)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{
				Config: config(place("q", "parent = bess_tc.fair.name\n  share = 5")),
				Check: resource.ComposeTestCheckFunc(d.hasTC("q:0", "fair", 0),
					resource.TestCheckResourceAttr("bess_task.q", "id", "q:0")),
			},
			{ResourceName: "bess_task.q", ImportState: true, ImportStateVerify: true},
			{
				Config:           config(place("q", "parent = bess_tc.prio.name\n  priority = 9")),
				ConfigPlanChecks: planned("bess_task.q", plancheck.ResourceActionUpdate),
				Check:            d.hasTC("q:0", "prio", 1),
			},
			{
				Config:           config(place("q", "wid = bess_worker.w0.wid")),
				ConfigPlanChecks: planned("bess_task.q", plancheck.ResourceActionUpdate),
				Check:            d.hasTC("q:0", "!default_rr_0", 0),
			},
			{ResourceName: "bess_task.q", ImportState: true, ImportStateVerify: true},
			{ // moved by somebody
				PreConfig: func() {
					tc := d.tc("q:0").GetClass()
					tc.Name, tc.Wid = "", 1
					d.must(d.c.UpdateTCParent(ctx(), tc))
				},
				Config:           config(place("q", "wid = bess_worker.w0.wid")),
				ConfigPlanChecks: planned("bess_task.q", plancheck.ResourceActionUpdate),
				Check:            d.hasTC("q:0", "!default_rr_0", 0),
			},
			{ // the module with its task destroyed by somebody
				PreConfig:        func() { d.must(d.c.DestroyModule(ctx(), "q")) },
				Config:           config(place("q", "wid = bess_worker.w0.wid")),
				ConfigPlanChecks: planned("bess_task.q", plancheck.ResourceActionCreate),
				Check:            d.hasTC("q:0", "!default_rr_0", 0),
			},
			{Config: config()},
		},
	})
}

// Two tasks exchange their priorities, which must differ at every moment.
func TestTaskSwapPriorities(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(a, b int) string {
		return hcl(d, worker(0, 0, ""), module("a", "Queue", ""), module("b", "Queue", ""),
			class("prio", "priority", "wid = bess_worker.w0.wid"),
			place("a", fmt.Sprintf("parent = bess_tc.prio.name\n  priority = %d", a)),
			place("b", fmt.Sprintf("parent = bess_tc.prio.name\n  priority = %d", b)))
	}
	prio := func(a, b int64) resource.TestCheckFunc {
		return says(func() string {
			if x, y := d.tc("a:0").GetClass().GetPriority(), d.tc("b:0").GetClass().GetPriority(); x != a || y != b {
				return fmt.Sprintf("priorities are %d and %d", x, y)
			}
			return ""
		})
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config(1, 2), Check: prio(1, 2)},
			{Config: config(2, 1), Check: prio(2, 1)},
		},
	})
}

func TestTaskRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for name, c := range map[string]struct {
		more, want string
		apply      bool
	}{
		"nowhere":       {"", `Either parent (a traffic class) or wid (a worker) says where the task goes.`, false},
		"two places":    {"wid = 0\n  parent = \"x\"", `a task hangs below a traffic class (parent) or directly on a worker (wid), not both.`, false},
		"task 32":       {"wid = 0\n  task = 32", `Attribute task value must be between 0 and 31, got: 32`, false},
		"no such task":  {"wid = 0\n  task = 7", `Task q:7 does not exist`, true},
		"no worker":     {"wid = 9", `worker:9 does not exist`, true},
		"no such class": {"parent = \"nobody\"", `Parent TC 'nobody' not found`, true},
		"share":         {"wid = 0\n  share = 1", `Attribute "parent" must be specified when "share" is specified`, false},
	} {
		t.Run(name, func(t *testing.T) {
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories,
				Steps: []resource.TestStep{{
					Config: hcl(d, module("q", "Queue", ""), place("q", c.more)), PlanOnly: !c.apply, ExpectError: loosely(c.want)}},
			})
		})
	}
}
