// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

// boot makes a root of the directory $2 and an overlay in memory at $1, with
// the file systems that systemd wants to find, and becomes systemd.
const boot = `set -e
	work=$1 lower=$2 root=$1/root
	mount -t tmpfs tmpfs "$work"
	mkdir "$work/upper" "$work/work" "$root"
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/net"
	for d in null zero full random urandom tty net/tun; do
		[ ! -e "/dev/$d" ] || { : >"$root/dev/$d"; mount --bind "/dev/$d" "$root/dev/$d"; }
	done
	ip link set lo up
	exec chroot "$root" env -i container=sandbox PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/usr/lib/systemd/systemd --system --unit=basic.target --log-target=console`

// Systemd boots systemd on a copy of the directory lower ("/": this machine)
// that is made in memory while it is written to.
func Systemd(t testing.TB, lower string) *Sandbox {
	t.Helper()
	check(t)
	need.File(t, filepath.Join(lower, "usr/lib/systemd/systemd"))
	s := start(t, cgroup(t), boot, t.TempDir(), lower)
	s.Eventually("systemd is up", func() error {
		_, err := s.Try("systemctl", "is-active", "basic.target")
		return err
	})
	return s
}

// cgroup makes a control group for one sandbox: systemd moves all processes of
// its own about, which must not be those of this machine.
func cgroup(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			dir, err := os.MkdirTemp(f[1], "bess-sandbox-")
			if err != nil {
				need.Skip(t, need.NoKernel, "control groups: "+err.Error())
			}
			t.Cleanup(func() { removeGroups(t, dir) })
			return dir
		}
	}
	need.Skip(t, need.NoKernel, "control groups, version 2")
	return ""
}

// removeGroups removes a control group with those in it, the inner ones first.
func removeGroups(t testing.TB, dir string) {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for _, d := range slices.Backward(dirs) {
		if err := os.Remove(d); err != nil {
			t.Logf("control group %s stays: %v", d, err)
		}
	}
}
