// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func mustOpen(t *testing.T, target Target) *Namespace {
	t.Helper()
	n, err := target.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// has reports whether an interface is in a namespace.
func has(t *testing.T, n *Namespace, name string) bool {
	t.Helper()
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	_, err = h.LinkByName(name)
	return err == nil
}

func TestTargetsLeadToTheSameNamespace(t *testing.T) {
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	ns.Veth("here", "there")
	// A process in the namespace stands for a container.
	cmd := exec.Command("sleep", "60")
	ns.Do(cmd.Start)
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	fakeDocker(t, fmt.Sprintf("[ $6 = web-1 ] && echo %d || { echo 'No such container' >&2; exit 1; }", cmd.Process.Pid))
	first := mustOpen(t, Target{Path: ns.Path()})
	for _, target := range []Target{{Path: ns.Path()}, {PID: int64(cmd.Process.Pid)}, {Container: "web-1"}} {
		n := mustOpen(t, target)
		if !n.Same(first) || !has(t, n, "here") {
			t.Errorf("%s is another namespace", target)
		}
	}
	own := mustOpen(t, Target{})
	if own.Same(first) || has(t, own, "here") {
		t.Error("no target leads to the test's namespace")
	}
	_, err := Target{Container: "db-1"}.Open()
	expect(t, err, errno.ESRCH, "Cannot find the PID of container db-1: docker: No such container")
}

// fakeDocker puts a shell script named docker onto the path.
func fakeDocker(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func expect(t *testing.T, err error, code int, text string) {
	t.Helper()
	if errno.Code(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("errno %d: %v, want %d: …%s…", errno.Code(err), err, code, text)
	}
}

func TestTargetErrors(t *testing.T) {
	testenv.NoLeaks(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatal(string(out), err)
	}
	for _, k := range []struct {
		target Target
		code   int
		text   string
	}{
		{Target{PID: -1}, errno.EINVAL, "process -1: must be in"},
		{Target{PID: 1 << 22}, errno.ESRCH, "process 4194304 does not exist"},
		{Target{PID: 1 << 40}, errno.EINVAL, "must be in"},
		{Target{Path: "/nowhere"}, errno.ENOENT, "/nowhere"},
		{Target{Path: "no-such-name"}, errno.ENOENT, "/run/netns/no-such-name"},
		{Target{Path: "/dev/null"}, errno.EINVAL, "is not a network namespace"},
		{Target{Path: "/proc/self/ns/mnt"}, errno.EINVAL, "is not a network namespace"},
		{Target{Path: fifo}, errno.EINVAL, "is not a network namespace"},
		{Target{Path: "a\x00b"}, errno.EINVAL, ""},
		{Target{Container: "--help"}, errno.EINVAL, "must begin with a letter"},
		{Target{Container: "a b"}, errno.EINVAL, "must begin with a letter"},
		{Target{Container: strings.Repeat("a", 256)}, errno.EINVAL, "too long"},
	} {
		_, err := k.target.Open()
		expect(t, err, k.code, k.text)
	}
	fakeDocker(t, "echo 0")
	_, err := Target{Container: "stopped"}.Open()
	expect(t, err, errno.ESRCH, "Cannot find the PID of container stopped: it does not run")
	dockerTime = 100 * time.Millisecond
	defer func() { dockerTime = 10 * time.Second }()
	fakeDocker(t, "sleep 20") // of the shell: docker ends, this does not
	_, err = Target{Container: "slow"}.Open()
	expect(t, err, errno.ESRCH, "Cannot find the PID of container slow: docker: does not answer within 100ms")
	docker := testenv.Docker(t, 0)
	docker.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { docker.AwaitCall(); cancel() }()
	dockerTime = 10 * time.Second
	_, err = Target{Container: "left"}.Find(ctx).Open()
	expect(t, err, errno.ESRCH, "Cannot find the PID of container left: nobody waits for it any more")
	t.Setenv("PATH", t.TempDir())
	_, err = Target{Container: "any"}.Open()
	expect(t, err, errno.ENOENT, "Command 'docker' is not available")
}

// A container that was found is opened without docker, as long as it is the same.
func TestFoundContainer(t *testing.T) {
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	cmd := exec.Command("sleep", "60")
	ns.Do(cmd.Start)
	testenv.Docker(t, cmd.Process.Pid)
	found := Target{Container: "web"}.Find(t.Context())
	t.Setenv("PATH", t.TempDir()) // no docker any more
	if n := mustOpen(t, found); !n.Same(mustOpen(t, Target{Path: ns.Path()})) {
		t.Error("it is another namespace")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	_, err := found.Open()
	expect(t, err, errno.ESRCH, "container web: does not run any more")
	found.found.pid = int64(os.Getpid()) // the number is somebody else's now
	_, err = found.Open()
	expect(t, err, errno.ESRCH, "container web: does not run any more: process")
}

// TestNoThreadStaysInside does much at once and looks where all threads are
// then.
func TestNoThreadStaysInside(t *testing.T) {
	testenv.NoLeaks(t)
	ns := testenv.Netns(t)
	n := mustOpen(t, Target{Path: ns.Path()})
	outside := netOf(t, "self")
	refused := errors.New("refused")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := n.Do(func() error { _, err := netlink.LinkList(); return err }); err != nil {
				t.Error(err)
			}
			if err := n.Do(func() error { return refused }); !errors.Is(err, refused) {
				t.Error(err)
			}
			if ifs, err := net.Interfaces(); err != nil || len(ifs) == 0 {
				t.Error(ifs, err)
			}
			h, err := n.Netlink()
			if err != nil {
				t.Error(err)
				return
			}
			h.Close()
		})
	}
	all.Wait()
	inside := strings.Split(ns.Path(), "/")[4] // the one thread of the namespace's owner
	testenv.Eventually(t, "all other threads are outside", func() bool {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			to, err := os.Readlink("/proc/self/task/" + task.Name() + "/ns/net")
			if err == nil && to != outside && task.Name() != inside {
				return false
			}
		}
		return true
	})
}

func netOf(t *testing.T, pid string) string {
	t.Helper()
	to, err := os.Readlink("/proc/" + pid + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return to
}
