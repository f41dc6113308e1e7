// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// chain is a pipeline of n modules in a row and the links between them.
func chain(n int) string {
	return fmt.Sprintf(`
resource "bess_module" "m" {
  count = %d
  name  = "m${count.index}"
  class = count.index == 0 ? "Queue" : count.index == %d ? "Sink" : "Bypass"
}
resource "bess_link" "l" {
  count = %d
  from  = bess_module.m[count.index].name
  to    = bess_module.m[count.index + 1].name
}
`, n, n-1, n-1)
}

// Nobody needs -parallelism=1.
func TestTwoHundredModules(t *testing.T) {
	d := startDaemon(t)
	w := newWorkspace(t)
	w.write(d, chain(200))
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"apply", func() { w.run("apply", "-auto-approve") }},
		{"empty plan", w.expectEmptyPlan},
		{"destroy", func() { w.run("destroy", "-auto-approve") }},
	} {
		begun := time.Now()
		step.do()
		t.Logf("200 modules, 199 links: %s in %.2f s", step.what, time.Since(begun).Seconds())
		if step.what == "empty plan" {
			modules, err := d.c.Modules(ctx())
			d.must(err)
			for i := range 199 {
				want := fmt.Sprintf("m%d:0->0:m%d", i, i+1)
				if got := d.links(fmt.Sprintf("m%d", i)); len(got) != 1 || got[0] != want {
					t.Fatalf("links %v, want %s", got, want)
				}
			}
			if len(modules) != 200 {
				t.Fatalf("%d modules", len(modules))
			}
		}
	}
	if modules, err := d.c.Modules(ctx()); err != nil || len(modules) > 0 {
		t.Errorf("left over: %v %v", modules, err)
	}
}

// The daemon dies and comes back empty: one apply makes everything again.
func TestDaemonKilled(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	w := newWorkspace(t)
	w.write(d, worker(0, 0, ""), chain(10), class("top", "round_robin", "wid = bess_worker.w0.wid"), `
resource "bess_task" "t" {
  module = bess_module.m[0].name
  parent = bess_tc.top.name
}`)
	w.apply()
	d.stop(syscall.SIGKILL)
	d.start()
	wants(t, w.run("plan"), "22 to add, 0 to change, 0 to destroy")
	w.apply()
	if got := d.links("m8"); len(got) != 1 || got[0] != "m8:0->0:m9" {
		t.Errorf("links are %v", got)
	}
	if wk := d.worker(0); !wk.GetRunning() {
		t.Errorf("worker 0 is %v", wk)
	}
	if tc := d.tc("m0:0"); tc.GetParent() != "top" {
		t.Errorf("task is at %v", tc)
	}
	d.stop(syscall.SIGKILL)
	d.start()
	w.run("destroy", "-auto-approve")
}

// Replacing what has not changed looks, while planning, much like declaring
// it twice.
func TestForcedReplacement(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	w := newWorkspace(t)
	w.write(d, three(), connect("a", 0, "b", 0), connect("b", 0, "c", 0), worker(0, 0, ""), class("top", "round_robin", "wid = bess_worker.w0.wid"))
	w.apply()
	out := w.run("apply", "-auto-approve", "-replace=bess_module.b", "-replace=bess_link.a_0", "-replace=bess_tc.top")
	wants(t, out, "3 added, 0 changed, 3 destroyed")
	w.expectEmptyPlan()
	w.run("taint", "bess_module.a")
	w.run("taint", "bess_link.b_0")
	w.apply()
	if a, b := d.links("a"), d.links("b"); len(a) != 1 || len(b) != 1 || a[0] != "a:0->0:b" || b[0] != "b:0->0:c" {
		t.Errorf("links are %v and %v", a, b)
	}
}

// Two workspaces work on one daemon at once, and leave each other alone.
func TestTwoWorkspaces(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	var all sync.WaitGroup
	spaces := []*workspace{newWorkspace(t), newWorkspace(t)}
	for i, w := range spaces {
		w.write(d, strings.ReplaceAll(chain(20), `"m${`, fmt.Sprintf(`"w%d_${`, i)))
		all.Add(1)
		go func() {
			defer all.Done()
			if code, out := w.try("apply", "-auto-approve"); code != 0 {
				t.Errorf("workspace %d: exit status %d\n%s", i, code, out)
			}
		}()
	}
	all.Wait()
	if t.Failed() {
		return
	}
	spaces[0].expectEmptyPlan()
	spaces[1].expectEmptyPlan()
	spaces[0].run("destroy", "-auto-approve")
	spaces[1].expectEmptyPlan()
	if modules, err := d.c.Modules(ctx()); err != nil || len(modules) != 20 {
		t.Errorf("%d modules are left, %v", len(modules), err)
	}
}

// What is imported can be written down by terraform itself.
func TestGenerateConfig(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	build(t, d)
	w := newWorkspace(t)
	imports := map[string]string{
		"bess_worker.w": "1", "bess_module.src": "src", "bess_module.rw": "rw", "bess_module.split": "split", "bess_module.out": "out",
		"bess_link.a": "src:0->0:rw", "bess_link.b": "rw:0->0:split", "bess_link.c": "split:2->0:out",
		"bess_tc.rate": "rate", "bess_tc.prio": "prio", "bess_task.t": "src:0",
	}
	var text strings.Builder
	for to, id := range imports {
		fmt.Fprintf(&text, "import {\n  to = %s\n  id = %q\n}\n", to, id)
	}
	w.write(d, text.String())
	out := w.run("plan", "-generate-config-out=generated.tf")
	wants(t, out, fmt.Sprintf("%d to import, 0 to add, 0 to change, 0 to destroy", len(imports)))
	w.apply()
	generated, err := os.ReadFile(filepath.Join(w.dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", generated)
	w.write(d)
	w.apply()
	w.run("destroy", "-auto-approve")
	if err := d.isEmpty()(nil); err != nil {
		t.Error(err)
	}
}

// build makes a pipeline through plain calls.
func build(t *testing.T, d *daemon) {
	t.Helper()
	d.must(d.c.AddWorker(ctx(), 1, 0, ""))
	for _, m := range []struct {
		name, class string
		arg         map[string]any
	}{
		{"src", "Queue", map[string]any{"size": 64, "prefetch": true}},
		{"rw", "Rewrite", map[string]any{"templates": []any{"001122", "text:hello"}}},
		{"split", "RandomSplit", map[string]any{"drop_rate": 0.25, "gates": []any{0, 2}}},
		{"out", "Sink", nil},
	} {
		_, err := d.c.CreateModule(ctx(), m.name, m.class, pack(t, m.class, m.arg))
		d.must(err)
	}
	d.must(d.c.Connect(ctx(), "src", 0, "rw", 0))
	d.must(d.c.Connect(ctx(), "rw", 0, "split", 0))
	d.must(d.c.Connect(ctx(), "split", 2, "out", 0))
	d.must(d.c.AddTC(ctx(), tcRequest("prio", "priority", "", 1, nil)))
	d.must(d.c.AddTC(ctx(), tcRequest("rate", "rate_limit", "prio", client.AnyWorker, ptr(4))))
	d.must(d.c.UpdateTCParent(ctx(), taskRequest("src", "rate")))
	_, err := d.c.ResumeAll(ctx())
	d.must(err)
}
