// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/appliance/kmod"
	"github.com/bessform/terraform-provider-bess/images/internal/cpio"
)

// guest is what a machine runs that is not the appliance: a kernel of Debian,
// some of its modules, and programs, of which "init" is the first process. It
// has no shell, and nothing else.
type guest struct {
	// debs are the kernel's packages.
	debs []string
	// drivers are the modules to insert, with what they need. The archive has
	// them in /modules, and in /modules/order their names, a line each.
	drivers []string
	// programs are files by their name in the archive.
	programs map[string]string
}

// write writes the kernel and the archive it starts with into dir, and returns
// their paths.
func (g guest) write(dir string) (kernel, initrd string, err error) {
	tree := filepath.Join(dir, "tree")
	for _, deb := range g.debs {
		if err := runProgram("dpkg-deb", "-x", deb, tree); err != nil {
			return "", "", err
		}
	}
	if kernel, err = findFile(tree, "vmlinuz"); err != nil {
		return "", "", err
	}
	a := cpio.New(0)
	for _, d := range []string{"dev", "modules", "proc", "run", "sys", "tmp"} {
		a.Dir(d)
	}
	if err := g.modules(tree, a); err != nil {
		return "", "", err
	}
	for to, from := range g.programs {
		text, err := os.ReadFile(from)
		if err != nil {
			return "", "", err
		}
		a.File(to, 0o755, text)
	}
	initrd = filepath.Join(dir, "initrd")
	return kernel, initrd, os.WriteFile(initrd, a.Bytes(), 0o600)
}

// modules adds the drivers. What is built into the kernel needs no file.
func (g guest) modules(tree string, a *cpio.Archive) error {
	drivers := filepath.Join(tree, "drivers")
	if err := os.MkdirAll(drivers, 0o755); err != nil {
		return err
	}
	var order bytes.Buffer
	added := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if added[name] {
			return nil
		}
		added[name] = true
		packed, err := findFile(tree, name+".ko")
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		// kmod reads plain modules only: one at a time.
		one := filepath.Join(drivers, name)
		if err := unpack(packed, filepath.Join(one, name+".ko")); err != nil {
			return err
		}
		m, err := kmod.Scan(one)
		if err != nil {
			return err
		}
		for _, n := range m.Needs(name) {
			if err := add(n); err != nil {
				return err
			}
		}
		text, err := os.ReadFile(filepath.Join(one, name+".ko"))
		if err != nil {
			return err
		}
		a.File("modules/"+name, 0o644, text)
		order.WriteString(name + "\n")
		return nil
	}
	for _, name := range g.drivers {
		if err := add(name); err != nil {
			return err
		}
	}
	a.File("modules/order", 0o644, order.Bytes())
	return nil
}

// findFile returns the file below dir whose name begins with a prefix, dashes and
// underscores alike.
func findFile(dir, prefix string) (string, error) {
	var found string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasPrefix(strings.ReplaceAll(d.Name(), "-", "_"), prefix) {
			found = file
			return fs.SkipAll
		}
		return err
	})
	if err == nil && found == "" {
		err = fmt.Errorf("%s: none of the kernel's packages has it: %w", prefix, fs.ErrNotExist)
	}
	return found, err
}

// unpack writes a module as it is without compression.
func unpack(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	program := map[string]string{".ko": "cat", ".xz": "xz", ".zst": "zstd"}[filepath.Ext(from)]
	args := []string{"-dc", from}
	if program == "cat" {
		args = args[1:]
	}
	text, err := exec.Command(program, args...).Output()
	if err != nil {
		return fmt.Errorf("%s %s: %w", program, from, err)
	}
	return os.WriteFile(to, text, 0o600)
}

func runProgram(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// hasDriver reports whether any of the packages has a module.
func hasDriver(t *testing.T, debs []string, name string) bool {
	t.Helper()
	for _, deb := range debs {
		out, err := exec.Command("dpkg-deb", "-c", deb).Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), "/"+name+".ko") {
			return true
		}
	}
	return false
}
