// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/schemas"
)

// manual is all that is known about a module class, port driver or gate hook
// without a daemon.
type manual struct {
	Name string `json:"name"`
	// Kind is "module class", "port driver" or "gate hook".
	Kind string `json:"kind"`
	Help string `json:"help"`
	Doc  string `json:"doc"`
	// Prefix begins the names of unnamed instances.
	Prefix   string          `json:"prefix"`
	Gates    *gatesManual    `json:"gates,omitempty"`
	Workers  *workersManual  `json:"workers,omitempty"`
	Fields   []fieldManual   `json:"fields"`
	Commands []commandManual `json:"commands"`
	Counters []counterManual `json:"counters"`
	Metadata []attrManual    `json:"metadata"`
	Example  string          `json:"example"`

	arg protoreflect.MessageDescriptor
}

// gatesManual are how many gates can be connected; they count from 0.
type gatesManual struct {
	In  int `json:"in"`
	Out int `json:"out"`
}

type workersManual struct {
	Min int `json:"min"`
	Max int `json:"max"`
	// Task: it brings tasks of its own. Stops: workers that enter do not come
	// out. Holds: packets stay in it between runs.
	Task  bool `json:"task"`
	Stops bool `json:"stops"`
	Holds bool `json:"holds"`
}

type commandManual struct {
	Name string `json:"name"`
	Help string `json:"help"`
	// Workers is how it relates to running workers: "concurrent", "quiesced"
	// (they wait meanwhile) or "exclusive" (refused while they run).
	Workers  string        `json:"workers"`
	Fields   []fieldManual `json:"fields"`
	Response []fieldManual `json:"response"`

	arg, response protoreflect.MessageDescriptor
}

type counterManual struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Help string `json:"help"`
}

type attrManual struct {
	Name string `json:"name"`
	Size string `json:"size"`
	Mode string `json:"mode"`
	Help string `json:"help"`
}

// Kinds of what can be explained.
const (
	kindClass  = "module class"
	kindDriver = "port driver"
	kindHook   = "gate hook"
)

// library returns everything that can be explained, classes first.
func library() []*manual {
	var list []*manual
	for _, c := range schemas.Classes() {
		list = append(list, classManual(&c))
	}
	for _, d := range schemas.Drivers() {
		m := &manual{Name: d.Name, Kind: kindDriver, Help: d.Help, Doc: d.Doc, Prefix: d.Prefix}
		list = append(list, m.complete(d.Arg, nil))
	}
	for _, h := range schemas.Hooks() {
		m := &manual{Name: h.Name, Kind: kindHook, Help: h.Help, Doc: h.Doc, Prefix: h.Prefix}
		list = append(list, m.complete(h.Arg, h.Commands))
	}
	return list
}

func classManual(c *schemas.Class) *manual {
	m := &manual{Name: c.Name, Kind: kindClass, Help: c.Help, Doc: c.Doc, Prefix: c.Prefix, Example: c.Example,
		Gates:   &gatesManual{c.IGates, c.OGates},
		Workers: &workersManual{c.MinWorkers, c.MaxWorkers, c.Task, c.StopsWorkers, c.Holds}}
	for _, n := range c.Counters {
		m.Counters = append(m.Counters, counterManual{n.Name, n.Unit, n.Help})
	}
	for _, t := range c.Attrs {
		m.Metadata = append(m.Metadata, attrManual{t.Name, t.Size, t.Mode, t.Help})
	}
	return m.complete(c.Arg, c.Commands)
}

// complete adds what the messages say.
func (m *manual) complete(arg protoreflect.FullName, cmds []schemas.Command) *manual {
	m.arg = schemas.Message(arg)
	m.Fields = manuals("", m.arg)
	m.Counters, m.Metadata, m.Commands = orEmpty(m.Counters), orEmpty(m.Metadata), []commandManual{}
	for _, c := range cmds {
		d := commandManual{Name: c.Name, Help: c.Help, Workers: c.Rule, arg: schemas.Message(c.Arg), response: schemas.Message(c.Response)}
		d.Fields, d.Response = manuals("", d.arg), manuals("", d.response)
		m.Commands = append(m.Commands, d)
	}
	return m
}

// entry finds what is called name; case does not matter if there is no doubt.
func entry(list []*manual, name string) (*manual, error) {
	var names []string
	var alike []*manual
	for _, m := range list {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
		if strings.EqualFold(m.Name, name) {
			alike = append(alike, m)
		}
	}
	if len(alike) == 1 {
		return alike[0], nil
	}
	advice := hint(name, names)
	if advice == "" {
		advice = "; explain alone lists what there is"
	}
	return nil, fmt.Errorf("%q: there is no such module class, port driver or gate hook%s", name, advice)
}

// topic is a part of a manual: a field, a command or a counter.
type topic struct {
	Of      string         `json:"of"`
	Field   *fieldManual   `json:"field,omitempty"`
	Command *commandManual `json:"command,omitempty"`
	Counter *counterManual `json:"counter,omitempty"`
	// Below are the fields of a field that is an object.
	Below []fieldManual `json:"below,omitempty"`
}

// find looks path up: fields of the argument ("rules.src_ip"), then commands
// ("add", "add.rules") and counters. Indexes in brackets are ignored.
func (m *manual) find(path string) (*topic, error) {
	words := strings.Split(path, ".")
	for i, w := range words {
		words[i], _, _ = strings.Cut(w, "[")
	}
	t := &topic{Of: m.Name}
	if t.field(m.arg, words) {
		return t, nil
	}
	for i := range m.Commands {
		c := &m.Commands[i]
		if c.Name != words[0] {
			continue
		}
		if len(words) == 1 {
			t.Command = c
			return t, nil
		}
		t.Of += "." + c.Name
		if t.field(c.arg, words[1:]) || t.field(c.response, words[1:]) {
			return t, nil
		}
		return nil, unknownPart(t.Of, strings.Join(words[1:], "."), append(fieldPaths(c.Fields), fieldPaths(c.Response)...))
	}
	for i := range m.Counters {
		if m.Counters[i].Name == path {
			t.Counter = &m.Counters[i]
			return t, nil
		}
	}
	return nil, unknownPart(m.Name, path, m.parts())
}

// field looks for the field that words lead to.
func (t *topic) field(msg protoreflect.MessageDescriptor, words []string) bool {
	for i, w := range words {
		if msg == nil {
			return false
		}
		fd := msg.Fields().ByName(protoreflect.Name(w))
		if fd == nil {
			return false
		}
		msg = inner(fd)
		if i == len(words)-1 {
			path := strings.Join(words, ".")
			f := manualOf(path, fd)
			t.Field, t.Below = &f, manuals(path+".", msg)
		}
	}
	return true
}

// parts lists what find can find.
func (m *manual) parts() []string {
	list := fieldPaths(m.Fields)
	for _, c := range m.Commands {
		list = append(list, c.Name)
	}
	for _, c := range m.Counters {
		list = append(list, c.Name)
	}
	return list
}

func fieldPaths(fields []fieldManual) []string {
	var list []string
	for _, f := range fields {
		list = append(list, f.Field)
	}
	return list
}

func unknownPart(of, path string, parts []string) error {
	return fmt.Errorf("%s has no field, command or counter %q%s", of, path, hint(path, parts))
}
