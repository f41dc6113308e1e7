// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package kmod knows which kernel modules need which, and which drive which
// device. It writes and reads the two text files that depmod(8) makes,
// modules.dep and modules.alias (formats: modules.dep(5)), so that the image
// can be built without kmod and its init can load modules without it.
package kmod

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Index is what is known about a set of modules. Names are canonical: see
// Name.
type Index struct {
	paths   map[string]string   // by name, relative to the directory of the kernel's modules
	needs   map[string][]string // names, in the order of the file
	aliases []alias
}

type alias struct{ pattern, name string }

// Name returns the canonical name of a module: that of its file without
// suffix, with underscores for dashes.
func Name(file string) string {
	base, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(base, "-", "_")
}

// Parse reads modules.dep and modules.alias.
func Parse(dep, aliasFile io.Reader) (*Index, error) {
	x := &Index{paths: map[string]string{}, needs: map[string][]string{}}
	lines := bufio.NewScanner(dep)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		file, needs, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			return nil, fmt.Errorf("modules.dep:%d: %q: no colon", n, lines.Text())
		}
		name := Name(file)
		x.paths[name] = file
		for _, f := range strings.Fields(needs) {
			x.needs[name] = append(x.needs[name], Name(f))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("modules.dep: %w", err)
	}
	lines = bufio.NewScanner(aliasFile)
	for n := 1; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 3 || f[0] != "alias" {
			return nil, fmt.Errorf("modules.alias:%d: %q: must be: alias PATTERN MODULE", n, lines.Text())
		}
		x.aliases = append(x.aliases, alias{f[1], Name(f[2])})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("modules.alias: %w", err)
	}
	return x, nil
}

// Has reports whether there is a module of that name.
func (x *Index) Has(name string) bool { return x.paths[Name(name)] != "" }

// Path returns the file of a module, "" if there is none.
func (x *Index) Path(name string) string { return x.paths[Name(name)] }

// Match returns the modules that drive a device, by the text of its modalias
// file, sorted.
func (x *Index) Match(modalias string) []string {
	var names []string
	for _, a := range x.aliases {
		if ok, err := path.Match(a.pattern, modalias); err == nil && ok {
			names = append(names, a.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Order returns the modules to load, in that order, so that name can be
// loaded last. What a module needs comes before it, circles or not.
func (x *Index) Order(name string) ([]string, error) {
	var list []string
	seen := map[string]bool{}
	var visit func(name, by string) error
	visit = func(name, by string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		if x.paths[name] == "" {
			if by != "" {
				return fmt.Errorf("module %s, which %s needs, is not in the image", name, by)
			}
			return fmt.Errorf("module %s is not in the image", name)
		}
		for _, n := range x.needs[name] {
			if err := visit(n, name); err != nil {
				return err
			}
		}
		list = append(list, name)
		return nil
	}
	return list, visit(Name(name), "")
}
