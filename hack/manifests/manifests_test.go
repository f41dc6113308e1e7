// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package manifests checks the deployment examples against the formats they
// are written in, and against the programs they start.
package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "manifests"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(bin) }()
	return m.Run()
}

var programs = sync.OnceValues(func() ([]byte, error) {
	cmd := exec.Command("go", "build", "-o", bin+"/", "./appliance/cmd/bessd", "./appliance/cmd/bessctl")
	cmd.Dir = root
	return cmd.CombinedOutput()
})

// program runs bessd or bessctl.
func program(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := programs(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if out, err := exec.Command(filepath.Join(bin, name), args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// flags checks those of a container: bessd reads all of them before it prints
// its version.
func flags(t *testing.T, args []string) {
	t.Helper()
	program(t, "bessd", append(args, "-version")...)
}

// pipeline checks a declaration.
func pipeline(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pipeline.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, "bessctl", "validate", file)
}
