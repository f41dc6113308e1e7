// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package packages

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
	"github.com/bessform/terraform-provider-bess/images/internal/sandbox"
)

// machine boots a copy of a Debian with systemd: BESS_TEST_ROOT, else this
// machine's own.
func machine(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	lower := os.Getenv("BESS_TEST_ROOT")
	if lower == "" {
		lower = "/"
		need.Programs(t, "dpkg", "deb-systemd-helper")
	}
	s := sandbox.Systemd(t, lower)
	s.Run("rm", "-f", "/usr/sbin/policy-rc.d") // with which images of containers keep services from being started
	return s
}

// put copies a package into the machine and returns its path there.
func put(t *testing.T, s *sandbox.Sandbox, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := "/root/" + filepath.Base(path)
	if err := os.WriteFile(s.Path(name), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// answers checks that the daemon serves under its unit: gRPC from a client,
// and all limits of the unit in force.
func answers(t *testing.T, s *sandbox.Sandbox, args ...string) {
	t.Helper()
	s.Run("systemctl", "is-active", "bessd.service")
	const example = "/usr/share/doc/bess/examples/tutorial.yaml"
	for _, verb := range [][]string{{"version"}, {"apply", example}, {"diff", example}} {
		s.Run(slices.Concat([]string{"bessctl"}, args, verb)...)
	}
	pid := strings.TrimSpace(s.Run("systemctl", "show", "--property=MainPID", "--value", "bessd.service"))
	status := s.Run("cat", "/proc/"+pid+"/status")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("the daemon runs without %q:\n%s", want, status)
		}
	}
	if strings.Contains(status, "\nUid:\t0\t") {
		t.Errorf("the daemon runs as root:\n%s", status)
	}
}

// flags is the conffile as an administrator changes it.
const flags = "-grpc_url=unix:/run/bess/control\n"

func TestDebian(t *testing.T) {
	deb := the(t, ".deb")
	s := machine(t)
	s.Run("dpkg", "--install", put(t, s, deb))
	answers(t, s)
	s.Run("systemctl", "is-enabled", "bessd.service")

	if err := os.WriteFile(s.Path("/etc/bess/bessd.flags"), []byte(flags), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Run("systemctl", "restart", "bessd.service")
	answers(t, s, "--address", "unix:/run/bess/control")

	// An upgrade keeps what was changed, and the daemon running.
	before := s.Run("systemctl", "show", "--property=MainPID", "bessd.service")
	s.Run("dpkg", "--install", "/root/"+filepath.Base(deb))
	if after := s.Run("systemctl", "show", "--property=MainPID", "bessd.service"); after != before {
		t.Errorf("the upgrade restarted the daemon: %s, then %s", before, after)
	}
	keeps(t, s, "/etc/bess/bessd.flags", flags)

	s.Run("dpkg", "--remove", "bess")
	if _, err := s.Try("systemctl", "is-active", "bessd.service"); err == nil {
		t.Error("the daemon runs although its package was removed")
	}
	keeps(t, s, "/etc/bess/bessd.flags", flags)
	gone(t, s, "/usr/bin/bessd", "/usr/lib/systemd/system/bessd.service")

	s.Run("dpkg", "--purge", "bess")
	gone(t, s, "/etc/bess", "/var/lib/bess", "/var/log/bess", "/etc/systemd/system/bessd.service",
		"/etc/systemd/system/multi-user.target.wants/bessd.service")
}

func TestRPM(t *testing.T) {
	rpm := the(t, ".rpm")
	s := machine(t)
	if _, err := s.Try("rpm", "--version"); err != nil {
		need.Skip(t, need.NoProgram, err.Error())
	}
	// rpm's own database is empty here: systemd came in another way.
	install := []string{"rpm", "--force-debian", "--nodeps"}
	s.Run(append(install, "--install", put(t, s, rpm))...)
	s.Run("systemctl", "start", "bessd.service")
	answers(t, s)
	if err := os.WriteFile(s.Path("/etc/bess/bessd.flags"), []byte(flags), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Run(append(install, "--upgrade", "--force", "/root/"+filepath.Base(rpm))...)
	keeps(t, s, "/etc/bess/bessd.flags", flags)
	s.Run(append(install, "--erase", "bess")...)
	if _, err := s.Try("systemctl", "is-active", "bessd.service"); err == nil {
		t.Error("the daemon runs although its package was erased")
	}
	gone(t, s, "/usr/bin/bessd", "/usr/lib/systemd/system/bessd.service", "/etc/bess/bessd.flags")
	keeps(t, s, "/etc/bess/bessd.flags.rpmsave", flags)
}

// The unit is what systemd expects where its program exists.
func TestUnitVerifies(t *testing.T) {
	deb := the(t, ".deb")
	s := machine(t)
	s.Run("dpkg", "--unpack", put(t, s, deb))
	if out := s.Run("systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/bessd.service"); strings.Contains(out, "bessd.service") {
		t.Errorf("systemd-analyze verify:\n%s", out)
	}
}

func keeps(t *testing.T, s *sandbox.Sandbox, name, want string) {
	t.Helper()
	if have, err := os.ReadFile(s.Path(name)); err != nil || string(have) != want {
		t.Errorf("%s is %q (%v), want %q", name, have, err, want)
	}
}

func gone(t *testing.T, s *sandbox.Sandbox, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Lstat(s.Path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left (%v)", name, err)
		}
	}
}
