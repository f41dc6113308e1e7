// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command schemagen writes everything that is derived from the declarations
// of module classes, port drivers and gate hooks: the tables and JSON Schemas
// of package schemas and the README of each unit. It fails when documentation
// or tests are missing, after writing what it can. Run it in the root of the
// tree.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/gen"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func run() error {
	out, err := gen.Run(gen.Input{
		Root: os.DirFS("."), Classes: modules.Classes(), Drivers: ports.Drivers(), Hooks: hooks.Hooks(),
	})
	if err != nil {
		return err
	}
	if err := removeStale(out.Files); err != nil {
		return err
	}
	for name, text := range out.Files {
		if err := write(filepath.FromSlash(name), text); err != nil {
			return err
		}
	}
	for _, p := range out.Problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if n := len(out.Problems); n > 0 {
		return fmt.Errorf("%d problems", n)
	}
	return nil
}

// write replaces a file unless it is that already.
func write(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// removeStale removes the JSON Schemas of units that are no more.
func removeStale(files map[string][]byte) error {
	names, err := filepath.Glob(filepath.Join("schemas", "json", "*.json"))
	var errs []error
	for _, name := range names {
		if files[filepath.ToSlash(name)] == nil {
			errs = append(errs, os.Remove(name))
		}
	}
	return errors.Join(append(errs, err)...)
}
