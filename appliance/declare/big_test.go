// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

// chainsOf declares n modules: chains of five of which every one begins with
// a task in a traffic class.
func chainsOf(n int) string {
	var mods, links, tasks strings.Builder
	for i := 0; i < n; i += 5 {
		fmt.Fprintf(&mods, "    s%d: {class: NoOP}\n    a%d: {class: Bypass}\n    b%d: {class: Bypass, args: {cycles_per_batch: %d}}\n    c%d: {class: Failing}\n    d%d: {class: Sink}\n", i, i, i, i, i, i)
		fmt.Fprintf(&links, "    - a%d -> b%d -> c%d -> d%d\n", i, i, i, i)
		fmt.Fprintf(&tasks, "    s%d: {class: t%d}\n", i, i%100)
	}
	var tcs strings.Builder
	for i := 0; i < 100; i += 5 {
		fmt.Fprintf(&tcs, "    t%d: {policy: round_robin}\n", i)
	}
	return "  modules:\n" + mods.String() + "  links:\n" + links.String() + "  trafficClasses:\n" + tcs.String() + "  tasks:\n" + tasks.String()
}

func TestTenThousandModules(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	w := newWorld(t)
	spec := chainsOf(n)
	res, err := declare.Apply(w.e, w.validate(spec), w.cat, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := n + n/5*3 + 20 + n/5; len(res.Actions) != want {
		t.Errorf("%d actions, want %d", len(res.Actions), want)
	}
	w.quiet(spec)
	text, _ := w.export()
	w.reads(text)
	w.same(w.apply(strings.Replace(spec, "cycles_per_batch: 500}", "cycles_per_batch: 7}", 1)),
		"update module b500 [in place] cycles_per_batch: 500 -> 7\n")
	w.apply("")
	if s := w.e.State(); len(s.Modules) != 0 {
		t.Errorf("%d modules are left", len(s.Modules))
	}
}

// JSON may stand on one line.
func TestTenThousandModulesOnOneLine(t *testing.T) {
	var v any
	if err := yaml.Unmarshal([]byte(header+chainsOf(10_000)), &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	p, found := declare.Validate([]declare.Document{{Name: "p.json", Text: text}}, w.cat)
	if declare.HasErrors(found) || len(p.Modules) != 10_000 {
		t.Fatalf("%d modules, %d findings", len(p.Modules), len(found))
	}
	bad := strings.ReplaceAll(string(text), `"class":"Bypass"`, `"class":"Bypas"`)
	_, found = declare.Validate([]declare.Document{{Name: "p.json", Text: []byte(bad)}}, w.cat)
	if n := len(found); n < 4000 {
		t.Errorf("%d findings", n)
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, text := range map[string]string{
		"bytes":    header + "#" + strings.Repeat(" ", 64<<20),
		"elements": header + "  links: [" + strings.Repeat("a,", 5<<20) + "]\n",
		"brackets": strings.Repeat("[", 5<<20),
		"depth":    header + "  modules: {a: {class: Source, args: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}}\n",
		"levels":   strings.Repeat("[", 1<<20),
		"dashes":   strings.Repeat("- ", 1<<20) + "a",
	} {
		_, found := declare.Validate([]declare.Document{{Name: "big.yaml", Text: []byte(text)}}, w.cat)
		if !declare.HasErrors(found) {
			t.Errorf("%s: no errors", name)
		}
		if len(found) < 10 {
			t.Logf("%s: %s", name, declare.Text(found))
		}
	}
}

// Many mistakes are cut, and cost no memory beyond that.
func TestManyFindingsAreCut(t *testing.T) {
	w := newWorld(t)
	text := header + "  links:\n" + strings.Repeat("    - a -> b\n", 100_000)
	_, found := declare.Validate([]declare.Document{{Name: "p.yaml", Text: []byte(text)}}, w.cat)
	if n := len(found); n != 10_001 || !strings.Contains(found[n-1].Message, "more findings") {
		t.Errorf("%d findings, last %s", n, found[n-1])
	}
}

// Applying and removing again and again leaves nothing behind.
func TestApplyDoesNotGrow(t *testing.T) {
	w := newWorld(t)
	cycles := 120
	if testing.Short() {
		cycles = 50
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	round := func(n int) {
		for range n {
			w.apply(everything)
			w.apply("")
		}
	}
	round(10)
	before := heap()
	round(cycles)
	if after := heap(); after > before+2<<20 {
		t.Errorf("heap grew from %d to %d bytes", before, after)
	}
	for path, n := range w.dev.open {
		if n != 0 {
			t.Errorf("device %s is open %d times", path, n)
		}
	}
}
