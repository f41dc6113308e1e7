// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package packages builds the packages and installs them: the tests are all
// there is.
package packages

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// dist is where the packages for amd64 are, built when the first test needs
// them.
var dist string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if dist, err = os.MkdirTemp("", "packages"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dist) }()
	return m.Run()
}

var built = sync.OnceValue(func() error { return build(dist) })

// build makes the packages for amd64 in a directory.
func build(dir string) error {
	cmd := exec.Command("make", "-C", "../..", "packages", "DIST="+dir, "ARCHS=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// the returns the path of the package with the given ending.
func the(t *testing.T, ending string) string {
	t.Helper()
	if testing.Short() {
		need.Skip(t, need.NoTime, "-short was given")
	}
	if err := built(); err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(dist, "*"+ending))
	if len(found) != 1 {
		t.Fatalf("%d files in %s end in %s, want 1: %v", len(found), dist, ending, found)
	}
	return found[0]
}

func TestSameCommitSameBytes(t *testing.T) {
	first := []string{the(t, ".deb"), the(t, ".rpm")}
	again := t.TempDir()
	if err := build(again); err != nil {
		t.Fatal(err)
	}
	for _, path := range first {
		have, want := sum(t, filepath.Join(again, filepath.Base(path))), sum(t, path)
		if have != want {
			t.Errorf("%s built twice: %s and %s", filepath.Base(path), want, have)
		}
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// exposed is the most that systemd-analyze may find open, of 10. Most of what
// is left is the network, which is the daemon's work.
const exposed = 2.6

func TestUnitIsHardened(t *testing.T) {
	need.Programs(t, "systemd-analyze")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "bessd.service").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for bessd.service: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no exposure level in\n%s", out)
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > exposed {
		t.Errorf("exposure level %s, want at most %v:\n%s", found[1], exposed, out)
	}
}

func TestContents(t *testing.T) {
	need.Programs(t, "dpkg-deb", "rpm")
	deb, err := exec.Command("dpkg-deb", "--contents", the(t, ".deb")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, deb)
	}
	rpm, err := exec.Command("rpm", "--query", "--list", "--verbose", "--package", the(t, ".rpm")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, rpm)
	}
	for _, want := range []string{"-rwxr-xr-x /usr/bin/bessd", "-rwxr-xr-x /usr/bin/bessctl", "-rw-r--r-- /etc/bess/bessd.flags",
		"-rw-r--r-- /usr/lib/systemd/system/bessd.service", "-rw-r--r-- /usr/lib/sysusers.d/bess.conf"} {
		mode, path, _ := strings.Cut(want, " ")
		line := regexp.MustCompile(`(?m)^` + mode + `.*root.*root.* \.?` + regexp.QuoteMeta(path) + `$`)
		if !line.Match(deb) {
			t.Errorf("deb: no line %q in\n%s", want, deb)
		}
		if !line.Match(rpm) {
			t.Errorf("rpm: no line %q in\n%s", want, rpm)
		}
	}
}
