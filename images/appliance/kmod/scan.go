// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is what the modules of one kernel say about themselves.
type Tree struct {
	Root    string // folder that the paths are relative to
	modules map[string]*info
}

type info struct {
	path    string
	needs   []string // names, of which some may be built in
	aliases []string
}

// Scan reads all modules (*.ko) below root.
func Scan(root string) (*Tree, error) {
	t := &Tree{Root: root, modules: map[string]*info{}}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".ko") {
			return err
		}
		m, err := read(file)
		if err != nil {
			return err
		}
		if m.path, err = filepath.Rel(root, file); err != nil {
			return err
		}
		t.modules[Name(file)] = m
		return nil
	})
	if err == nil && len(t.modules) == 0 {
		err = fmt.Errorf("%s: no kernel modules (*.ko) in it", root)
	}
	return t, err
}

func read(file string) (*info, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", file, err)
	}
	defer func() { _ = f.Close() }()
	s := f.Section(".modinfo")
	if s == nil {
		return nil, fmt.Errorf("module %s: no section .modinfo", file)
	}
	text, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("module %s: section .modinfo: %w", file, err)
	}
	return parseModinfo(text), nil
}

// parseModinfo reads a section .modinfo: strings key=value, each ended by a
// zero byte (kernel: include/linux/moduleparam.h).
func parseModinfo(text []byte) *info {
	m := &info{}
	for _, field := range bytes.Split(text, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "alias":
			if !strings.ContainsAny(value, " \t\n") {
				m.aliases = append(m.aliases, value)
			}
		case "depends":
			for _, n := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' }) {
				m.needs = append(m.needs, Name(n))
			}
		case "softdep":
			m.needs = append(m.needs, before(value)...)
		}
	}
	return m
}

// before returns the modules that a softdep ("pre: a b post: c") wants first.
func before(softdep string) (names []string) {
	pre := false
	for _, w := range strings.Fields(softdep) {
		switch w {
		case "pre:":
			pre = true
		case "post:":
			pre = false
		default:
			if pre {
				names = append(names, Name(w))
			}
		}
	}
	return names
}

// Select returns the names of the modules that match any of the patterns, and
// of all that they need, sorted. A pattern is a path below the tree
// (path.Match) or a folder ("net/sched/"). A pattern that matches nothing is
// an error: it is a typo, or the kernel has changed.
func (t *Tree) Select(patterns []string) ([]string, error) {
	chosen := map[string]bool{}
	for _, p := range patterns {
		hit := false
		for name, m := range t.modules {
			ok, err := path.Match(p, m.path)
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", p, err)
			}
			if ok || strings.HasSuffix(p, "/") && strings.HasPrefix(m.path, p) {
				hit = true
				t.add(chosen, name)
			}
		}
		if !hit {
			return nil, fmt.Errorf("pattern %q matches no module of this kernel", p)
		}
	}
	names := make([]string, 0, len(chosen))
	for n := range chosen {
		names = append(names, n)
	}
	slices.Sort(names)
	return names, nil
}

func (t *Tree) add(chosen map[string]bool, name string) {
	m := t.modules[name]
	if m == nil || chosen[name] { // built into the kernel, or done
		return
	}
	chosen[name] = true
	for _, n := range m.needs {
		t.add(chosen, n)
	}
}

// File returns the path of a module below Root.
func (t *Tree) File(name string) string { return t.modules[name].path }

// WriteIndex writes modules.dep and modules.alias for the named modules.
func (t *Tree) WriteIndex(names []string, dep, aliasFile io.Writer) error {
	for _, name := range names {
		m := t.modules[name]
		var needs strings.Builder
		for _, n := range m.needs {
			if d := t.modules[n]; d != nil {
				needs.WriteString(" " + d.path)
			}
		}
		if _, err := fmt.Fprintf(dep, "%s:%s\n", m.path, needs.String()); err != nil {
			return err
		}
		for _, a := range m.aliases {
			if _, err := fmt.Fprintf(aliasFile, "alias %s %s\n", a, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Load reads the index that an image holds in dir.
func Load(dir string) (*Index, error) {
	dep, err := os.Open(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = dep.Close() }()
	al, err := os.Open(filepath.Join(dir, "modules.alias"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = al.Close() }()
	return Parse(dep, al)
}

// Needs returns what a module says it needs, some of which may be built in.
func (t *Tree) Needs(name string) []string { return t.modules[Name(name)].needs }
