// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"strconv"

	"gopkg.in/yaml.v3"

	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// What the first two keys of a document must be.
const (
	APIVersion = "bess.dev/v1"
	Kind       = "Pipeline"
)

// Limits of what is declared.
const (
	maxWorkerID  = 63
	maxCore      = 1 << 16
	maxQueues    = 128
	maxQueueSize = 4096
)

// Decode reads documents as one declaration. The findings are sorted by
// position. The Pipeline holds what could be read; it is what was meant only
// if there is no error. Arguments have not been looked at: see Validate.
func Decode(docs []Document) (*Pipeline, []Finding) {
	r := &report{}
	p := decode(r, docs)
	return p, r.sorted()
}

func decode(r *report, docs []Document) *Pipeline {
	d := &decoder{Pipeline: newPipeline(), named: map[string]Position{}}
	total, found := 0, 0
	for i, doc := range docs {
		d.source = newSource(r, doc, i)
		if total += len(doc.Text); total > maxText {
			d.errorf(d.at(1, 1), "", "documents of more than %d bytes", maxText)
			return d.Pipeline
		}
		for _, root := range d.parse() {
			found++
			d.document(root)
		}
	}
	if found == 0 && len(r.list) == 0 {
		// An empty file must not be taken for an empty pipeline.
		name := ""
		if len(docs) > 0 {
			name = docs[0].Name
		}
		r.add(Finding{Severity: Error, Pos: Position{File: name, Line: 1, Col: 1}, Message: "no document",
			Hint: "a declaration begins with apiVersion: " + APIVersion + " and kind: " + Kind})
	}
	d.resolveTasks(r)
	return d.Pipeline
}

// decoder fills a Pipeline.
type decoder struct {
	*source
	*Pipeline
	named map[string]Position // what has been declared, by object
}

// document reads one YAML document.
func (d *decoder) document(root *yaml.Node) {
	w := of("")
	var version, kind string
	var spec *yaml.Node
	if root.Kind != yaml.MappingNode {
		d.fail(root, w, "", "expected a map with apiVersion, kind and spec, got %s", kindOf(root))
		return
	}
	found := d.record(root, w, fields{
		"apiVersion": d.texter(&version),
		"kind":       d.texter(&kind),
		"metadata":   d.metadata,
		"spec":       func(n *yaml.Node, _ *where) { spec = n },
	})
	d.constant(root, found, "apiVersion", version, APIVersion)
	d.constant(root, found, "kind", kind, Kind)
	if spec == nil {
		d.fail(root, w, "an empty pipeline is spec: {}", "spec is missing")
		return
	}
	d.spec(spec)
}

// constant checks a key that can have one value only.
func (d *decoder) constant(root *yaml.Node, found places, key, value, want string) {
	pos := found.of(key, Position{})
	switch {
	case !pos.IsValid():
		d.field(d.pos(root), "", "", "write "+key+": "+want, "%s is missing", key)
	case value != want:
		d.field(pos, "", key, "", "%s: must be %s", show(value), want)
	}
}

func (d *decoder) metadata(n *yaml.Node, w *where) {
	d.record(n, w, fields{
		"name": func(n *yaml.Node, w *where) {
			name := d.text(n, w)
			if d.Name != "" && name != d.Name {
				d.fail(n, w, "", "%s: another document says %s at %s", show(name), show(d.Name), d.named["metadata"])
				return
			}
			d.Name, d.named["metadata"] = name, d.pos(n)
		},
		"labels": func(n *yaml.Node, w *where) {
			d.each(n, w, func(e entry) {
				text := d.text(e.val, w.key(e.key))
				if d.once("label "+e.key, e.keyAt) {
					d.Labels[e.key] = text
				}
			})
		},
	})
}

// once reports whether object is declared for the first time, else that it is
// not.
func (d *decoder) once(object string, at Position) bool {
	if first, dup := d.named[object]; dup {
		d.errorf(at, object, "declared twice, first at %s", first)
		return false
	}
	d.named[object] = at
	return true
}

func (d *decoder) spec(n *yaml.Node) {
	d.record(n, of(""), fields{
		"workers":        d.workers,
		"ports":          d.ports,
		"modules":        d.modules,
		"links":          d.links,
		"trafficClasses": d.trafficClasses,
		"tasks":          d.tasks,
	})
}

// objects reads a map of named objects. Those with a bad name are read for
// their mistakes only.
func (d *decoder) objects(n *yaml.Node, w *where, kind string, f func(e entry, w *where, keep bool)) {
	d.each(n, w, func(e entry) {
		ow := of(kind + " " + e.key)
		keep := true
		if err := scalars.CheckName(e.key); err != nil {
			ow = of(kind + " " + show(e.key))
			d.field(e.keyAt, ow.object, "name", "", "%s", err)
			keep = false
		}
		keep = keep && d.once(ow.object, e.keyAt)
		f(e, ow, keep)
	})
}

func (d *decoder) workers(n *yaml.Node, w *where) {
	d.each(n, w, func(e entry) {
		ow := of("worker " + e.key)
		wk := &Worker{Pos: e.keyAt, Core: -1}
		wk.fields = d.record(e.val, ow, fields{
			"core": func(n *yaml.Node, w *where) {
				if c, ok := d.whole(n, w, 0, maxCore); ok {
					wk.Core = int(c)
				}
			},
			"scheduler": d.texter(&wk.Scheduler),
		})
		id, err := strconv.Atoi(e.key)
		switch {
		case err != nil || strconv.Itoa(id) != e.key || id < 0 || id > maxWorkerID:
			d.errorf(e.keyAt, ow.object, "%s: a worker's name is its id: a number 0..%d", show(e.key), maxWorkerID)
			return
		case wk.Core < 0 && d.missing(wk.fields, "core"):
			d.field(e.keyAt, ow.object, "core", "", "must be set")
		case wk.Scheduler != "" && wk.Scheduler != experimental:
			d.field(wk.fields.of("scheduler", e.keyAt), ow.object, "scheduler", "", "%s: must be empty or %q", show(wk.Scheduler), experimental)
		}
		if d.once(ow.object, e.keyAt) {
			wk.ID = id
			d.Workers[id] = wk
		}
	})
}

// experimental is the scheduler that backs off from idle tasks.
const experimental = "experimental"

func (d *decoder) ports(n *yaml.Node, w *where) {
	d.objects(n, w, "port", func(e entry, w *where, keep bool) {
		p := &Port{Pos: e.keyAt, Name: e.key, args: args{src: d.source}}
		count := func(dst *uint64, high int64) func(*yaml.Node, *where) {
			return func(n *yaml.Node, w *where) {
				if i, ok := d.whole(n, w, 1, high); ok {
					*dst = uint64(i)
				}
			}
		}
		p.fields = d.record(e.val, w, fields{
			"driver":   d.texter(&p.Driver),
			"args":     p.read,
			"numIncQ":  count(&p.NumInc, maxQueues),
			"numOutQ":  count(&p.NumOut, maxQueues),
			"sizeIncQ": count(&p.SizeInc, maxQueueSize),
			"sizeOutQ": count(&p.SizeOut, maxQueueSize),
		})
		if keep {
			d.Ports[e.key] = p
		}
	})
}

func (d *decoder) modules(n *yaml.Node, w *where) {
	d.objects(n, w, "module", func(e entry, w *where, keep bool) {
		m := &Module{Pos: e.keyAt, Name: e.key, args: args{src: d.source}}
		m.fields = d.record(e.val, w, fields{"class": d.texter(&m.Class), "args": m.read})
		if keep {
			d.Modules[e.key] = m
		}
	})
}

// read takes the argument as a generic value.
func (a *args) read(n *yaml.Node, w *where) { a.node, a.value = n, a.src.value(n, w) }
