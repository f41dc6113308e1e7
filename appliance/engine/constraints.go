// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Constraints is the judgement on the placement of modules on workers (spec:
// api.md section 7).
type Constraints struct {
	// Fatal is set if a module is run by more workers than its class allows.
	Fatal bool
	// Violations are tasks on the wrong NUMA node.
	Violations []NodeViolation
	// Modules are the names of badly placed modules.
	Modules []string
}

// NodeViolation is a task whose worker is on a NUMA node that a module it
// reaches does not allow.
type NodeViolation struct {
	TC         string
	NodeMask   uint64
	Node, Core int
}

// CheckConstraints attaches orphan traffic classes if no worker runs,
// recomputes which workers reach which modules and judges the result.
// Nothing is refused because of it: that is up to the client.
func (e *Engine) CheckConstraints() Constraints {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.anyRunning() {
		e.tcs.attachOrphans(e)
	}
	e.propagate()
	e.graph.ResetDeadends()
	var c Constraints
	for _, w := range e.workers {
		if w == nil {
			continue
		}
		node := sys.NodeOf(w.Core)
		for _, t := range e.tcs.tasksOf(w) {
			if mask := t.ReachableMask(w.ID); mask&(1<<node) == 0 {
				c.Violations = append(c.Violations, NodeViolation{leafName(t), mask, node, w.Core})
			}
		}
	}
	nodeOf := func(wid int) int { return sys.NodeOf(e.workers[wid].Core) }
	for _, m := range e.graph.Modules() {
		v := m.Placement(e.tcs.attached(m), nodeOf)
		if v.Violation {
			c.Modules = append(c.Modules, m.Name)
		}
		c.Fatal = c.Fatal || v.Fatal
	}
	return c
}
