// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/gen"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
)

// What is checked in must be what the declarations ask for, and nothing may
// be undocumented or untested.
func TestUpToDate(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	out, err := gen.Run(gen.Input{
		Root: os.DirFS(root), Classes: modules.Classes(), Drivers: ports.Drivers(), Hooks: hooks.Hooks(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Problems {
		t.Error(p)
	}
	for name, want := range out.Files {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is out of date (%v); run make generate", name, err)
		}
	}
	names, err := filepath.Glob(filepath.Join(root, "schemas", "json", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if out.Files["schemas/json/"+filepath.Base(name)] == nil {
			t.Errorf("%s describes nothing; run make generate", name)
		}
	}
}

func TestRemoveStale(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"schemas/json/Old.json", "schemas/json/New.json", "schemas/json/notes.txt"} {
		if err := write(filepath.FromSlash(name), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeStale(map[string][]byte{"schemas/json/New.json": []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"Old.json": false, "New.json": true, "notes.txt": true} {
		if _, err := os.Stat(filepath.Join("schemas", "json", name)); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", name, err, want)
		}
	}
}

func TestWriteLeavesEqualFilesAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("same"), 0o400); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(name, []byte("same")); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(name); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("an equal file was written again (%v)", err)
	}
	if err := write(filepath.Join(filepath.Dir(name), "sub", "g"), []byte("new")); err != nil {
		t.Error(err)
	}
}
