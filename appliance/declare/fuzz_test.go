// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

// FuzzValidate checks that no text makes the decoder panic, that every finding
// has a place in the text, and that what has no errors survives being written
// and read again.
func FuzzValidate(f *testing.F) {
	files, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		docs, _ := inputs(ar)
		for _, d := range docs {
			if !strings.Contains(file, "bomb") { // slow, and a test of its own
				f.Add(string(d.Text))
			}
		}
	}
	f.Add(exported)
	f.Add(header + everything)
	w := &world{}
	w.cat = declare.Catalog{Classes: w.classes()}
	w.cat.Drivers = append(w.cat.Drivers, w.dev.driver())
	f.Fuzz(func(t *testing.T, text string) {
		docs := []declare.Document{{Name: "f.yaml", Text: []byte(text), Env: os.LookupEnv}}
		p, found := declare.Validate(docs, w.cat)
		if p == nil {
			t.Fatal("no pipeline")
		}
		checkPositions(t, docs, found)
		if declare.HasErrors(found) {
			return
		}
		p.Dot(w.cat)
		out, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, found := declare.Validate([]declare.Document{{Name: "again.yaml", Text: out}}, w.cat)
		if declare.HasErrors(found) {
			t.Fatalf("%s\n%s", declare.Text(found), out)
		}
		if plan := declare.Diff(p, again, w.cat); !plan.IsEmpty() {
			t.Fatalf("what was written differs:\n%s\n%s", actions(plan.Actions), out)
		}
	})
}
