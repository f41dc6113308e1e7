// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package bench

import "fmt"

// GrowthRows show how the cost of a packet grows with the work: modules in a
// chain, rules, routes, flows, workers and the size of packets.
func GrowthRows() []Row {
	var rows []Row
	grow := func(name, what string, sizes []int, build func(p *pipeline, n int)) {
		for _, n := range sizes {
			rows = append(rows, Row{Name: name + "-" + short(n), Title: fmt.Sprintf(what, n), build: func(p *pipeline) { build(p, n) }})
		}
	}
	grow("modules", "%d × Bypass", []int{1, 2, 5, 10, 20, 50, 100}, chain)
	grow("rules", "ACL, %d rules, match last", []int{1, 10, 100, 1000, 10000, 100000}, acl)
	grow("routes", "IPLookup, %d routes, random destinations", []int{1, 100, 1000, 10000, 100000, 1000000}, ipLookup)
	grow("flows", "FlowGen, %d flows at once", []int{1, 100, 1000, 10000, 100000, 1000000}, flowGen)
	grow("bytes", "Rewrite and L4Checksum, packets of %d bytes", []int{60, 128, 256, 512, 1024, 1500}, l4Checksum)
	rows = append(rows,
		Row{Name: "workers-1", Title: "ACL with 100 rules on one worker", build: func(p *pipeline) { acl(p, 100) }},
		Row{Name: "workers-2", Title: "ACL with 100 rules on each of two workers, one module", cores: 2, build: twoWorkers})
	return rows
}

// twoWorkers runs the same list on two workers; the first one is measured.
func twoWorkers(p *pipeline) {
	acl(p, 100)
	frames := tutorial(p)
	p.apart("src2", "Source", map[string]any{"pkt_size": minFrame})
	p.apart("rw2", "Rewrite", map[string]any{"templates": list(frames)})
	p.link("src2", 0, "rw2", 0)
	p.link("rw2", 0, "acl", 0)
	p.second = []string{"src2"}
}
