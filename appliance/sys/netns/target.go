// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Target names a network namespace in one of several ways; nothing names that
// of the caller. A process and a file are looked at anew by every Open, for a
// container see Find.
type Target struct {
	// Container is the id or name of a container that docker knows.
	Container string
	// PID is a process in the namespace.
	PID int64
	// Path is the namespace's file, or the name of one in /run/netns, where
	// ip-netns(8) keeps them.
	Path string

	found *container // what Find saw, nil if it was not asked
}

// container is what docker told of one.
type container struct {
	pid   int64
	inode uint64 // of its namespace: the process may be another one meanwhile
	err   error
}

// Find returns the target with the process of its container, if it is one, that
// docker tells, or why it does not. That may take as long as a program that
// hangs is waited for, or until ctx is done, so that nobody else should have to
// wait for the caller. Open is quick then. A container that was started again
// has to be found again.
func (t Target) Find(ctx context.Context) Target {
	if t.Container == "" {
		return t
	}
	c := &container{}
	if c.pid, c.err = containerPID(ctx, t.Container); c.err == nil {
		c.inode, c.err = inodeOf(c.pid)
	}
	t.found = c
	return t
}

// IsHere reports whether nothing is named, which is the caller's namespace.
func (t Target) IsHere() bool { return t.Container == "" && t.PID == 0 && t.Path == "" }

func inodeOf(pid int64) (uint64, error) {
	n, err := ofPID(pid)
	if err != nil {
		return 0, err
	}
	defer n.Close()
	return n.Inode()
}

// open opens the namespace of a container that was found. Errors: ESRCH if it
// is not there any more.
func (c *container) open(name string) (*Namespace, error) {
	if c.err != nil {
		return nil, c.err
	}
	n, err := ofPID(c.pid)
	if err != nil {
		return nil, errno.Errorf(errno.ESRCH, "container %s: does not run any more: %w", name, err)
	}
	if inode, err := n.Inode(); err != nil || inode != c.inode {
		n.Close()
		return nil, errno.Errorf(errno.ESRCH, "container %s: does not run any more: process %d is another one", name, c.pid)
	}
	return n, nil
}

// String names the target in messages, "" for the caller's namespace.
func (t Target) String() string {
	switch {
	case t.Container != "":
		return "container " + t.Container
	case t.PID != 0:
		return fmt.Sprintf("process %d", t.PID)
	case t.Path != "":
		return "network namespace " + t.Path
	}
	return ""
}

// Check reports whether the namespace is there. Errors are those of Open, behind
// the name that drivers give to the field: container, pid or netns.
func (t Target) Check() error {
	field := "netns"
	switch {
	case t.IsHere():
		return nil
	case t.Container != "":
		field = "container"
	case t.PID != 0:
		field = "pid"
	}
	n, err := t.Open()
	if err != nil {
		return errno.Wrap(err, "%s", field)
	}
	n.Close()
	return nil
}

// Open opens the namespace. It finds a container first if nobody did. Errors:
// ESRCH for a container that does not run or a process that does not exist,
// ENOENT without docker or for a file that does not exist, EINVAL for names that
// nothing can have.
func (t Target) Open() (*Namespace, error) {
	switch {
	case t.Container != "" && t.found == nil:
		return t.Find(context.Background()).Open()
	case t.Container != "":
		return t.found.open(t.Container)
	case t.PID != 0:
		return ofPID(t.PID)
	case t.Path != "":
		return open(filePath(t.Path))
	}
	return Current()
}

func ofPID(pid int64) (*Namespace, error) {
	if pid <= 0 || pid > 1<<22 {
		return nil, errno.Errorf(errno.EINVAL, "process %d: must be in 1..%d", pid, 1<<22)
	}
	n, err := open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if errno.Code(err) == errno.ENOENT {
		return nil, errno.Errorf(errno.ESRCH, "process %d does not exist", pid)
	}
	return n, err
}

// filePath returns the path that a name without slash stands for.
func filePath(path string) string {
	if strings.Contains(path, "/") {
		return path
	}
	return "/run/netns/" + path
}

// containerName is what docker accepts as id or name.
var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// maxContainerName is far more than any name or id has.
const maxContainerName = 255

// dockerTime is how long docker may take to answer.
var dockerTime = 10 * time.Second

// containerPID asks docker for a process of a container.
func containerPID(ctx context.Context, name string) (int64, error) {
	if len(name) > maxContainerName {
		return 0, errno.Errorf(errno.EINVAL, "The specified Docker container ID or name is too long: %d bytes, must be at most %d", len(name), maxContainerName)
	}
	if !containerName.MatchString(name) {
		return 0, errno.Errorf(errno.EINVAL, "container %q: must begin with a letter or digit and contain only these and _ . -", name)
	}
	limited, cancel := context.WithTimeout(ctx, dockerTime)
	defer cancel()
	cmd := exec.CommandContext(limited, "docker", "inspect", "--type", "container", "--format", "{{.State.Pid}}", name)
	// What docker may have started itself ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = dockerTime / 10
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return 0, errno.Errorf(errno.ENOENT, "Command 'docker' is not available (not installed?)")
	}
	if ctx.Err() != nil {
		return 0, errno.Errorf(errno.ESRCH, "Cannot find the PID of container %s: nobody waits for it any more", name)
	}
	if limited.Err() != nil {
		return 0, errno.Errorf(errno.ESRCH, "Cannot find the PID of container %s: docker: does not answer within %s", name, dockerTime)
	}
	if err != nil {
		return 0, errno.Errorf(errno.ESRCH, "Cannot find the PID of container %s: docker: %s", name, reason(err))
	}
	pid, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil || pid <= 0 {
		return 0, errno.Errorf(errno.ESRCH, "Cannot find the PID of container %s: it does not run", name)
	}
	return pid, nil
}

// reason returns the last line of what a program complained about.
func reason(err error) string {
	var e *exec.ExitError
	if !errors.As(err, &e) {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(e.Stderr)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return err.Error()
}
