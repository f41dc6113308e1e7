// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// worker writes a bess_worker called w<wid>.
func worker(wid, core int, more string) string {
	return fmt.Sprintf("resource \"bess_worker\" \"w%d\" {\n  wid  = %d\n  core = %d\n%s\n}\n", wid, wid, core, more)
}

// lastCore is a CPU that is not CPU 0, if the machine has another.
func lastCore() int { return runtime.NumCPU() - 1 }

// hasWorker checks a worker on the daemon.
func (d *daemon) hasWorker(wid, core int64, running bool) resource.TestCheckFunc {
	return says(func() string {
		w := d.worker(wid)
		if w == nil || w.GetCore() != core || w.GetRunning() != running {
			return fmt.Sprintf("worker %d: %v, want core %d, running %v", wid, w, core, running)
		}
		return ""
	})
}

func (d *daemon) hasNoWorker(wid int64) resource.TestCheckFunc {
	return says(func() string {
		if w := d.worker(wid); w != nil {
			return fmt.Sprintf("there is worker %v", w)
		}
		return ""
	})
}

func TestWorkerLifecycle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             resource.ComposeTestCheckFunc(d.isEmpty(), d.hasNoWorker(3)),
		Steps: []resource.TestStep{
			{Config: hcl(d, worker(3, 0, "")), Check: d.hasWorker(3, 0, true)},
			{
				Config:           hcl(d, worker(3, 0, "running = false")),
				ConfigPlanChecks: planned("bess_worker.w3", plancheck.ResourceActionUpdate),
				Check:            d.hasWorker(3, 0, false),
			},
			{
				ResourceName:                         "bess_worker.w3",
				ImportState:                          true,
				ImportStateId:                        "3",
				ImportStateVerify:                    true,
				ImportStateVerifyIdentifierAttribute: "wid",
			},
			{Config: hcl(d, worker(3, 0, "")), Check: d.hasWorker(3, 0, true)},
			{ // paused by somebody
				PreConfig:        func() { d.must(d.c.PauseAll(ctx())) },
				Config:           hcl(d, worker(3, 0, "")),
				ConfigPlanChecks: planned("bess_worker.w3", plancheck.ResourceActionUpdate),
				Check:            d.hasWorker(3, 0, true),
			},
			{ // destroyed by somebody
				PreConfig:        func() { d.must(d.c.DestroyWorker(ctx(), 3)) },
				Config:           hcl(d, worker(3, 0, "")),
				ConfigPlanChecks: planned("bess_worker.w3", plancheck.ResourceActionCreate),
				Check:            d.hasWorker(3, 0, true),
			},
			{
				Config: hcl(d, `resource "bess_worker" "w3" {
  wid  = 5
  core = 0
}`),
				ConfigPlanChecks: planned("bess_worker.w3", plancheck.ResourceActionReplace),
				Check:            resource.ComposeTestCheckFunc(d.hasWorker(5, 0, true), d.hasNoWorker(3)),
			},
		},
	})
}

// Another CPU is taken in place, and the tasks come along.
func TestWorkerMovesToAnotherCore(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := func(core int, more string) string {
		return hcl(d, worker(0, core, more), module("q", "Queue", ""), `resource "bess_task" "q" {
  module = bess_module.q.name
  wid    = bess_worker.w0.wid
}`)
	}
	task := says(func() string {
		if got := d.tc("q:0").GetClass().GetWid(); got != 0 {
			return fmt.Sprintf("task is on worker %d", got)
		}
		return ""
	})
	core := int64(lastCore())
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             resource.ComposeTestCheckFunc(d.isEmpty(), d.hasNoWorker(0), d.hasNoWorker(63)),
		Steps: []resource.TestStep{
			{Config: config(0, ""), Check: resource.ComposeTestCheckFunc(d.hasWorker(0, 0, true), task)},
			{
				Config:           config(lastCore(), ""),
				ConfigPlanChecks: planned("bess_worker.w0", action(core != 0)),
				Check:            resource.ComposeTestCheckFunc(d.hasWorker(0, core, true), task, d.hasNoWorker(63)),
			},
			{
				Config:           config(lastCore(), `scheduler = "experimental"`),
				Check:            resource.ComposeTestCheckFunc(d.hasWorker(0, core, true), task, d.hasNoWorker(63)),
				ConfigPlanChecks: planned("bess_worker.w0", plancheck.ResourceActionUpdate),
			},
		},
	})
}

// action is what a change plans, if there is one.
func action(change bool) plancheck.ResourceActionType {
	if change {
		return plancheck.ResourceActionUpdate
	}
	return plancheck.ResourceActionNoop
}

// A worker that is removed while its modules stay hands them over.
func TestWorkerRemovedHandsTasksOver(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             d.isEmpty(),
		Steps: []resource.TestStep{
			{Config: hcl(d, worker(0, 0, ""), worker(1, lastCore(), ""), module("q", "Queue", ""), `resource "bess_task" "q" {
  module = bess_module.q.name
  wid    = bess_worker.w1.wid
}`)},
			{
				Config: hcl(d, worker(0, 0, ""), module("q", "Queue", "")),
				Check: resource.ComposeTestCheckFunc(d.hasNoWorker(1), says(func() string {
					if got := d.tc("q:0").GetClass().GetWid(); got != 0 {
						return fmt.Sprintf("task is on worker %d", got)
					}
					return ""
				})),
			},
		},
	})
}

// Without any dependency between them, the declared worker 0 wins over the one
// that the daemon would make for the task.
func TestWorkerBesideModulesWithoutOrder(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             resource.ComposeTestCheckFunc(d.isEmpty(), d.hasNoWorker(0)),
		Steps: []resource.TestStep{{
			Config: hcl(d, module("a", "Queue", ""), module("b", "Queue", ""), module("c", "Queue", ""), worker(0, lastCore(), "")),
			Check: resource.ComposeTestCheckFunc(d.hasWorker(0, int64(lastCore()), true), says(func() string {
				for _, q := range []string{"a:0", "b:0", "c:0"} {
					if got := d.tc(q).GetClass().GetWid(); got != 0 {
						return fmt.Sprintf("%s is on worker %d", q, got)
					}
				}
				return ""
			})),
		}},
	})
}

// A worker that shall stand still does, whatever else is applied with it.
func TestWorkerStaysPaused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config: hcl(d, module("q", "Queue", ""), worker(0, 0, "running = false")),
				Check:  d.hasWorker(0, 0, false),
			},
			{ // a later apply that does not touch the worker
				Config: hcl(d, module("q", "Queue", ""), worker(0, 0, "running = false"), module("r", "Queue", "")),
				Check:  d.hasWorker(0, 0, false),
			},
		},
	})
}

// Without a bess_worker the daemon's own worker 0 runs the tasks.
func TestPipelineRunsWithoutWorker(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	running := resource.ComposeTestCheckFunc(d.hasWorker(0, 0, true), says(func() string {
		if got := d.tc("q:0").GetClass().GetWid(); got != 0 {
			return fmt.Sprintf("task is on worker %d", got)
		}
		return ""
	}))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             resource.ComposeTestCheckFunc(d.isEmpty(), d.hasNoWorker(0)),
		Steps: []resource.TestStep{
			{Config: hcl(d, module("q", "Queue", "")), Check: running},
			{ // a task that comes while the worker runs
				Config: hcl(d, module("q", "Queue", ""), module("r", "Queue", "")),
				Check: resource.ComposeTestCheckFunc(running, says(func() string {
					if got := d.tc("r:0").GetClass().GetWid(); got != 0 {
						return fmt.Sprintf("task is on worker %d", got)
					}
					return ""
				})),
			},
			{ // both replaced, so that for a moment nothing needs the worker
				Config: hcl(d, module("q", "NoOP", ""), module("r", "NoOP", "")),
				Check:  running,
			},
			{ // what somebody has paused stays so
				PreConfig: func() { d.must(d.c.PauseAll(ctx())) },
				Config:    hcl(d, module("q", "NoOP", ""), module("s", "Sink", "")),
				Check:     d.hasWorker(0, 0, false),
			},
		},
	})
}

// With resume = false nothing is started.
func TestResumeOff(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	config := fmt.Sprintf("provider \"bess\" {\n  address = %q\n  resume  = false\n}\n", d.address) + module("q", "Queue", "")
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps:                    []resource.TestStep{{Config: config, Check: d.hasNoWorker(0)}},
	})
}

func TestWorkerRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for name, c := range map[string]struct {
		config, want string
		apply        bool
	}{
		"id":        {worker(64, 0, ""), `Attribute wid value must be between 0 and 63, got: 64`, false},
		"scheduler": {worker(1, 0, `scheduler = "fast"`), `value must be one of: ["experimental"], got: "fast"`, false},
		"twice": {worker(1, 0, "") + "resource \"bess_worker\" \"other\" {\n  wid = 1\n  core = 0\n}",
			`Another resource of this configuration makes worker 1 too.`, false},
		"core": {worker(1, 60000, ""), `Invalid core 60000`, true},
	} {
		t.Run(name, func(t *testing.T) {
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories,
				Steps:                    []resource.TestStep{{Config: hcl(d, c.config), PlanOnly: !c.apply, ExpectError: loosely(c.want)}},
			})
		})
	}
}

// A worker of another workspace is not taken over.
func TestWorkerExistsAlready(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	d.must(d.c.AddWorker(ctx(), 0, 0, ""))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps:                    []resource.TestStep{{Config: hcl(d, worker(0, 0, "")), ExpectError: loosely(`terraform import <address> 0`)}},
	})
}
