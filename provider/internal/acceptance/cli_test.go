// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// workspace is a folder in which terraform runs as a command, with the
// provider as a process of its own.
type workspace struct {
	t   *testing.T
	dir string
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	need(t)
	return &workspace{t, t.TempDir()}
}

// required is what a configuration outside the test framework begins with.
const required = `terraform {
  required_providers {
    bess = { source = "bessform/bess" }
  }
}
`

// write makes the configuration.
func (w *workspace) write(d *daemon, parts ...string) {
	w.t.Helper()
	w.file("main.tf", required+hcl(d, parts...))
}

func (w *workspace) file(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// try runs terraform and returns its exit status and output, with borders and
// line breaks taken out.
func (w *workspace) try(args ...string) (int, string) {
	w.t.Helper()
	cmd := exec.Command(terraformPath(), append(args, "-no-color")...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), strings.Join(strings.Fields(strings.ReplaceAll(string(out), "│", " ")), " ")
}

// run runs terraform and fails the test if it fails.
func (w *workspace) run(args ...string) string {
	w.t.Helper()
	code, out := w.try(args...)
	if code != 0 {
		w.t.Fatalf("terraform %s: exit status %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// apply applies, and expects the plan after it to be empty.
func (w *workspace) apply() {
	w.t.Helper()
	w.run("apply", "-auto-approve")
	w.expectEmptyPlan()
}

func (w *workspace) expectEmptyPlan() {
	w.t.Helper()
	if code, out := w.try("plan", "-detailed-exitcode"); code != 0 {
		w.t.Fatalf("the second plan is not empty: exit status %d\n%s", code, out)
	}
}

// wants fails the test unless the text contains the words.
func wants(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}
