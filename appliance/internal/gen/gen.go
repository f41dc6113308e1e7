// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package gen derives tables, JSON Schemas and documentation from the Go
// declarations of the module classes, port drivers and gate hooks and from
// the comments and rules of their messages.
package gen

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/internal/gen/units"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// Input is what Run works from.
type Input struct {
	// Root is the source tree.
	Root    fs.FS
	Classes []*module.Class
	Drivers []*port.Driver
	Hooks   []*hook.Class
}

// Output is what Run makes.
type Output struct {
	// Files are the texts of all generated files by path below the root.
	Files map[string][]byte
	// Problems are documentation and tests that are missing, one line each.
	Problems []string
}

// Run makes everything. The error tells what kept it from doing so.
func Run(in Input) (*Output, error) {
	g := &generator{in: in, out: &Output{Files: map[string][]byte{}}}
	for i, step := range []func() error{g.classes, g.drivers, g.hooks} {
		var err error
		if g.folders, err = folders(in.Root, units.Kinds[i]); err != nil {
			return nil, err
		}
		g.index = nil
		if err := step(); err != nil {
			return nil, err
		}
		k := units.Kinds[i]
		g.out.Files[path.Join(k.Dir, "README.md")] = indexPage(k, g.index)
	}
	return g.out, nil
}

// folders returns the folder of each unit of a kind.
func folders(root fs.FS, k units.Kind) (map[string]string, error) {
	list, err := units.Find(root, k)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, u := range list {
		m[u.Name] = u.Folder
	}
	return m, nil
}

type generator struct {
	in      Input
	out     *Output
	folders map[string]string // of the kind at work
	index   [][]string        // rows of the list of the kind at work
}

func (g *generator) problem(format string, a ...any) {
	g.out.Problems = append(g.out.Problems, fmt.Sprintf(format, a...))
}

func (g *generator) classes() error {
	table := []schemas.Class{}
	for _, c := range g.in.Classes {
		u, err := readUnit(g.in.Root, "appliance/module", g.folders[c.Name])
		if err != nil {
			return err
		}
		s := classOf(c, u.doc(nameOf(c.Arg)))
		s.Example = strings.TrimSpace(u.example)
		table = append(table, s)
		if u.example == "" {
			g.problem("%s: example.txtar is missing", u.dir)
		}
		for _, a := range s.Attrs {
			g.need(u, "attribute "+a.Name, a.Help, a.Size)
		}
		for _, n := range s.Counters {
			g.need(u, "counter "+n.Name, n.Help, n.Unit)
		}
		if err := g.unit(u, s.Name, s.Prefix, s.Help, s.Doc, s.Arg, s.Commands, classPage(u, &s)); err != nil {
			return err
		}
	}
	return g.json("schemas/classes.json", table)
}

func (g *generator) drivers() error {
	table := []schemas.Driver{}
	for _, d := range g.in.Drivers {
		u, err := readUnit(g.in.Root, "appliance/port", g.folders[d.Name])
		if err != nil {
			return err
		}
		s := driverOf(d, u.doc(nameOf(d.Arg)))
		table = append(table, s)
		if err := g.unit(u, s.Name, s.Prefix, s.Help, s.Doc, s.Arg, nil, driverPage(u, &s)); err != nil {
			return err
		}
	}
	return g.json("schemas/drivers.json", table)
}

func (g *generator) hooks() error {
	table := []schemas.Hook{}
	for _, h := range g.in.Hooks {
		u, err := readUnit(g.in.Root, "appliance/hook", g.folders[h.Name])
		if err != nil {
			return err
		}
		s := hookOf(h, u.doc(nameOf(h.Arg)))
		table = append(table, s)
		if err := g.unit(u, s.Name, s.Prefix, s.Help, s.Doc, s.Arg, s.Commands, hookPage(u, &s)); err != nil {
			return err
		}
	}
	return g.json("schemas/hooks.json", table)
}

// unit checks what all kinds of units have in common and adds their files.
func (g *generator) unit(u *unit, name, prefix, help, doc string, arg protoreflect.FullName, cmds []schemas.Command, readme []byte) error {
	g.need(u, name, prefix, help, doc)
	if len(u.tests) == 0 {
		g.problem("%s: there are no tests", u.dir)
	}
	messages := []protoreflect.FullName{arg}
	for _, c := range cmds {
		g.need(u, "command "+c.Name, c.Help)
		messages = append(messages, c.Arg, c.Response)
	}
	seen := map[protoreflect.FullName]bool{"": true}
	for _, m := range messages {
		if seen[m] {
			continue
		}
		seen[m] = true
		msg := schemas.Message(m)
		if msg == nil {
			return fmt.Errorf("%s: message %s is not in the descriptor set; generate it first", u.dir, m)
		}
		for _, field := range undocumented(msg) {
			g.problem("%s: %s has no comment", u.dir, field)
		}
	}
	g.out.Files[path.Join(u.dir, "README.md")] = readme
	g.index = append(g.index, []string{fmt.Sprintf("[%s](%s)", name, path.Base(u.dir)), sentence(help)})
	return g.json("schemas/json/"+name+".json", argumentSchema(name, doc, schemas.Message(arg)))
}

// need reports empty texts.
func (g *generator) need(u *unit, what string, texts ...string) {
	for _, t := range texts {
		if t == "" {
			g.problem("%s: %s: a text of the declaration or of its comment is empty", u.dir, what)
			return
		}
	}
}

func (g *generator) json(name string, v any) error {
	text, err := indented(v)
	g.out.Files[name] = text
	return err
}
