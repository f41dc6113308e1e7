// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// Catalog is what pipelines can be made of.
type Catalog struct {
	Classes []*module.Class
	Drivers []*port.Driver
	// HasCore tells whether the machine that will run the pipeline has a CPU
	// core; nil if that is not known.
	HasCore func(core int) bool
}

// Validate reads documents as one declaration and checks it against what
// there is to build it from. The findings are sorted by position. If none of
// them is an error, the Pipeline is complete and can be compared and applied.
func Validate(docs []Document, cat Catalog) (*Pipeline, []Finding) {
	r := &report{}
	p := decode(r, docs)
	p.check(r, newIndex(cat))
	return p, r.sorted()
}

// index finds classes and drivers by name.
type index struct {
	classes map[string]*module.Class
	drivers map[string]*port.Driver
	hasCore func(int) bool
}

func newIndex(cat Catalog) *index {
	x := &index{classes: map[string]*module.Class{}, drivers: map[string]*port.Driver{}, hasCore: cat.HasCore}
	for _, c := range cat.Classes {
		x.classes[c.Name] = c
	}
	for _, d := range cat.Drivers {
		x.drivers[d.Name] = d
	}
	return x
}

// argType returns the message of an argument; classes without one take
// EmptyArg.
func argType(m proto.Message) proto.Message {
	if m == nil {
		return (*api.EmptyArg)(nil)
	}
	return m
}

// maxSuggestions bounds the work of finding similar names in a declaration
// of thousands.
const maxSuggestions = 50

// checker checks one Pipeline.
type checker struct {
	*report
	*Pipeline
	*index
	suggestions int
}

func (p *Pipeline) check(r *report, x *index) {
	c := &checker{report: r, Pipeline: p, index: x}
	c.checkWorkers()
	c.checkPorts()
	c.checkModules()
	c.checkQueues()
	c.checkLinks()
	c.checkTCs()
	c.checkTasks()
	c.checkGraph()
}

// similar returns a hint that names the most similar key of m.
func similar[V any](c *checker, word string, m map[string]V) string {
	if c.suggestions++; c.suggestions > maxSuggestions {
		return ""
	}
	return scalars.DidYouMean(word, slices.Sorted(maps.Keys(m)))
}

// known is similar, or else a list of all keys of m.
func known[V any](c *checker, word string, m map[string]V) string {
	if hint := similar(c, word, m); hint != "" || len(m) == 0 {
		return hint
	}
	return "known are " + strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

func (c *checker) checkWorkers() {
	cores := map[int]*Worker{}
	for _, w := range ordered(c.Workers) {
		object := workerObject(w.ID)
		if w.Core < 0 {
			continue // that is reported
		}
		if c.hasCore != nil && !c.hasCore(w.Core) {
			c.field(w.fields.of("core", w.Pos), object, "core", "", "%d: this machine has no such CPU core", w.Core)
		}
		if first := cores[w.Core]; first != nil {
			c.add(Finding{Severity: Warning, Pos: w.fields.of("core", w.Pos), Object: object, Field: "core",
				Message: "worker " + itoa(first.ID) + " has core " + itoa(w.Core) + " too: they slow each other down"})
			continue
		}
		cores[w.Core] = w
	}
}

func (c *checker) checkPorts() {
	for _, p := range ordered(c.Ports) {
		object := portObject(p.Name)
		switch d := c.drivers[p.Driver]; {
		case p.Driver == "":
			if c.missing(p.fields, "driver") {
				c.field(p.Pos, object, "driver", "", "must be set")
			}
		case d == nil:
			c.field(p.fields.of("driver", p.Pos), object, "driver", known(c, p.Driver, c.drivers), "no driver %s", show(p.Driver))
		default:
			c.decodeArg(&p.args, object, p.Pos, argType(d.Arg))
		}
	}
}

func (c *checker) checkModules() {
	for _, m := range ordered(c.Modules) {
		object := moduleObject(m.Name)
		switch cl := c.classes[m.Class]; {
		case m.Class == "":
			if c.missing(m.fields, "class") {
				c.field(m.Pos, object, "class", "", "must be set")
			}
		case cl == nil:
			c.field(m.fields.of("class", m.Pos), object, "class", known(c, m.Class, c.classes), "no class %s", show(m.Class))
		default:
			c.decodeArg(&m.args, object, m.Pos, argType(cl.Arg))
		}
	}
}

// decodeArg makes the argument's message.
func (c *checker) decodeArg(a *args, object string, pos Position, want proto.Message) {
	msg, found := scalars.Decode(want.ProtoReflect().Descriptor(), a.value, scalars.Options{Prefix: "args"})
	a.Arg = msg
	for _, f := range found {
		at, _ := a.locate(f.Path, strings.HasPrefix(f.Msg, "unknown"), pos)
		text := f.Msg
		if f.Value != "" {
			text = f.Value + ": " + f.Msg
		}
		c.add(Finding{Severity: Error, Pos: at, Object: object, Field: f.Path, Message: text, Hint: f.Hint})
	}
}

func workerObject(id int) string      { return "worker " + itoa(id) }
func portObject(name string) string   { return "port " + name }
func moduleObject(name string) string { return "module " + name }
func linkObject(l *Link) string       { return "link " + l.String() }
func tcObject(name string) string     { return "tc " + name }
func taskObject(id TaskID) string     { return "task " + id.String() }
