// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/bessform/terraform-provider-bess/appliance/port"
	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// YAML writes a pipeline as a document that Decode reads back. Arguments
// contain what is set, bytes in hex; links are joined to chains; queue counts
// and sizes are left out where they are the usual ones, and the workers of
// roots where there is only one.
func (p *Pipeline) YAML() ([]byte, error) {
	spec := &yaml.Node{Kind: yaml.MappingNode}
	section := func(key string, n *yaml.Node) {
		if len(n.Content) > 0 {
			put(spec, key, n)
		}
	}
	x := exporter{p}
	section("workers", x.workers())
	section("ports", x.ports())
	section("modules", x.modules())
	section("links", x.links())
	section("trafficClasses", x.trafficClasses())
	section("tasks", x.tasks())
	if len(spec.Content) == 0 {
		spec.Style = yaml.FlowStyle
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	put(root, "apiVersion", text(APIVersion))
	put(root, "kind", text(Kind))
	if meta := x.metadata(); len(meta.Content) > 0 {
		put(root, "metadata", meta)
	}
	put(root, "spec", spec)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return b.Bytes(), nil
}

type exporter struct{ *Pipeline }

// put appends an entry to a map.
func put(m *yaml.Node, key string, v *yaml.Node) { m.Content = append(m.Content, name(key), v) }

func flow() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle} }

// name is text used as a key, in which variables are left alone.
func name(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !isPlainText(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// text is text as a value.
func text(s string) *yaml.Node { return name(strings.ReplaceAll(s, "${", "$${")) }

// isPlainText reports whether s needs no quotes: it has only characters that
// mean nothing to YAML, and no reader takes it for a number, a date or a word
// with a meaning.
func isPlainText(s string) bool {
	if s != "" && s[0] >= '0' && s[0] <= '9' && strings.Count(s, ".") < 2 {
		return false // an address may go without quotes
	}
	for i, c := range []byte(s) {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '_', c == '/':
		case i > 0 && (c == '-' || c == '.'):
		default:
			return false
		}
	}
	n := yaml.Node{Kind: yaml.ScalarNode, Value: s}
	switch strings.ToLower(s) {
	case "", "y", "n", "yes", "no", "on", "off": // older YAML
		return false
	}
	return n.ShortTag() == "!!str"
}

// number is a number as it is.
func number(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

func integer(i int64) *yaml.Node { return number(strconv.FormatInt(i, 10)) }

func (x exporter) metadata() *yaml.Node {
	m := flow()
	if x.Name != "" {
		put(m, "name", text(x.Name))
	}
	if len(x.Labels) > 0 {
		labels := flow()
		for _, k := range sortedKeys(x.Labels) {
			put(labels, k, text(x.Labels[k]))
		}
		put(m, "labels", labels)
	}
	return m
}

func (x exporter) workers() *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, id := range sortedKeys(x.Workers) {
		w := x.Workers[id]
		v := flow()
		put(v, "core", integer(int64(w.Core)))
		if w.Scheduler != "" {
			put(v, "scheduler", text(w.Scheduler))
		}
		m.Content = append(m.Content, integer(int64(id)), v)
	}
	return m
}

func (x exporter) ports() *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, n := range sortedKeys(x.Ports) {
		p := x.Ports[n]
		v := &yaml.Node{Kind: yaml.MappingNode}
		put(v, "driver", text(p.Driver))
		p.export(v)
		for _, q := range []struct {
			key         string
			value, none uint64
		}{{"numIncQ", p.NumInc, 1}, {"numOutQ", p.NumOut, 1}, {"sizeIncQ", p.SizeInc, port.DefaultQueueSize}, {"sizeOutQ", p.SizeOut, port.DefaultQueueSize}} {
			if q.value != 0 && q.value != q.none {
				put(v, q.key, integer(int64(q.value)))
			}
		}
		put(m, n, compact(v))
	}
	return m
}

func (x exporter) modules() *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, n := range sortedKeys(x.Modules) {
		v := &yaml.Node{Kind: yaml.MappingNode}
		put(v, "class", text(x.Modules[n].Class))
		x.Modules[n].export(v)
		put(m, n, compact(v))
	}
	return m
}

// export appends the argument, if anything in it is set.
func (a *args) export(v *yaml.Node) {
	if m, ok := scalars.Encode(a.Arg).(map[string]any); ok && len(m) > 0 {
		put(v, "args", generic(m))
	}
}

// generic turns a value as args.Encode makes it into a node.
func generic(v any) *yaml.Node {
	switch x := v.(type) {
	case map[string]any:
		m := &yaml.Node{Kind: yaml.MappingNode}
		for _, k := range sortedKeys(x) {
			put(m, k, generic(x[k]))
		}
		return compact(m)
	case []any:
		l := &yaml.Node{Kind: yaml.SequenceNode}
		for _, e := range x {
			l.Content = append(l.Content, generic(e))
		}
		return compact(l)
	case string:
		return text(x)
	case float64:
		s := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eE") {
			s += ".0"
		}
		return number(s)
	}
	return number(fmt.Sprint(v)) // integers and booleans
}

// lineWidth is how long a map or list may be to be written on one line.
const lineWidth = 100

// compact writes a map or list on one line if it is short.
func compact(n *yaml.Node) *yaml.Node {
	if width(n) <= lineWidth {
		n.Style = yaml.FlowStyle
	}
	return n
}

// width estimates how long n is on one line. It is more than lineWidth if n
// contains something that is not on one line.
func width(n *yaml.Node) int {
	total := 2
	for _, c := range n.Content {
		switch {
		case c.Kind == yaml.ScalarNode:
			total += len(c.Value) + 4
		case c.Style != yaml.FlowStyle:
			return lineWidth + 1
		default:
			total += width(c) + 2
		}
		if total > lineWidth {
			return total
		}
	}
	return total
}

func (x exporter) links() *yaml.Node {
	l := &yaml.Node{Kind: yaml.SequenceNode}
	var simple []*Link
	for _, k := range x.Links {
		if arrowName(k.From) && arrowName(k.To) {
			simple = append(simple, k)
			continue
		}
		v := flow()
		put(v, "from", text(k.From))
		put(v, "ogate", integer(int64(k.OGate)))
		put(v, "to", text(k.To))
		put(v, "igate", integer(int64(k.IGate)))
		l.Content = append(l.Content, v)
	}
	for _, c := range chains(simple) {
		n := text(arrow(c))
		if !strings.Contains(n.Value, ": ") && isPlainText(strings.NewReplacer(" -> ", "", ":", "").Replace(n.Value)) {
			n.Style = 0 // arrows and gates need no quotes
		}
		l.Content = append(l.Content, n)
	}
	return l
}

func (x exporter) trafficClasses() *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, t := range x.byDepth() {
		v := flow()
		put(v, "policy", text(t.Policy))
		if t.Resource != "" {
			put(v, "resource", text(t.Resource))
		}
		if t.Policy == rateLimit {
			put(v, "limit", number(formatRate(t.Limit, units[t.Resource])))
		}
		if t.MaxBurst != 0 {
			put(v, "maxBurst", number(formatRate(t.MaxBurst, "")))
		}
		x.place(v, "parent", &t.Place)
		put(m, t.Name, v)
	}
	return m
}

// place appends where something hangs.
func (x exporter) place(v *yaml.Node, key string, p *Place) {
	if p.Parent != "" {
		put(v, key, text(p.Parent))
	}
	if p.Worker != nil && len(x.Workers) > 1 {
		put(v, "worker", integer(int64(*p.Worker)))
	}
	if p.Priority != nil {
		put(v, "priority", integer(*p.Priority))
	}
	if p.Share != nil {
		put(v, "share", integer(*p.Share))
	}
}

func (x exporter) tasks() *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	ids := make([]TaskID, 0, len(x.Tasks))
	for id := range x.Tasks {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b TaskID) int {
		if a.Module != b.Module {
			return strings.Compare(a.Module, b.Module)
		}
		return a.Task - b.Task
	})
	for _, id := range ids {
		v := flow()
		x.place(v, "class", &x.Tasks[id].Place)
		if len(v.Content) > 0 {
			put(m, x.taskKey(id), v)
		}
	}
	return m
}

// taskKey returns the key of a task: one that cannot be taken for the name of
// a module.
func (x exporter) taskKey(id TaskID) string {
	key := id.String()
	if id.Task == 0 {
		return key // a module of exactly this name is what is meant
	}
	for zeros := "0"; x.Modules[key] != nil; zeros += "0" {
		key = id.Module + ":" + zeros + itoa(id.Task)
	}
	return key
}
