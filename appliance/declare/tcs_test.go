// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"strings"
	"testing"
)

func replace(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }

const fair = `
  workers: {0: {core: 0}, 1: {core: 0}}
  modules:
    a: {class: NoOP}
    b: {class: NoOP}
    c: {class: NoOP}
  trafficClasses:
    root: {policy: priority, worker: 0}
    wf: {policy: weighted_fair, resource: cycle, parent: root, priority: 2}
    rl: {policy: rate_limit, resource: count, limit: 1k, maxBurst: 5, parent: root, priority: 1}
  tasks:
    a: {class: wf, share: 1}
    b: {class: wf, share: 2}
    c: {class: rl}
`

func TestTrafficClasses(t *testing.T) {
	w := newWorld(t)
	w.same(w.apply(fair), lines(
		"create worker 0 [none] core 0",
		"create worker 1 [none] core 0",
		"create module a [none] class NoOP",
		"create module b [none] class NoOP",
		"create module c [none] class NoOP",
		"create tc root [none] priority",
		"create tc wf [none] weighted_fair of cycle",
		"create tc rl [none] rate_limit of count, limit 1k, maxBurst 5",
		"move task a [none] class wf, share 1",
		"move task b [none] class wf, share 2",
		"move task c [none] class rl"))
	for _, tt := range []struct {
		name  string
		spec  string
		plans []string
	}{
		{"parameters change in place", replace(fair, "limit: 1k", "limit: 2k", "resource: cycle", "resource: packet"), []string{
			"update tc wf [in place] weighted_fair of cycle -> weighted_fair of packet",
			"update tc rl [in place] rate_limit of count, limit 1k, maxBurst 5 -> rate_limit of count, limit 2k, maxBurst 5"}},
		{"a burst that is not declared is none", replace(fair, ", maxBurst: 5", ""), []string{
			"update tc rl [in place] rate_limit of count, limit 1k, maxBurst 5 -> rate_limit of count, limit 1k"}},
		{"priorities are exchanged", replace(fair, "priority: 1", "priority: 2", "priority: 2", "priority: 1"), []string{
			"rebuild tc wf [traffic-affecting] class root, priority 2 -> class root, priority 1",
			"rebuild tc rl [traffic-affecting] class root, priority 1 -> class root, priority 2"}},
		{"a share changes", replace(fair, "share: 1", "share: 7"), []string{
			"move task a [in place] class wf, share 1 -> class wf, share 7"}},
		{"a rate limit gets another child", replace(fair, "c: {class: rl}", "c: {class: wf, share: 3}", "b: {class: wf, share: 2}", "b: {class: rl}"), []string{
			"move task b [in place] class wf, share 2 -> class rl",
			"move task c [in place] class rl -> class wf, share 3"}},
		{"a root moves with all below it", replace(fair, "worker: 0", "worker: 1"), []string{
			"rebuild tc root [traffic-affecting] worker 0 -> worker 1",
			"rebuild tc wf [traffic-affecting] what it hangs on is made anew",
			"rebuild tc rl [traffic-affecting] what it hangs on is made anew"}},
		{"a class goes, its task finds a place", replace(fair, "    rl: {policy: rate_limit, resource: count, limit: 1k, maxBurst: 5, parent: root, priority: 1}\n", "", "    c: {class: rl}\n", ""), []string{
			"move task c [in place] class rl -> any worker",
			"delete tc rl [traffic-affecting] rate_limit of count, limit 1k, maxBurst 5"}},
		{"a task goes to a worker", replace(fair, "c: {class: rl}", "c: {worker: 1}"), []string{
			"move task c [in place] class rl -> worker 1"}},
		{"a worker starts anew", replace(fair, "{0: {core: 0}", "{0: {core: 0, scheduler: experimental}"), []string{
			`rebuild worker 0 [traffic-affecting] scheduler "" -> "experimental"`,
			"rebuild tc root [traffic-affecting] what it hangs on is made anew",
			"rebuild tc wf [traffic-affecting] what it hangs on is made anew",
			"rebuild tc rl [traffic-affecting] what it hangs on is made anew"}},
		{"a module with a task is made anew", replace(fair, "c: {class: NoOP}", "c: {class: Source}"), []string{
			"rebuild module c [traffic-affecting] class NoOP -> Source"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(fair)
			w.same(w.apply(tt.spec), lines(tt.plans...))
			w.apply(fair)
			for _, task := range []string{"!leaf_a:0", "!leaf_b:0", "!leaf_c:0"} {
				n, _ := w.e.TCStats(task)
				await(t, task, func() bool { now, _ := w.e.TCStats(task); return now.Count > n.Count })
			}
		})
	}
}
