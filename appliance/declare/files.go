// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// ReadFiles reads files, the *.yaml, *.yml and *.json files of directories by
// name, and stdin for "-". Variables are those of the environment of the
// process.
func ReadFiles(paths []string, stdin io.Reader) ([]Document, error) {
	var docs []Document
	total := 0
	for _, path := range paths {
		names, err := expandPath(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			d, err := readFile(name, stdin)
			if err != nil {
				return nil, err
			}
			if total += len(d.Text); total > maxText {
				return nil, fmt.Errorf("%s: files of more than %d bytes", name, maxText)
			}
			docs = append(docs, d)
		}
	}
	return docs, nil
}

// expandPath returns the declarations in a directory, else the path itself.
func expandPath(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no .yaml, .yml or .json file in this directory", path)
	}
	return names, nil
}

// readFile reads one file, but no more of it than a declaration may have.
func readFile(name string, stdin io.Reader) (Document, error) {
	d := Document{Name: name, Env: os.LookupEnv}
	in := stdin
	if name == "-" {
		d.Name = "stdin"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return d, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return d, fmt.Errorf("%s: %w", d.Name, err)
	}
	d.Text = text
	return d, nil
}

// ApplyFile makes the engine's pipeline what a file, or the files of a
// directory, declare; k, which may be nil, keeps it. Errors: those of reading,
// *InvalidError, *RefusedError, *NotKeptError.
func ApplyFile(e *engine.Engine, cat Catalog, k Keeper, path string) error {
	docs, err := ReadFiles([]string{path}, os.Stdin)
	if err != nil {
		return err
	}
	p, found := Validate(docs, onThisMachine(cat))
	if HasErrors(found) {
		return &InvalidError{found}
	}
	_, err = apply(e, p, cat, options{keeper: k, origin: FromFile})
	return err
}

// onThisMachine completes a catalog with the cores that are here.
func onThisMachine(cat Catalog) Catalog {
	if cat.HasCore == nil {
		cat.HasCore = sys.CoreExists
	}
	return cat
}
