// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// The same sources give the same bytes, whenever and wherever they are built.
func TestTwoBuildsAreTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two images")
	}
	if m := missingTools(); len(m) > 0 {
		need.Skip(t, need.NoProgram, strings.Join(m, ", "))
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var all [2][]file
	for i := range all {
		out := filepath.Join(dir, strings.Repeat("x", 5*i+1)) // paths of different length
		c := &config{root: root, out: out, cache: filepath.Join(root, "dist/cache"), keys: filepath.Join(dir, "keys"),
			kernel: "cloud", version: "v0-test", epoch: 1700000000}
		if err := c.build(); err != nil {
			if strings.Contains(err.Error(), "download ") {
				need.Skip(t, need.NoArchive, err.Error())
			}
			t.Fatal(err)
		}
		if _, err := verify(out, filepath.Join(out, publicFile)); err != nil {
			t.Fatal(err)
		}
		if all[i], err = listFiles(out); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{manifestFile, signatureFile} {
			sum, size, err := digest(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			all[i] = append(all[i], file{name, size, sum})
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".image-*")); len(left) > 0 {
			t.Errorf("temporary files are left: %v", left)
		}
	}
	for i, f := range all[0] {
		if all[1][i] != f {
			t.Errorf("%s differs: %+v and %+v", f.Name, f, all[1][i])
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x", "bess-appliance.qcow2")); err != nil {
		t.Fatal(err)
	}
	listsEverything(t, root, filepath.Join(dir, "x"))
}

// listsEverything compares the list of what is in an image with the packages
// of its manifest, and with what the go command says the programs need.
func listsEverything(t *testing.T, root, out string) {
	t.Helper()
	var have spdx
	var m manifest
	for name, into := range map[string]any{sbomFile: &have, manifestFile: &m} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"bess-appliance v0-test"}
	for _, d := range m.Packages {
		want = append(want, d.Name+" "+d.Version)
	}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./appliance/cmd/bessd", "./images/appliance/init")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(list), "\n") {
		if line != "" {
			want = append(want, line)
		}
	}
	want = append(want, "stdlib "+strings.TrimPrefix(runtime.Version(), "go"))
	slices.Sort(want)
	want = slices.Compact(want)
	var got []string
	for _, p := range have.Packages {
		got = append(got, p.Name+" "+p.Version)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || len(m.Packages) != 2 {
		t.Errorf("%s lists\n%q, want\n%q", sbomFile, got, want)
	}
}
