// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
)

var update = flag.Bool("update", false, "write what is found into the test data")

// TestFindings reads testdata/findings/*.txtar: YAML files, variables in a
// file "env", and in "findings" what is wrong with them.
func TestFindings(t *testing.T) {
	files, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	w := newWorld(t)
	cat := w.cat
	cat.HasCore = func(core int) bool { return core < 8 }
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			docs, want := inputs(ar)
			_, found := declare.Validate(docs, cat)
			got := declare.Text(found)
			if got != "" {
				got += "\n"
			}
			checkPositions(t, docs, found)
			if got == want {
				return
			}
			if !*update {
				t.Fatalf("found\n%s\nwant\n%s", got, want)
			}
			for i := range ar.Files {
				if ar.Files[i].Name == "findings" {
					ar.Files[i].Data = []byte(got)
				}
			}
			if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// inputs takes a test file apart.
func inputs(ar *txtar.Archive) (docs []declare.Document, want string) {
	env := map[string]string{}
	for _, f := range ar.Files {
		switch f.Name {
		case "findings":
			want = string(f.Data)
		case "env":
			for line := range strings.Lines(string(f.Data)) {
				k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				env[k] = v
			}
		default:
			docs = append(docs, declare.Document{Name: f.Name, Text: f.Data,
				Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
		}
	}
	return docs, want
}

// checkPositions checks that every finding points into its file, and that
// they are sorted.
func checkPositions(t testing.TB, docs []declare.Document, found []declare.Finding) {
	t.Helper()
	for _, f := range found {
		if !f.Pos.IsValid() {
			t.Errorf("no position: %s", f)
			continue
		}
		ok := false
		for _, d := range docs {
			if d.Name == f.Pos.File {
				ok = ok || inText(string(d.Text), f.Pos.Line, f.Pos.Col)
			}
		}
		if !ok {
			t.Errorf("position outside of the file: %s", f)
		}
	}
}

// inText reports whether there is such a line, and such a column or the end
// of the line in it. YAML knows more line ends than \n.
func inText(text string, line, col int) bool {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	rows := strings.Split(text, "\n")
	return line >= 1 && line <= len(rows) && col >= 1 && col <= len([]rune(rows[line-1]))+1
}
