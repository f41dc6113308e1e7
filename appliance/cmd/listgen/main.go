// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command listgen writes the packages module/all, port/all and hook/all, the
// lists of everything an engine offers. Run it in the root of the tree.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/bessform/terraform-provider-bess/appliance/internal/gen/units"
)

func main() {
	for _, k := range units.Kinds {
		if err := write(k); err != nil {
			fmt.Fprintln(os.Stderr, "listgen:", err)
			os.Exit(1)
		}
	}
}

func write(k units.Kind) error {
	list, err := units.Find(os.DirFS("."), k)
	if err != nil {
		return err
	}
	src, err := units.Source(k, list)
	if err != nil {
		return err
	}
	name := filepath.Join(filepath.FromSlash(k.Dir), "all", "all.go")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, src, 0o644)
}
