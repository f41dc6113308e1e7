// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// FakeDocker is a command docker that a test can have hang.
type FakeDocker struct {
	t    testing.TB
	held string // a file, while it hangs
	came string // a file, once it was started while it hangs
}

// Docker puts a command docker onto the path that says that all containers have
// the process pid, 0: that they do not run.
func Docker(t testing.TB, pid int) *FakeDocker {
	t.Helper()
	dir := t.TempDir()
	d := &FakeDocker{t, filepath.Join(dir, "held"), filepath.Join(dir, "came")}
	script := fmt.Sprintf("#!/bin/sh\nwhile [ -e %s ]; do touch %s; sleep 0.02; done\necho %d\n", d.held, d.came, pid)
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return d
}

// Hang has the command wait, from the next time it is started, until Free.
func (d *FakeDocker) Hang() {
	d.t.Helper()
	_ = os.Remove(d.came)
	if err := os.WriteFile(d.held, nil, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// AwaitCall waits until the command was started and hangs.
func (d *FakeDocker) AwaitCall() {
	d.t.Helper()
	Eventually(d.t, "docker is asked", func() bool { _, err := os.Stat(d.came); return err == nil })
}

// Free has the command answer.
func (d *FakeDocker) Free() {
	d.t.Helper()
	if err := os.Remove(d.held); err != nil {
		d.t.Fatal(err)
	}
}
