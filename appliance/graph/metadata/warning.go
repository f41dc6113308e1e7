// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// WarningKind classifies a Warning.
type WarningKind uint8

// The kinds of warnings.
const (
	// NoWriter: a module reads or updates an attribute nobody upstream writes.
	NoWriter WarningKind = iota
	// DeadPath: packets can reach a reader from a source without passing a
	// writer, so the attribute is given to nobody in that part of the graph.
	DeadPath
	// Full: the attribute did not fit into the 128 bytes.
	Full
)

// Warning is one finding about one value.
type Warning struct {
	// Kind says what was found.
	Kind WarningKind
	// Attr and Size are those of the attribute.
	Attr string
	Size int
	// Modules are the names of the modules that declare the attribute and are
	// affected, in name order. NoWriter has exactly one.
	Modules []string
	// Source is, for DeadPath, the module the packets without value come from.
	Source string
}

// String returns the warning as a sentence for the log and the user.
func (w Warning) String() string {
	who := list(w.Modules)
	switch w.Kind {
	case NoWriter:
		return fmt.Sprintf("%s: metadata attribute %q (%d bytes) is read, but no module upstream writes it: reads give zero",
			who, w.Attr, w.Size)
	case DeadPath:
		return fmt.Sprintf("%s: metadata attribute %q (%d bytes) is not carried, because packets from %s arrive without it: reads give zero",
			who, w.Attr, w.Size, w.Source)
	default:
		return fmt.Sprintf("%s: metadata attribute %q (%d bytes) does not fit into the %d bytes of a packet: reads give zero",
			who, w.Attr, w.Size, AreaSize)
	}
}

// list joins at most four names.
func list(names []string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// warnings collects the findings ordered by the first module concerned, then
// by attribute.
func (s *solver) warnings() []Warning {
	var found []Warning
	inScope := make(map[use]bool)
	for i := range s.comps {
		c := &s.comps[i]
		for _, u := range c.uses {
			inScope[u] = true
		}
		switch {
		case !c.valid():
			found = append(found, Warning{Kind: DeadPath, Attr: c.name, Size: c.size,
				Modules: s.names(c.uses), Source: s.mods[c.source].Name})
		case c.offset == NoSpace:
			found = append(found, Warning{Kind: Full, Attr: c.name, Size: c.size, Modules: s.names(c.uses)})
		}
	}
	for m := range s.mods {
		for a, at := range s.mods[m].Attrs {
			if at.Mode != Write && !inScope[use{int32(m), int32(a)}] {
				found = append(found, Warning{Kind: NoWriter, Attr: at.Name, Size: at.Size,
					Modules: []string{s.mods[m].Name}})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Modules[0], b.Modules[0]), cmp.Compare(a.Attr, b.Attr),
			cmp.Compare(a.Kind, b.Kind))
	})
	return found
}

// names returns the sorted names of the modules of uses.
func (s *solver) names(uses []use) []string {
	names := make([]string, len(uses))
	for i, u := range uses {
		names[i] = s.mods[u.mod].Name
	}
	slices.Sort(names)
	return names
}
