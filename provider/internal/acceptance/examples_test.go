// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The examples that the documentation shows are applied, give an empty second
// plan, can be imported as they say, and are destroyed without a trace.
func TestExamples(t *testing.T) {
	t.Parallel()
	need(t)
	root := "../../../examples"
	var files []string
	for _, pattern := range []string{"resources/*/resource.tf", "data-sources/*/data-source.tf", "functions/*/function.tf", "provider/provider.tf"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no examples, %v", pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		name, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { runExample(t, file) })
	}
}

func runExample(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t)
	w := newWorkspace(t)
	if config := string(text); strings.Contains(config, "required_providers") {
		w.file("main.tf", strings.ReplaceAll(config, `"127.0.0.1:10514"`, `"`+d.address+`"`))
	} else {
		w.write(d, config)
	}
	w.run("fmt", "-check")
	w.apply()
	if script, err := os.ReadFile(filepath.Join(filepath.Dir(file), "import.sh")); err == nil {
		for _, line := range lines(string(script)) {
			if args, ok := strings.CutPrefix(line, "terraform import "); ok {
				address, id, _ := strings.Cut(args, " ")
				w.run("state", "rm", address)
				w.run("import", address, strings.Trim(id, "'"))
				w.expectEmptyPlan()
			}
		}
	}
	w.run("destroy", "-auto-approve")
	if err := d.isEmpty()(nil); err != nil {
		t.Error(err)
	}
}
