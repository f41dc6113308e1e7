// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package need says what a test of the images needs from the machine it runs
// on. A test whose need is not met is skipped with a typed reason; with
// CI=true in the environment that is a failure.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Reason is why a test cannot run on this machine.
type Reason string

// The reasons known.
const (
	// NoProgram: a program that builds or starts images is not installed.
	NoProgram Reason = "needs a program"
	// NoFile: a file of a Debian package is not installed.
	NoFile Reason = "needs a file"
	// NoArchive: Debian's packages cannot be downloaded.
	NoArchive Reason = "needs Debian's archive"
	// NoRoot: namespaces and owners of files need user id 0.
	NoRoot Reason = "needs root"
	// NoKernel: the kernel or the container refuses something.
	NoKernel Reason = "needs a kernel feature"
	// NoTime: the test takes long, and -short was given.
	NoTime Reason = "takes long"
)

// Skip ends the test as skipped, or as failed with CI=true.
func Skip(t testing.TB, why Reason, detail string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %s; with CI=true no test may be skipped", why, detail)
	}
	t.Skipf("%s: %s", why, detail)
}

// Programs skips the test unless all programs are installed.
func Programs(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			if _, err := exec.LookPath("/usr/sbin/" + n); err != nil {
				Skip(t, NoProgram, n)
			}
		}
	}
}

// File skips the test unless a file exists.
func File(t testing.TB, name string) {
	t.Helper()
	if _, err := os.Stat(name); err != nil {
		Skip(t, NoFile, name)
	}
}
