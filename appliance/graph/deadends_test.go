// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// Deadends are the sum of all workers in 64 bits since the last reset (spec:
// api.md section 6.6).
func TestDeadendsAreWide(t *testing.T) {
	m := &Module{Name: "m", Class: &module.Class{Name: "M"}}
	other := &Module{Name: "other", Class: m.Class}
	g := &Graph{modules: map[string]*Module{"m": m, "other": other}}
	for round := range 2 {
		for wid := range 3 {
			m.cellsFor(wid).Deadends.Add(1<<31 + 7)
		}
		if got := m.Deadends(); got != 3*(1<<31+7) {
			t.Errorf("round %d: %d deadends, want %d", round, got, uint64(3*(1<<31+7)))
		}
		if got := other.Deadends(); got != 0 {
			t.Errorf("round %d: %d deadends of a module that dropped nothing", round, got)
		}
		g.ResetDeadends()
		if got := m.Deadends(); got != 0 {
			t.Errorf("round %d: %d deadends after the reset", round, got)
		}
	}
}
