// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
)

// generator makes valid declarations from a small world, so that two of them
// have much in common.
type generator struct {
	*rand.Rand
	b       strings.Builder
	sources []string // modules that packets leave, with free output gates
	sinks   []string
	tasks   []string
	workers []int
}

func (g *generator) line(format string, a ...any) { fmt.Fprintf(&g.b, format+"\n", a...) }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// declaration returns what is below spec.
func declaration(r *rand.Rand) string {
	g := &generator{Rand: r}
	g.makeWorkers()
	ports := g.makePorts()
	g.line("  modules:")
	g.line("    end: {class: Sink}")
	g.sinks = []string{"end"}
	for i := range 5 {
		if g.chance(60) {
			g.makeModule(fmt.Sprintf("m%d", i))
		}
	}
	g.portModules(ports)
	g.makeLinks()
	g.makeTCs()
	return g.b.String()
}

func (g *generator) makeWorkers() {
	if g.chance(20) {
		return
	}
	g.line("  workers:")
	for id := range 3 {
		if id == 0 || g.chance(50) {
			g.line("    %d: {core: 0%s}", id, []string{"", ", scheduler: experimental"}[g.IntN(2)])
			g.workers = append(g.workers, id)
		}
	}
}

// makePorts declares ports and returns their incoming queues.
func (g *generator) makePorts() map[string]int {
	ports := map[string]int{}
	g.line("  ports:")
	for i, path := range g.Perm(4)[:3] {
		if g.chance(60) {
			name := fmt.Sprintf("p%d", i)
			ports[name] = 1 + g.IntN(3)
			g.line("    %s: {driver: UnixSocketPort, args: {path: /tmp/%d}, numIncQ: %d}", name, path, ports[name])
		}
	}
	return ports
}

func (g *generator) makeModule(name string) {
	switch g.IntN(5) {
	case 0:
		g.line("    %s: {class: Source, args: {pkt_size: %d}}", name, 60+g.IntN(3))
		g.sources, g.tasks = append(g.sources, name), append(g.tasks, name)
	case 1:
		g.line("    %s: {class: NoOP}", name)
		g.tasks = append(g.tasks, name)
	case 2:
		g.line("    %s: {class: Sink}", name)
		g.sinks = append(g.sinks, name)
	case 3:
		g.line("    %s: {class: Failing, args: {pkt_size: %d}}", name, g.IntN(3))
		g.sources, g.sinks = append(g.sources, name), append(g.sinks, name)
	default:
		g.line("    %s: {class: RoundRobin, args: {gates: [0, 1, %d]}}", name, 2+g.IntN(2))
		g.sources, g.sinks = append(g.sources, name, name+":1"), append(g.sinks, name)
	}
}

// portModules lets the ports be used by modules that share their queues in
// ever other ways.
func (g *generator) portModules(ports map[string]int) {
	for _, p := range []string{"p0", "p1", "p2"} {
		n := ports[p]
		if n == 0 {
			continue
		}
		if g.chance(40) {
			g.line("    %srx: {class: PortInc, args: {port: %s}}", p, p)
			g.sources = append(g.sources, p+"rx")
			for q := range n {
				g.tasks = append(g.tasks, fmt.Sprintf("%srx:%d", p, q))
			}
		} else {
			for i, q := range g.Perm(n) {
				name := fmt.Sprintf("q%d%s", i, p)
				g.line("    %s: {class: QueueInc, args: {port: %s, qid: %d}}", name, p, q)
				g.sources, g.tasks = append(g.sources, name), append(g.tasks, name)
			}
		}
		if g.chance(50) {
			g.line("    tx%d: {class: PortOut, args: {port: %s}}", g.IntN(2)+2*int(p[1]-'0'), p)
		}
	}
}

func (g *generator) makeLinks() {
	g.line("  links:")
	for _, s := range g.sources {
		if g.chance(80) {
			g.line("    - %s -> %s", s, g.sinks[g.IntN(len(g.sinks))])
		}
	}
}

// root returns the place of a root.
func (g *generator) root() string {
	if len(g.workers) > 0 && g.chance(60) {
		return fmt.Sprintf(", worker: %d", g.workers[g.IntN(len(g.workers))])
	}
	return ""
}

func (g *generator) makeTCs() {
	g.line("  trafficClasses:")
	policies := []string{"round_robin", "priority", "weighted_fair, resource: bit", "weighted_fair, resource: packet", "rate_limit, resource: packet, limit: 64k"}
	type parent struct {
		name, policy string
		children     int
	}
	var parents []*parent
	child := func() string {
		p := parents[g.IntN(len(parents))]
		if p.policy[:2] == "ra" && p.children > 0 {
			return ""
		}
		p.children++
		switch p.policy[:2] {
		case "pr":
			return fmt.Sprintf("%s, priority: %d", p.name, 100-p.children)
		case "we":
			return fmt.Sprintf("%s, share: %d", p.name, 1+g.IntN(3))
		}
		return p.name
	}
	for _, i := range g.Perm(5) {
		if !g.chance(60) {
			continue
		}
		p := &parent{name: fmt.Sprintf("t%d", i), policy: policies[g.IntN(len(policies))]}
		place := g.root()
		if len(parents) > 0 && g.chance(70) {
			if c := child(); c != "" {
				place = ", parent: " + c
			}
		}
		g.line("    %s: {policy: %s%s}", p.name, p.policy, place)
		parents = append(parents, p)
	}
	g.line("  tasks:")
	for _, t := range g.tasks {
		if len(parents) > 0 && g.chance(60) {
			if c := child(); c != "" {
				g.line("    %s: {class: %s}", t, c)
			}
		} else if r := g.root(); r != "" {
			g.line("    %s: {%s}", t, r[2:])
		}
	}
}

// shape is the part of a state that a declaration decides.
func shape(s *engine.State) map[string]any {
	var tcs, tasks []string
	for _, c := range s.TCs {
		tcs = append(tcs, fmt.Sprint(c.Name, c.Policy, c.Parent, c.Resource, c.Limit, c.MaxBurst))
	}
	for _, k := range s.Tasks {
		tasks = append(tasks, fmt.Sprint(k.Module, k.Task, k.Parent))
	}
	var workers []string
	for _, w := range s.Workers {
		workers = append(workers, fmt.Sprint(w.ID, w.Core, w.Scheduler, w.Running))
	}
	var modules []string
	for _, m := range s.Modules {
		modules = append(modules, fmt.Sprint(m.Name, m.Class, m.Arg))
	}
	seen := map[string]bool{}
	for _, c := range tcs {
		seen[c] = true
	}
	return map[string]any{"workers": workers, "ports": s.Ports, "modules": modules, "links": s.Links, "tcs": seen, "tasks": tasks}
}

// However a pipeline came about, it is the one that the declaration would
// have made from nothing, and a second apply finds nothing to do.
func TestEveryWayLeadsToTheDeclaration(t *testing.T) {
	ways := 60
	if testing.Short() {
		ways = 15
	}
	w := newWorld(t)
	for seed := range uint64(ways) {
		spec := declaration(rand.New(rand.NewPCG(seed, 1)))
		plan := w.apply(spec)
		fresh := newWorld(t)
		fresh.apply(spec)
		a, b := shape(w.e.State()), shape(fresh.e.State())
		for k := range a {
			// Without declared workers the engine's own is on either.
			if !reflect.DeepEqual(a[k], b[k]) && (k != "workers" || strings.Contains(spec, "workers:")) {
				t.Errorf("seed %d: %s: have\n%v\nfrom nothing\n%v", seed, k, a[k], b[k])
			}
		}
		fresh.e.Close()
		if t.Failed() {
			t.Fatalf("seed %d\n%s\nplan\n%s", seed, spec, plan)
		}
	}
	if n := w.drops(); testing.Verbose() {
		t.Logf("%d packets were dropped", n)
	}
}

// A change that fails half-way changes nothing.
func TestEveryFailureIsUndone(t *testing.T) {
	ways := 50
	if testing.Short() {
		ways = 10
	}
	w := newWorld(t)
	w.apply(declaration(rand.New(rand.NewPCG(0, 2))))
	for seed := range uint64(ways) {
		spec := declaration(rand.New(rand.NewPCG(seed, 2)))
		spec = strings.Replace(spec, "  modules:\n", "  modules:\n    late: {class: PortInc, args: {port: pl}}\n", 1)
		spec = strings.Replace(spec, "  ports:\n", "  ports:\n    pl: {driver: UnixSocketPort, args: {path: /tmp/late}}\n", 1)
		spec = strings.Replace(spec, "  tasks:\n", "  tasks:\n    late:9: {worker: 0}\n", 1)
		before := w.settled()
		if _, err := declare.Apply(w.e, w.validate(spec), w.cat, 0); err == nil {
			t.Fatalf("seed %d: no error", seed)
		}
		if after := w.settled(); !reflect.DeepEqual(before, after) {
			t.Fatalf("seed %d\n%s\nbefore %+v\nafter  %+v", seed, spec, before, after)
		}
		if seed%5 == 0 {
			w.apply(declaration(rand.New(rand.NewPCG(seed, 3))))
		}
	}
}
