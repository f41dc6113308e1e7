// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Propagate recomputes which workers reach which modules (spec: scheduler.md
// section 8). tasks lists the attached tasks of every worker. Modules that
// observe their workers are told about changes.
func (g *Graph) Propagate(tasks map[int][]*Task) {
	type reach struct {
		workers []int
		feeders int
	}
	found := map[*Module]*reach{}
	for wid := range module.MaxWorkers {
		for _, t := range tasks[wid] {
			seen := map[*Module]bool{}
			visit(t, wid, func(m *Module) bool {
				if seen[m] {
					return false
				}
				seen[m] = true
				r := found[m]
				if r == nil {
					r = &reach{}
					found[m] = r
				}
				if m != t.Module {
					r.feeders++
				}
				if !slices.Contains(r.workers, wid) {
					r.workers = append(r.workers, wid)
				}
				return true
			})
		}
	}
	for _, m := range g.modules {
		var workers []int
		m.feeders = 0
		if r := found[m]; r != nil {
			slices.Sort(r.workers)
			workers, m.feeders = r.workers, r.feeders
		}
		if !slices.Equal(workers, m.Workers) {
			m.Workers = workers
			if o, ok := m.Impl.(module.WorkerObserver); ok {
				o.SetWorkers(workers)
			}
		}
	}
}

// ResetDeadends makes every module's Deadends start from zero.
func (g *Graph) ResetDeadends() {
	for _, m := range g.modules {
		m.deadBase = m.deadends()
	}
}

// Verdict is the judgement on one module's placement.
type Verdict struct{ Violation, Fatal bool }

// Placement judges m as of the last Propagate; attached is the number of its
// own tasks that hang in a worker (spec: api.md section 7).
func (m *Module) Placement(attached int, nodeOf func(wid int) int) Verdict {
	if len(m.Workers) == 0 {
		return Verdict{}
	}
	if p, ok := m.Impl.(module.Placer); ok {
		v, fatal := p.Placement(m.feeders, attached)
		return Verdict{Violation: v || fatal, Fatal: fatal}
	}
	if len(m.Workers) > m.Class.Workers() {
		return Verdict{Violation: true, Fatal: true}
	}
	mask := m.NodeMask()
	for _, w := range m.Workers {
		if mask&(1<<nodeOf(w)) == 0 {
			return Verdict{Violation: true}
		}
	}
	return Verdict{}
}

// AllNodes is the mask of an instance that may run on every NUMA node (spec:
// api.md section 7).
const AllNodes = 0xffff

// NodeMask returns the NUMA nodes m may run on.
func (m *Module) NodeMask() uint64 {
	if n, ok := m.Impl.(module.NodeLimiter); ok {
		return n.NodeMask() & AllNodes
	}
	return AllNodes
}

// ReachableMask returns the NUMA nodes on which all modules that the task
// reaches may run.
func (t *Task) ReachableMask(worker int) uint64 {
	mask := uint64(AllNodes)
	seen := map[*Module]bool{}
	visit(t, worker, func(m *Module) bool {
		if seen[m] {
			return false
		}
		seen[m] = true
		mask &= m.NodeMask()
		return true
	})
	return mask
}
