// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

const basic = `
  workers: {0: {core: 0}}
  modules:
    src: {class: Source}
    mid: {class: Bypass}
    out: {class: Sink}
  links:
    - src -> mid -> out
`

func TestApplyBuildsAPipelineThatRuns(t *testing.T) {
	w := newWorld(t)
	w.same(w.apply(basic), lines(
		"create worker 0 [none] core 0",
		"create module src [none] class Source",
		"create module mid [none] class Bypass",
		"create module out [none] class Sink",
		"connect link src:0 -> 0:mid [none]",
		"connect link mid:0 -> 0:out [none]"))
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 1000 })
}

func TestApplyAddsToARunningPipeline(t *testing.T) {
	w := newWorld(t)
	w.apply(basic)
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 1000 })
	w.same(w.apply(strings.Replace(basic, "  links:", "    src2: {class: Source, args: {pkt_size: 100}}\n  links:\n    - src2 -> 0:mid", 1)), lines(
		"create module src2 [none] class Source",
		"connect link src2:0 -> 0:mid [none]"))
	await(t, "traffic of the new source", func() bool { return w.packets("!leaf_src2:0") > 1000 })
	if d := w.drops(); d != 0 {
		t.Errorf("%d packets were dropped by the change", d)
	}
}

// drops returns the packets dropped for want of a link.
func (w *world) drops() (n uint64) {
	for _, s := range w.e.ListWorkers() {
		n += s.SilentDrops
	}
	return n
}

func TestApplyWithoutWorkersUsesTheDefault(t *testing.T) {
	w := newWorld(t)
	spec := strings.Replace(basic, "workers: {0: {core: 0}}", "labels:", 1)
	spec = strings.Replace(spec, "  labels:\n", "", 1)
	w.apply(spec)
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 1000 })
	if ws := w.e.ListWorkers(); len(ws) != 1 || ws[0].ID != 0 {
		t.Errorf("workers %+v", ws)
	}
	w.same(w.apply("  workers: {3: {core: 0}}\n"+spec), lines("create worker 3 [none] core 0", "delete worker 0 [traffic-affecting]"))
	w.same(w.apply(spec), lines("delete worker 3 [traffic-affecting]"))
	n := w.packets("!leaf_src:0")
	await(t, "traffic again", func() bool { return w.packets("!leaf_src:0") > n+1000 })
}

func TestApplyRemovesWhatIsNotDeclared(t *testing.T) {
	w := newWorld(t)
	w.apply(basic)
	w.same(w.apply("  modules:\n    src: {class: Source}\n    out: {class: Sink}\n  links: [src -> out]\n"), lines(
		"delete module mid [traffic-affecting] class Bypass",
		"move link src:0 -> 0:out [in place] was 0:mid"))
	w.same(w.apply("  modules:\n    src: {class: Source}\n    out: {class: Sink}\n"), lines(
		"disconnect link src:0 -> 0:out [traffic-affecting]"))
	w.same(w.apply(""), lines(
		"delete module out [traffic-affecting] class Sink",
		"delete module src [traffic-affecting] class Source"))
	if s := w.e.State(); len(s.Modules)+len(s.Links)+len(s.Tasks)+len(s.TCs) != 0 {
		t.Errorf("left: %+v", s)
	}
}

func TestApplyUpdatesInPlaceOrRebuilds(t *testing.T) {
	w := newWorld(t)
	spec := func(size int, class string) string {
		return fmt.Sprintf("  modules:\n    src: {class: Source, args: {pkt_size: %d}}\n    mid: {class: %s, args: {pkt_size: %d}}\n"+
			"    out: {class: Sink}\n  links: [src -> mid -> out]\n", size, class, size)
	}
	w.apply(spec(64, "Failing"))
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 1000 })
	before := w.outPackets("mid")
	plan, _, err := declare.PlanFor(w.e, w.validate(spec(100, "Failing")), w.cat)
	if err != nil {
		t.Fatal(err)
	}
	want := lines(
		"update module src [in place] pkt_size: 64 -> 100",
		"rebuild module mid [rebuilt with links kept] pkt_size: 64 -> 100")
	w.same(actions(plan.Actions), want)
	w.same(w.apply(spec(100, "Failing")), want)
	if after := w.outPackets("mid"); after < before {
		t.Errorf("the gate counted %d packets and then %d", before, after)
	}
	if d := w.drops(); d != 0 {
		t.Errorf("%d packets were dropped by the change", d)
	}
	w.same(w.apply(strings.Replace(spec(100, "Bypass"), "Bypass, args: {pkt_size: 100}", "Bypass", 1)), lines(
		"rebuild module mid [traffic-affecting] class Failing -> Bypass"))
	n := w.packets("!leaf_src:0")
	await(t, "traffic again", func() bool { return w.packets("!leaf_src:0") > n+1000 && w.outPackets("mid") > 1000 })
}

// outPackets returns what gate 0 of a module has counted.
func (w *world) outPackets(name string) uint64 {
	w.Helper()
	info, err := w.e.ModuleInfo(name)
	if err != nil || len(info.Outputs) == 0 || info.Outputs[0].Counts == nil {
		w.Fatalf("module %s: %+v, %v", name, info, err)
	}
	return info.Outputs[0].Counts.Packets
}

func TestApplyMovesALinkWithItsCounters(t *testing.T) {
	w := newWorld(t)
	spec := "  modules:\n    src: {class: Source}\n    a: {class: Sink}\n    b: {class: Sink}\n  links: [src -> %s]\n"
	w.apply(fmt.Sprintf(spec, "a"))
	await(t, "traffic", func() bool { return w.outPackets("src") > 1000 })
	before := w.outPackets("src")
	w.same(w.apply(fmt.Sprintf(spec, "b")), "move link src:0 -> 0:b [in place] was 0:a\n")
	if after := w.outPackets("src"); after < before {
		t.Errorf("the gate counted %d packets and then %d", before, after)
	}
}

func TestACLRulesChangeInPlace(t *testing.T) {
	w := newWorld(t)
	spec := func(rules string) string {
		return `
  modules:
    src: {class: Source}
    rw:
      class: Rewrite
      args:
        templates:
          - {eth: {src: "02:1e:67:9f:4d:ae", dst: "06:16:3e:1b:72:32"}, ip: {src: 172.12.55.99, dst: 10.0.0.1}, udp: {src: 10001, dst: 10002}, payload: helloworld}
    fw: {class: ACL, args: {rules: [` + rules + `]}}
    out: {class: Sink}
  links: [src -> rw -> fw -> out]
`
	}
	w.apply(spec("{src_ip: 172.12.0.0/16, drop: false}"))
	await(t, "traffic", func() bool { return w.outPackets("fw") > 1000 })
	passed := w.outPackets("fw")
	w.same(w.apply(spec("{src_ip: 10.0.0.0/8, drop: true}, {src_ip: 172.12.0.0/16, drop: false}")),
		"update module fw [in place] rules: 1 -> 2 entries\n")
	if after := w.outPackets("fw"); after < passed {
		t.Errorf("the gate counted %d packets and then %d", passed, after)
	}
	c, err := w.e.ModuleCounters("fw")
	if err != nil || len(c.Rules) != 2 {
		t.Fatalf("counters %+v, %v", c, err)
	}
	await(t, "traffic", func() bool { return w.outPackets("fw") > passed+1000 })
	_, found := declare.Validate(doc(spec("{src_ip: 10.0.0.0/40}")), w.cat)
	w.same(declare.Text(found), `p.yaml:12:46: error: module fw: args.rules[0].src_ip: "10.0.0.0/40": prefix length must be 0..32`)
}

// everything has something of each kind.
const everything = `
  workers: {0: {core: 0}, 1: {core: 0}}
  ports:
    p: {driver: UnixSocketPort, args: {path: /tmp/p}, numIncQ: 2}
    q: {driver: UnixSocketPort, args: {path: /tmp/q}}
  modules:
    src: {class: Source}
    by: {class: Bypass}
    f: {class: Failing, args: {pkt_size: 1}}
    out: {class: Sink}
    rx: {class: PortInc, args: {port: p}}
    tx: {class: PortOut, args: {port: q}}
  links:
    - src -> by -> f -> out
    - rx -> tx
  trafficClasses:
    top: {policy: priority, worker: 0}
    rl: {policy: rate_limit, resource: packet, limit: 64k, parent: top, priority: 3}
    wf: {policy: weighted_fair, resource: bit, worker: 1}
  tasks:
    src: {class: rl}
    rx: {class: wf, share: 2}
    "rx:1": {class: wf, share: 3}
`

// other has as little as possible in common with everything, and asks for a
// module that cannot be made at the very end.
const other = `
  workers: {1: {core: 0, scheduler: experimental}, 2: {core: 0}}
  ports:
    p: {driver: UnixSocketPort, args: {path: /tmp/other}}
    r: {driver: UnixSocketPort, args: {path: /tmp/r}}
  modules:
    src: {class: Source, args: {pkt_size: 128}}
    by: {class: RoundRobin, args: {gates: [1, 2]}}
    f: {class: Failing, args: {pkt_size: 7}}
    new: {class: Source}
    rx: {class: PortInc, args: {port: p}}
    rx2: {class: PortInc, args: {port: r}}
    tx: {class: PortOut, args: {port: r}}
  links:
    - src -> by:1 -> f -> tx
    - by:2 -> f
    - new -> f
    - rx -> f
    - rx2 -> f
  trafficClasses:
    top: {policy: round_robin, worker: 2}
    rl: {policy: rate_limit, resource: bit, limit: 1G, parent: top}
    wf: {policy: weighted_fair, resource: packet, worker: 1}
  tasks:
    src: {class: top}
    new: {class: wf, share: 1}
    rx: {worker: 2}
`

// A Buffer has a task only with a timeout: its place comes and goes with it.
func TestTaskThatComesWithAnArgument(t *testing.T) {
	w := newWorld(t)
	spec := func(buffer, task string) string {
		return "  workers: {0: {core: 0}, 1: {core: 0}}\n  modules:\n    src: {class: Source}\n    b: {class: Buffer" + buffer +
			"}\n    out: {class: Sink}\n  links: [src -> b -> out]\n  tasks:\n    src: {worker: 0}\n" + task
	}
	w.apply(spec("", ""))
	w.apply(spec(", args: {flush_timeout_ns: 1000}", "    b: {worker: 1}\n"))
	if p, fatal := len(w.e.State().Tasks), w.e.CheckConstraints().Fatal; p != 2 || fatal {
		t.Errorf("%d tasks, fatal %v", p, fatal)
	}
	got := w.apply(spec(", args: {flush_timeout_ns: 2000}", "    b: {worker: 0}\n"))
	for _, line := range []string{"update module b [in place] flush_timeout_ns: 1000 -> 2000", "task b"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is not in\n%s", line, got)
		}
	}
	w.apply(spec("", ""))
	if n := len(w.e.State().Tasks); n != 1 {
		t.Errorf("%d tasks", n)
	}
}

// settled returns the state without what changes by itself, and the order of
// brothers among traffic classes, which has no meaning.
func (w *world) settled() *engine.State {
	s := w.e.State()
	s.Generation = 0
	for i := range s.TCs {
		s.TCs[i].Blocked = false
	}
	slices.SortFunc(s.TCs, func(a, b engine.TCInfo) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func TestApplyChangesEverything(t *testing.T) {
	w := newWorld(t)
	w.apply(everything)
	got := w.apply(other)
	for _, line := range []string{
		"create worker 2 [none] core 0",
		"delete module out [traffic-affecting] class Sink",
		`rebuild port p [traffic-affecting] path: "/tmp/p" -> "/tmp/other"`,
		"create port r [none] driver UnixSocketPort",
		"rebuild module rx [traffic-affecting] its port is replaced",
		"rebuild module by [traffic-affecting] class Bypass -> RoundRobin",
		"create module new [none] class Source",
		"update module src [in place] pkt_size: default -> 128",
		`rebuild module tx [rebuilt with links kept] port: "q" -> "r"`,
		"rebuild worker 1 [traffic-affecting] scheduler \"\" -> \"experimental\"",
		"delete worker 0 [traffic-affecting]",
		"rebuild tc top [traffic-affecting] priority -> round_robin, worker 0 -> worker 2",
		"move task src [in place] class rl -> class top",
		"delete port q [traffic-affecting] driver UnixSocketPort",
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("missing %q in\n%s", line, got)
		}
	}
	if open := w.dev.open; open["/tmp/p"]+open["/tmp/q"] != 0 || open["/tmp/other"] != 1 || open["/tmp/r"] != 1 {
		t.Errorf("open devices %v", open)
	}
	w.apply(everything)
}

func TestFailedApplyLeavesEverythingAsItWas(t *testing.T) {
	for _, tt := range []struct {
		name, spec string
		fail       bool
		want       string
	}{
		{"in the middle", other, true, "p.yaml:12:42: error: module f: args.pkt_size: 7: not today"},
		{"at the end", other + "    rx2:9: {worker: 2}\n", false, "p.yaml:31:5: error: task rx2:9: Task rx2:9 does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) { testRollback(t, tt.spec, tt.fail, tt.want) })
	}
}

func testRollback(t *testing.T, spec string, fail bool, want string) {
	w := newWorld(t)
	w.apply(everything)
	await(t, "traffic", func() bool { return w.packets("!leaf_src:0") > 100 })
	before := w.settled()
	passed := w.outPackets("f")
	w.fail = fail
	_, err := declare.Apply(w.e, w.validate(spec), w.cat, 0)
	var refused *declare.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v", err)
	}
	w.same(err.Error(), want)
	if after := w.settled(); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	if open := w.dev.open; open["/tmp/p"] != 1 || open["/tmp/q"] != 1 || open["/tmp/other"]+open["/tmp/r"] != 0 {
		t.Errorf("open devices %v", open)
	}
	w.quiet(everything)
	if now := w.outPackets("f"); now < passed {
		t.Errorf("the gate counted %d packets and then %d", passed, now)
	}
	n := w.packets("!leaf_src:0")
	await(t, "traffic again", func() bool { return w.packets("!leaf_src:0") > n+100 })
}

func TestFailedApplyOnAnEmptyEngineLeavesItEmpty(t *testing.T) {
	w := newWorld(t)
	w.fail = true
	if _, err := declare.Apply(w.e, w.validate(everything), w.cat, 0); err == nil {
		t.Fatal("no error")
	}
	if s := w.e.State(); len(s.Modules)+len(s.Ports)+len(s.Workers)+len(s.TCs)+len(s.Tasks) != 0 {
		t.Errorf("left: %+v", s)
	}
}

func TestApplyRefusesAStalePlan(t *testing.T) {
	w := newWorld(t)
	w.apply(basic)
	p := w.validate(everything)
	_, generation, err := declare.PlanFor(w.e, p, w.cat)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.e.CreateModule("between", "Sink", nil); err != nil {
		t.Fatal(err)
	}
	_, err = declare.Apply(w.e, p, w.cat, generation)
	var stale *declare.StaleError
	if !errors.As(err, &stale) || stale.Want != generation || stale.Have == generation {
		t.Fatalf("error %v", err)
	}
	if s := w.e.State(); len(s.Modules) != 4 {
		t.Errorf("modules %+v", s.Modules)
	}
	_, generation, _ = declare.PlanFor(w.e, p, w.cat)
	if _, err := declare.Apply(w.e, p, w.cat, generation); err != nil {
		t.Error(err)
	}
}

func TestApplyReportsMetadataNobodyWrites(t *testing.T) {
	w := newWorld(t)
	res, err := declare.Apply(w.e, w.validate("  modules:\n    src: {class: Source}\n    m: {class: Meta}\n    out: {class: Sink}\n  links: [src -> m -> out]\n"), w.cat, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.same(declare.Text(res.Findings), `p.yaml:6:5: warning: module m: metadata attribute "color" (4 bytes) is read, but no module upstream writes it: reads give zero`)
}
