// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager listens as a service manager does.
func manager(t *testing.T, name string) func() string {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return func() string {
		b := make([]byte, 4096)
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("the manager hears nothing: %v", err)
		}
		return string(b[:n])
	}
}

func TestServiceManagerIsTold(t *testing.T) {
	for _, abstract := range []bool{false, true} {
		dir, err := os.MkdirTemp("", "sd")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		name := filepath.Join(dir, "notify")
		if abstract {
			name = "@" + name
		}
		hear := manager(t, name)
		t.Setenv("NOTIFY_SOCKET", name)
		t.Setenv("WATCHDOG_USEC", "400000")
		p := launch(t)
		ready := hear()
		for strings.HasPrefix(ready, "WATCHDOG") {
			ready = hear() // the first look may be over before
		}
		if !strings.HasPrefix(ready, "READY=1\nSTATUS=serving at unix:") {
			t.Fatalf("heard %q", ready)
		}
		p.dial()
		for range 3 {
			if s := hear(); s != "WATCHDOG=1" {
				t.Fatalf("heard %q", s)
			}
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		s := hear()
		for s == "WATCHDOG=1" {
			s = hear()
		}
		if !strings.HasPrefix(s, "STOPPING=1\n") {
			t.Fatalf("heard %q", s)
		}
		if code := p.wait(); code != 0 {
			t.Fatalf("exit status %d", code)
		}
	}
}

func TestFlagFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	inner := write("inner", "-minloglevel=0\n")
	file := write("flags", fmt.Sprintf("# how this daemon runs\n\n  --buffers 2048\n-noskip-root-check\n-flagfile=%s\n--log_history=/nowhere at all\n", inner))
	// Later flags win: launch gives -skip_root_check and -buffers before.
	p := launch(t, "-flagfile", file, "-skip_root_check")
	p.dial()
	if log := p.log.String(); !strings.Contains(log, "buffers=2048") || !strings.Contains(log, "/nowhere at all") {
		t.Fatalf("the flags of the file do not count:\n%s", log)
	}
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"-flagfile"}, "the file is missing"},
		{[]string{"-flagfile", dir + "/none"}, "no such file"},
		{[]string{"-flagfile", write("bad", "-f\nbuffers=1\n")}, "bad:2: \"buffers=1\""},
		{[]string{"-flagfile=" + write("self", "-flagfile="+filepath.Join(dir, "self")+"\n")}, "more than 8 deep"},
		{[]string{"-flagfile", write("unknown", "-nope\n")}, "nope"},
	} {
		q := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
		q.run(c.args...)
		if code := q.wait(); code != 1 || !strings.Contains(q.log.String(), c.text) {
			t.Errorf("%v: exit status %d: %s", c.args, code, q.log)
		}
	}
}
