// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"github.com/bessform/terraform-provider-bess/appliance/module"
)

// gate is an output gate.
type gate struct {
	module string
	index  int
}

func (c *checker) checkLinks() {
	used := map[gate]*Link{}
	for _, l := range c.Links {
		before := len(c.list)
		from, fromOK := c.end(l, l.From)
		to, toOK := c.end(l, l.To)
		if fromOK {
			c.gate(l, l.From, l.OGate, from, "output", from.OGates)
		}
		if toOK {
			c.gate(l, l.To, l.IGate, to, "input", to.IGates)
		}
		l.bad = len(c.list) > before
		g := gate{l.From, l.OGate}
		if first := used[g]; first != nil {
			c.errorf(l.Pos, linkObject(l), "output gate %d of %s already leads to %d:%s at %s",
				l.OGate, l.From, first.IGate, first.To, first.Pos)
			continue
		}
		used[g] = l
	}
}

// end finds the module at an end of a link. It returns nothing if the module
// or its class is not known.
func (c *checker) end(l *Link, name string) (*module.Class, bool) {
	m := c.Modules[name]
	if m == nil {
		c.add(Finding{Severity: Error, Pos: l.Pos, Object: linkObject(l), Message: "no module " + show(name) + " is declared",
			Hint: similar(c, name, c.Modules)})
		return nil, false
	}
	cl := c.classes[m.Class]
	return cl, cl != nil
}

// gate checks the number of a gate.
func (c *checker) gate(l *Link, name string, index int, cl *module.Class, kind string, limit int) {
	switch {
	case limit == 0:
		c.errorf(l.Pos, linkObject(l), "%s is of class %s, which has no %s gates", name, cl.Name, kind)
	case index >= limit:
		c.errorf(l.Pos, linkObject(l), "%s gate %d: %s is of class %s, which has %s", kind, index, name, cl.Name, gates(limit))
	}
}

// gates describes the gates 0..limit-1.
func gates(limit int) string {
	if limit == 1 {
		return "gate 0 only"
	}
	return "gates 0.." + itoa(limit-1)
}
