// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/bessform/terraform-provider-bess/appliance/graph/metadata"
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// place computes the metadata offsets of all modules.
func (l *layout) place(mods []*Module, frozen map[*Module][]int8) {
	index := make(map[*Module]int, len(mods))
	for i, m := range mods {
		index[m] = i
	}
	in := make([]metadata.Module, len(mods))
	for i, m := range mods {
		in[i] = metadata.Module{Name: m.Name, Attrs: m.Attrs()}
		for _, o := range m.Outs() {
			in[i].Out = append(in[i].Out, index[o.To.Module])
		}
	}
	placed := metadata.Place(in)
	l.offsets = make(map[*Module][]int8, len(mods))
	for i, m := range mods {
		offsets := placed.Offsets[i]
		if frozen != nil {
			offsets = frozenOffsets(m, frozen)
		}
		l.offsets[m] = offsets
		for j, off := range offsets {
			if off >= 0 {
				l.metaLen = max(l.metaLen, int(off)+m.Attrs()[j].Size)
			}
		}
	}
	for _, w := range placed.Warnings {
		l.warnings = append(l.warnings, w.String())
	}
}

// frozenOffsets returns m's offsets from before the freeze; a module made
// later has none.
func frozenOffsets(m *Module, frozen map[*Module][]int8) []int8 {
	if offsets, ok := frozen[m]; ok {
		return offsets
	}
	offsets := make([]int8, len(m.Attrs()))
	for i := range offsets {
		offsets[i] = module.OffsetNoRead
	}
	return offsets
}
