// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package rig runs the examples as a user does: the programs are built, a
// daemon is started, terraform or bessctl gets the example's own file. Only
// tests use it.
package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// version is the one under which terraform finds the provider.
const version = "0.0.1"

// work is a folder for everything of this run. Its path is short, because
// those of sockets are limited.
var work string

// Main runs the tests of a package and cleans up. Use it as the body of
// TestMain.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if work, err = os.MkdirTemp("", "rig"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(work) }()
	return m.Run()
}

// Root returns the folder of the project.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Example returns the path of a file below examples/.
func Example(name string) string { return filepath.Join(Root(), "examples", filepath.FromSlash(name)) }

// programs are built when the first test needs them.
var programs = sync.OnceValue(func() error {
	for out, pkg := range map[string]string{
		program("bessd"):   "./appliance/cmd/bessd",
		program("bessctl"): "./appliance/cmd/bessctl",
		plugin():           "./provider",
	} {
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Dir = Root()
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, text)
		}
	}
	return terraformrc()
})

func program(name string) string { return filepath.Join(work, "bin", name) }

// plugin is where terraform looks for the provider in a filesystem mirror.
func plugin() string {
	return filepath.Join(work, "mirror", "registry.terraform.io", "bessform", "bess", version,
		runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-bess_v"+version)
}

// terraformrc makes terraform use the mirror and nothing else.
func terraformrc() error {
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.Join(work, "mirror"))
	return os.WriteFile(filepath.Join(work, "terraformrc"), []byte(text), 0o600)
}

// need builds the programs, or ends the test.
func need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		skip(t, noTime)
	}
	if err := programs(); err != nil {
		t.Fatal(err)
	}
}
