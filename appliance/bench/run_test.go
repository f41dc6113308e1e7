// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
	"github.com/bessform/terraform-provider-bess/appliance/server"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// daemon is a real engine behind a real connection.
func daemon(t *testing.T) *client.Client { return daemonWith(t, true) }

// daemonWith returns a daemon that has the calls of this engine, or only those
// of the original one.
func daemonWith(t *testing.T, all bool) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "bench") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	e, err := engine.New(engine.Options{Classes: modules.Classes(), Drivers: ports.Drivers(), Hooks: hooks.Hooks(), Buffers: 16384})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	server.New(e, "test", func() {}).Register(g)
	if all {
		declare.Register(g, e, declare.Catalog{Classes: modules.Classes(), Drivers: ports.Drivers()}, nil, nil)
	}
	go func() { _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); e.Close() })
	c, err := client.Dial("unix:"+path, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func options(rows []Row, targets ...*client.Client) Options {
	return Options{Targets: targets, Rows: rows, Length: 50 * time.Millisecond, Warmup: 20 * time.Millisecond, Repeat: 2}
}

func named(t *testing.T, names ...string) []Row {
	t.Helper()
	var out []Row
	for _, r := range Rows() {
		for _, n := range names {
			if r.Name == n {
				out = append(out, r)
			}
		}
	}
	if len(out) != len(names) {
		t.Fatalf("rows: %v", names)
	}
	return out
}

func TestRunComparesTwoDaemons(t *testing.T) {
	a, b := daemon(t), daemon(t)
	report, err := Run(t.Context(), options(named(t, "empty", "acl-1", "queue-1", "replicate", "randomsplit"), a, b))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		if row.Error != "" || row.Missing != "" || len(row.Results) != 2 || row.Ratio == nil {
			t.Errorf("%+v", row)
			continue
		}
		for _, r := range row.Results {
			if r.Mpps.Median <= 0 || r.Mpps.Min > r.Mpps.Max || r.NsPerPacket <= 0 {
				t.Errorf("%s: %+v", row.Name, r)
			}
		}
	}
	for _, c := range []*client.Client{a, b} {
		if m, err := c.Modules(context.Background()); err != nil || len(m) > 0 {
			t.Errorf("%d modules are left, %v", len(m), err)
		}
	}
}

// A daemon that is fast and wrong fails, whatever it is that is wrong.
func TestWrongOutputFails(t *testing.T) {
	rewrite := named(t, "rewrite")[0]
	for want, change := range map[string]func(p *pipeline){
		"wrong output":  func(p *pipeline) { p.exits[0].check = equal([]byte("something else")) },
		"came out":      func(p *pipeline) { p.factor = 2 },
		"of all packet": func(p *pipeline) { p.exits[0].share = 0.5 },
	} {
		report, err := Run(t.Context(), options([]Row{{Name: "x", build: func(p *pipeline) { rewrite.build(p); change(p) }}}, daemon(t)))
		if err != nil {
			t.Fatal(err)
		}
		if row := report.Rows[0]; !strings.Contains(row.Error, want) || len(row.Results) > 0 || !report.Failed() {
			t.Errorf("%+v, want %q", row, want)
		}
	}
}

func TestMissingClassIsNoFailure(t *testing.T) {
	report, err := Run(t.Context(), options([]Row{{Name: "x", build: func(p *pipeline) {
		p.source()
		p.add("m", "NoSuchClass", nil)
		p.sink(1, nil)
	}}}, daemon(t)))
	if err != nil {
		t.Fatal(err)
	}
	if row := report.Rows[0]; !strings.Contains(row.Missing, "NoSuchClass") || report.Failed() {
		t.Errorf("%+v", row)
	}
}

func TestDaemonInUseIsLeftAlone(t *testing.T) {
	c := daemon(t)
	if _, err := c.CreateModule(t.Context(), "mine", "Sink", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), options(named(t, "empty"), c)); err == nil || !strings.Contains(err.Error(), "of its own") {
		t.Errorf("%v", err)
	}
	if m, err := c.Modules(t.Context()); err != nil || len(m) != 1 {
		t.Errorf("%d modules, %v", len(m), err)
	}
}

func TestStorm(t *testing.T) {
	c := daemon(t)
	o := options(nil, c)
	o.Length, o.Repeat = 200*time.Millisecond, 2
	report, err := Storm(t.Context(), o)
	if err != nil || report.Failed() {
		t.Fatalf("%v, %+v", err, report)
	}
	r := report.Results[0]
	if r.Kept.Median <= 0 || r.Storm.Gaps.P50 <= 0 || r.Storm.Gaps.Max < r.Storm.Gaps.P9999 || r.Quiet.Mpps.Median <= 0 {
		t.Errorf("%+v", r)
	}
	for _, call := range r.Calls {
		if call.PerSecond <= 0 || call.Failed > 0 {
			t.Errorf("%+v", call)
		}
	}
	var b strings.Builder
	report.Markdown(&b)
	if n := strings.Count(b.String(), "\n| unix:"); n != 7 { // two phases, what is kept, four clients
		t.Errorf("%d rows:\n%s", n, b.String())
	}
}

// The rows of growth are pipelines like the others.
func TestGrowthRows(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range GrowthRows() {
		if seen[row.Name] {
			t.Errorf("%s is there twice", row.Name)
		}
		seen[row.Name] = true
	}
	var rows []Row
	for _, row := range GrowthRows() {
		if row.Name == "modules-2" || row.Name == "rules-10" || row.Name == "workers-2" {
			rows = append(rows, row)
		}
	}
	o := options(rows, daemon(t))
	o.Cores = [2]int{0, 1}
	if runtime.NumCPU() < 2 {
		o.Rows = rows[:2]
	}
	report, err := Run(t.Context(), o)
	if err != nil || report.Failed() {
		t.Fatalf("%v, %+v", err, report.Rows)
	}
}

func TestRules(t *testing.T) {
	many, replace, times := manyRules, replaceRules, replaceTimes
	defer func() { manyRules, replaceRules, replaceTimes = many, replace, times }()
	manyRules, replaceRules, replaceTimes = 300, 200, 3
	report, err := Rules(t.Context(), options(nil, daemon(t), daemonWith(t, false)))
	if err != nil || report.Failed() || len(report.Rows) != 8 {
		t.Fatalf("%v, %+v", err, report)
	}
	for _, e := range report.Rows {
		if e.PerSecond <= 0 || e.Seconds <= 0 {
			t.Errorf("%+v", e)
		}
	}
	var b strings.Builder
	report.Markdown(&b)
	if !strings.Contains(b.String(), "| ACL of 200 rules replaced 3 times under traffic | unix:") {
		t.Errorf("%s", b.String())
	}
}

// While a list is half there, packets are judged otherwise; the check after the
// replacements tells.
func TestHalfAListIsFoundOut(t *testing.T) {
	many, replace := manyRules, replaceRules
	defer func() { manyRules, replaceRules = many, replace }()
	manyRules, replaceRules = 300, 200
	whole := rulesFor(replaceRules)["rules"].([]any)
	for want, rules := range map[string][]any{
		"that all of them may pass":  whole[:replaceRules-1],
		"that none of them may pass": whole[replaceRules/2+1:],
	} {
		c := daemon(t)
		if err := traffic(t.Context(), c, 0); err != nil {
			t.Fatal(err)
		}
		arg, err := message(schemas.ClassByName("ACL").Arg, map[string]any{"rules": rules})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UpdateModule(t.Context(), "acl", arg); err != nil {
			t.Fatal(err)
		}
		before, err := packets(t.Context(), c, beforeACL, mustStop)
		if err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, "packets meet that list", func() bool {
			n, err := packets(t.Context(), c, beforeACL, mustStop)
			return err == nil && n > before+1000
		})
		if err := judged(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s", err, want)
		}
	}
	c := daemon(t)
	if err := emptyTable(t.Context(), c, 0); err != nil {
		t.Fatal(err)
	}
	if err := allThere(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the table has 0 rules, want 300") {
		t.Error(err)
	}
}
