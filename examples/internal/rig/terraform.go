// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Terraform is a working folder with a copy of an example's configuration.
type Terraform struct {
	t       testing.TB
	dir     string
	command string
	env     []string
}

// NeedTerraform skips the test unless terraform, or tofu, is installed.
func NeedTerraform(t testing.TB) {
	t.Helper()
	if terraform() == "" {
		skip(t, noTerraform)
	}
}

func terraform() string {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return ""
	}
	return path
}

// Terraform copies the configuration in a folder below examples/ and
// initialises it. vars are values of variables, as name=value.
func (d *Daemon) Terraform(example string, vars ...string) *Terraform {
	d.t.Helper()
	NeedTerraform(d.t)
	dir, err := os.MkdirTemp(d.dir, "tf")
	d.Must(err)
	files, err := filepath.Glob(filepath.Join(Example(example), "*.tf"))
	d.Must(err)
	if len(files) == 0 {
		d.t.Fatalf("no configuration in %s", Example(example))
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		d.Must(err)
		d.Must(os.WriteFile(filepath.Join(dir, filepath.Base(f)), text, 0o600))
	}
	tf := &Terraform{t: d.t, dir: dir, command: terraform()}
	tf.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(work, "terraformrc"), "CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1", "TF_PLUGIN_CACHE_DIR=", "TF_VAR_address="+d.Address())
	tf.Set(vars...)
	tf.Must("init", "-no-color")
	return tf
}

// Set gives variables other values for what is run from now on.
func (tf *Terraform) Set(vars ...string) {
	for _, v := range vars {
		tf.env = append(tf.env, "TF_VAR_"+v)
	}
}

// Run runs terraform and returns what it printed and its exit status.
func (tf *Terraform) Run(args ...string) (string, int) {
	tf.t.Helper()
	cmd := exec.Command(tf.command, args...)
	cmd.Dir, cmd.Env = tf.dir, tf.env
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	tf.t.Logf("terraform %s: %v", args[0], time.Since(begun).Round(time.Millisecond))
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tf.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Must runs terraform and fails the test unless it succeeds.
func (tf *Terraform) Must(args ...string) string {
	tf.t.Helper()
	out, status := tf.Run(args...)
	if status != 0 {
		tf.t.Fatalf("terraform %s: exit status %d\n%s", strings.Join(args, " "), status, out)
	}
	return out
}

// Apply makes the pipeline what the configuration says.
func (tf *Terraform) Apply() string {
	tf.t.Helper()
	return tf.Must("apply", "-no-color", "-auto-approve")
}

// Destroy removes everything.
func (tf *Terraform) Destroy() string {
	tf.t.Helper()
	return tf.Must("destroy", "-no-color", "-auto-approve")
}

// Unchanged fails the test unless a plan is empty.
func (tf *Terraform) Unchanged() {
	tf.t.Helper()
	if out, status := tf.Run("plan", "-no-color", "-detailed-exitcode"); status != 0 {
		tf.t.Errorf("the plan is not empty: exit status %d\n%s", status, out)
	}
}
