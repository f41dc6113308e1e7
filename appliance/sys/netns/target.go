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
	"time"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// Target names a network namespace in one of several ways; nothing names that
// of the caller. It is resolved anew by every Open: a container that was
// started again is found again.
type Target struct {
	// Container is the id or name of a container that docker knows.
	Container string
	// PID is a process in the namespace.
	PID int64
	// Path is the namespace's file, or the name of one in /run/netns, where
	// ip-netns(8) keeps them.
	Path string
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

// Open opens the namespace. Errors: ESRCH for a container that does not run or
// a process that does not exist, ENOENT without docker or for a file that does
// not exist, EINVAL for names that nothing can have.
func (t Target) Open() (*Namespace, error) {
	pid := t.PID
	switch {
	case t.Container != "":
		var err error
		if pid, err = containerPID(t.Container); err != nil {
			return nil, err
		}
	case pid != 0:
	case t.Path != "":
		return open(filePath(t.Path))
	default:
		return Current()
	}
	return ofPID(pid)
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
func containerPID(name string) (int64, error) {
	if len(name) > maxContainerName {
		return 0, errno.Errorf(errno.EINVAL, "The specified Docker container ID or name is too long: %d bytes, must be at most %d", len(name), maxContainerName)
	}
	if !containerName.MatchString(name) {
		return 0, errno.Errorf(errno.EINVAL, "container %q: must begin with a letter or digit and contain only these and _ . -", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), dockerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", "inspect", "--type", "container", "--format", "{{.State.Pid}}", name)
	cmd.WaitDelay = dockerTime / 10 // for what docker may have started itself
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return 0, errno.Errorf(errno.ENOENT, "Command 'docker' is not available (not installed?)")
	}
	if ctx.Err() != nil {
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
