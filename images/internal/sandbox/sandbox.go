// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package sandbox runs what images and packages contain the way a machine
// would: in mount, process, network, IPC and host name namespaces of its own,
// on a root directory of its own. Nothing outside is changed, and everything
// in it ends with the test. Only tests use it.
package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long something that must happen may take on a busy machine.
const patience = 3 * time.Minute

// Sandbox is a process 1 in namespaces of its own.
type Sandbox struct {
	t   testing.TB
	pid int // of its process 1, seen from outside
	log buffer
}

// Chroot runs a program of the directory root as process 1: user is uid:gid,
// env all it finds in its environment. Its loopback interface is up.
func Chroot(t testing.TB, root, user string, env []string, args ...string) *Sandbox {
	t.Helper()
	check(t)
	chroot, err := exec.LookPath("chroot") // with its path, because PATH will be that of env
	if err != nil {
		t.Fatal(err)
	}
	script := `set -e # what a container engine mounts, too
		mount --bind "$1" "$1"
		mkdir -p "$1/proc" "$1/sys"
		mount -t proc proc "$1/proc"
		mount -t sysfs -o ro sysfs "$1/sys"
		ip link set lo up
		shift
		exec env -i "$@"`
	line := append([]string{root}, env...)
	line = append(line, chroot, "--userspec="+user, root)
	return start(t, "", script, append(line, args...)...)
}

// outer starts the namespaces, in the control group $1 if there is one, and
// ends them when its input does: that is when the test is over, or dies.
// Descriptor 3 is open until process 1 has told its id.
const outer = `[ -z "$1" ] || echo $$ >"$1/cgroup.procs" || exit
	shift
	unshare --mount --propagation slave --pid --net --ipc --uts --cgroup --fork -- /bin/sh -c "$@" &
	exec 3>&-
	read -r _
	kill -9 $(cat /proc/$!/task/$!/children)
	wait`

// tellPid tells the id that process 1 has outside: /proc still is the outer one.
const tellPid = `read -r pid _ </proc/self/stat; echo "$pid" >&3; exec 3>&-
	`

// start runs a shell script as process 1 of a new sandbox.
func start(t testing.TB, cgroup, script string, args ...string) *Sandbox {
	t.Helper()
	s := &Sandbox{t: t}
	cmd := exec.Command("/bin/sh", append([]string{"-c", outer, "sh", cgroup, tellPid + script, "sh"}, args...)...)
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	cmd.ExtraFiles = []*os.File{write}
	alive, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	_ = write.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = alive.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the sandbox says:\n%s", s.log.String())
		}
	})
	if _, err := fmt.Fscan(read, &s.pid); err != nil {
		t.Fatalf("the sandbox did not start: %v", err)
	}
	return s
}

// Path returns how a file of the sandbox is reached from outside.
func (s *Sandbox) Path(name string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", s.pid), name)
}

// Try runs a program in the sandbox and returns what it printed.
func (s *Sandbox) Try(args ...string) (string, error) {
	enter := []string{fmt.Sprintf("--target=%d", s.pid), "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root", "--wd", "--"}
	cmd := exec.Command("nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// Run is Try for what must succeed.
func (s *Sandbox) Run(args ...string) string {
	s.t.Helper()
	out, err := s.Try(args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// Eventually waits until f returns no error, and fails the test with its last
// one if that takes too long.
func (s *Sandbox) Eventually(what string, f func() error) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain until %s: %v", what, err)
		}
		if _, gone := os.Stat(s.Path("/")); gone != nil {
			s.t.Fatalf("process 1 ended before %s: %v", what, err)
		}
	}
}

// buffer is bytes.Buffer for one writer and a reader at the same time.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
