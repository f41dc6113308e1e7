// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

// export returns what runs as YAML and as a declaration.
func (w *world) export() (string, *declare.Pipeline) {
	w.Helper()
	p, err := declare.FromState(w.e.State(), w.cat)
	if err != nil {
		w.Fatal(err)
	}
	text, err := p.YAML()
	if err != nil {
		w.Fatal(err)
	}
	return string(text), p
}

// reads checks that a declaration has no errors and asks for no change.
func (w *world) reads(text string) {
	w.Helper()
	p, found := declare.Validate([]declare.Document{{Name: "export.yaml", Text: []byte(text)}}, w.cat)
	if declare.HasErrors(found) {
		w.Fatalf("%s\n%s", declare.Text(found), text)
	}
	plan, _, err := declare.PlanFor(w.e, p, w.cat)
	if err != nil {
		w.Fatal(err)
	}
	if !plan.IsEmpty() {
		w.Fatalf("an export asks for changes:\n%s\n%s", actions(plan.Actions), text)
	}
}

const exported = `apiVersion: bess.dev/v1
kind: Pipeline
spec:
  workers:
    0: {core: 0}
    1: {core: 0, scheduler: experimental}
  ports:
    "in 1": {driver: UnixSocketPort, args: {path: /tmp/p}, numIncQ: 2, sizeOutQ: 64}
  modules:
    "a:1": {class: Source}
    fw:
      class: ACL
      args:
        rules:
          - {dst_port: 80, src_ip: 172.12.0.0/16}
          - {drop: true, established: true, src_ip: 10.0.0.0/8}
          - {}
    out: {class: Sink}
    rr: {class: RoundRobin, args: {gates: [0, 1, 2], mode: packet}}
    rw: {class: Rewrite, args: {templates: ["0x0011223344550011223344560800", "0x7b247b"]}}
    rx: {class: PortInc, args: {port: "in 1"}}
    src: {class: Source, args: {pkt_size: 64}}
  links:
    - {from: "a:1", ogate: 0, to: fw, igate: 0}
    - rx -> rr -> rw -> fw -> out
    - src -> rw
    - rr:1 -> out
    - rr:2 -> fw
  trafficClasses:
    all: {policy: priority, worker: 1}
    fast: {policy: rate_limit, resource: bit, limit: 10Gbps, maxBurst: 64k, parent: all, priority: 4}
  tasks:
    "a:1": {worker: 1}
    rx: {class: all, priority: 0}
    "rx:1": {worker: 0}
    src: {class: fast}
`

func TestExportIsReadBack(t *testing.T) {
	w := newWorld(t)
	p, found := declare.Validate([]declare.Document{{Name: "x.yaml", Text: []byte(exported)}}, w.cat)
	if declare.HasErrors(found) {
		t.Fatal(declare.Text(found))
	}
	if _, err := declare.Apply(w.e, p, w.cat, 0); err != nil {
		t.Fatal(err)
	}
	text, _ := w.export()
	w.same(text, exported)
	w.reads(text)
}

func TestExportOfNothing(t *testing.T) {
	w := newWorld(t)
	text, _ := w.export()
	w.same(text, "apiVersion: bess.dev/v1\nkind: Pipeline\nspec: {}\n")
	w.reads(text)
}

func TestEveryExportIsReadBack(t *testing.T) {
	ways := 60
	if testing.Short() {
		ways = 10
	}
	w := newWorld(t)
	for seed := range uint64(ways) {
		w.apply(declaration(rand.New(rand.NewPCG(seed, 4))))
		text, _ := w.export()
		w.reads(text)
	}
}

// Names and texts that mean something in YAML, in arrows or in variables
// survive.
func TestExportQuotes(t *testing.T) {
	names := []string{"a b", "1", "1.5", "0x10", "true", "null", "~", "yes", "a: b", "a #b", "- a", "[a]", "{a}", "&a", "*a", "!a", "%a", "@a", "`a",
		"'a'", `"a"`, `a\b`, "a,b", "a:1", "1:a", "a -> b", "->", "x-", ">x", ":", "a:", ":a", "${HOME}", "$${HOME}", "$", "$$", " lead", "trail ", "ü€😀",
		"\u00a0", "\u2028", "\ufeff", "<<", "2001-01-01", "12:34:56", "=", "?", "? a", "|", ">", "a\u0085b"[:1], strings.Repeat("n", 255), "rx:1", "rx:01"}
	w := newWorld(t)
	for _, n := range names {
		if _, err := w.e.CreateModule(n, "Source", nil); err != nil {
			t.Fatalf("%q: %v", n, err)
		}
		if err := w.e.Connect(n, 0, w.sink(n+"'"), 0, false); err != nil {
			t.Fatal(err)
		}
	}
	w.e.ResumeAll()
	text, _ := w.export()
	w.reads(text)
}

// sink makes a Sink of the name, or of a shorter one.
func (w *world) sink(name string) string {
	w.Helper()
	if len(name) > 255 {
		name = name[:200]
	}
	if _, err := w.e.CreateModule(name, "Sink", nil); err != nil {
		w.Fatalf("%q: %v", name, err)
	}
	return name
}

// A module may be called like a task of another.
func TestExportTellsTasksFromModules(t *testing.T) {
	w := newWorld(t)
	w.apply(`
  workers: {0: {core: 0}, 1: {core: 0}}
  ports:
    p: {driver: UnixSocketPort, args: {path: /tmp/p}, numIncQ: 3}
  modules:
    rx: {class: PortInc, args: {port: p}}
    "rx:1": {class: NoOP}
    "rx:01": {class: NoOP}
  trafficClasses:
    t: {policy: weighted_fair, resource: count}
  tasks:
    rx: {class: t, share: 1}
    "rx:001": {class: t, share: 2}
    "rx:2": {class: t, share: 3}
    "rx:1": {class: t, share: 4}
    "rx:01": {class: t, share: 5}
`)
	text, p := w.export()
	w.reads(text)
	for id, share := range map[declare.TaskID]int64{{"rx", 0}: 1, {"rx", 1}: 2, {"rx", 2}: 3, {"rx:1", 0}: 4, {"rx:01", 0}: 5} {
		if k := p.Tasks[id]; k == nil || k.Share == nil || *k.Share != share {
			t.Errorf("task %v: %+v", id, k)
		}
	}
}

func TestDot(t *testing.T) {
	w := newWorld(t)
	p, found := declare.Validate([]declare.Document{{Name: "x.yaml", Text: []byte(strings.Replace(exported, "  modules:\n", "  modules:\n    \"q\\\"\\\\x\": {class: QueueInc, args: {port: q, qid: 1}}\n    tx: {class: PortOut, args: {port: \"in 1\"}}\n", 1))}}, w.cat)
	if len(found) == 0 {
		t.Fatal("port q must be missing")
	}
	got := p.Dot(w.cat)
	for _, want := range []string{
		"digraph pipeline {\n",
		"\t\"port in 1\" [label=\"in 1\\nUnixSocketPort\", shape=cds];\n",
		"\t\"module fw\" [label=\"fw\\nACL\"];\n",
		"\t\"port in 1\" -> \"module rx\" [style=dashed];\n",
		"\t\"module tx\" -> \"port in 1\" [style=dashed];\n",
		"\t\"module q\\\"\\\\x\" [label=\"q\\\"\\\\x\\nQueueInc\"];\n",
		"\t\"module rr\" -> \"module out\" [taillabel=\"1\"];\n",
		"\t\"module fw\" -> \"module out\";\n",
		"}\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
}

func TestApplyFile(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := dir + "/" + name
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("SIZE", "100")
	write("a.yaml", header+"  modules:\n    src: {class: Source, args: {pkt_size: \"${SIZE}\"}}\n  links: [src -> out]\n")
	write("b.yml", header+"  modules:\n    out: {class: Sink}\n")
	write("notes.txt", "not a declaration")
	if err := declare.ApplyFile(w.e, w.cat, nil, dir); err != nil {
		t.Fatal(err)
	}
	if s := w.e.State(); len(s.Modules) != 2 || len(s.Links) != 1 {
		t.Errorf("state %+v", s)
	}
	bad := write("bad.yaml", header+"  workers: {0: {core: 60000}}\n")
	w.same(fmt.Sprint(declare.ApplyFile(w.e, w.cat, nil, bad)), bad+":4:23: error: worker 0: core: 60000: this machine has no such CPU core")
	if err := declare.ApplyFile(w.e, w.cat, nil, dir+"/nothing"); err == nil {
		t.Error("a missing file was applied")
	}
	if err := declare.ApplyFile(w.e, w.cat, nil, t.TempDir()); err == nil {
		t.Error("an empty directory was applied")
	}
	if s := w.e.State(); len(s.Modules) != 2 {
		t.Errorf("state %+v", s)
	}
}
