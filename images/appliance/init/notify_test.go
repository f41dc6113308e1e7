// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// roleVariable makes the test's own program a child that hangs.
const roleVariable = "INIT_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if role == "silent after READY" {
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
		if err == nil {
			_, err = c.Write([]byte("READY=1\nSTATUS=hangs from now on"))
		}
		if err != nil {
			os.Exit(3)
		}
	}
	time.Sleep(time.Hour)
}

// A program that never gets ready is ended, and so is one that speaks no more,
// which writes down what its goroutines do.
func TestSilenceEndsAProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	patient := limits{ready: time.Hour, alive: time.Hour, abort: time.Hour}
	for role, c := range map[string]struct {
		limits
		why string
	}{
		"never ready":        {limits{ready: 300 * time.Millisecond, alive: patient.alive, abort: patient.abort}, "it hung: it is not ready for 300ms"},
		"silent after READY": {limits{ready: patient.ready, alive: 2 * time.Second, abort: patient.abort}, "it hung: it has said nothing for 2s"},
	} {
		t.Run(role, func(t *testing.T) {
			said := record(t)
			cmd := exec.Command(self)
			cmd.Env = []string{roleVariable + "=" + role, "GOTRACEBACK=all"}
			g, err := newGuard(filepath.Join(t.TempDir(), "notify"), c.limits)
			if err != nil {
				t.Fatal(err)
			}
			err = g.run(cmd, func(*os.Process, <-chan struct{}) {})
			if err == nil || !strings.HasPrefix(err.Error(), c.why) {
				t.Errorf("%v, want %s", err, c.why)
			}
			if text := said(); role != "never ready" && (!strings.Contains(text, "bessd: SIGABRT: abort") || !strings.Contains(text, "time.Sleep")) {
				t.Errorf("what it was doing is not logged:\n%s", text)
			}
		})
	}
}

// The daemon itself speaks for as long as it runs. One that is stopped does
// not even abort: it is killed, and the next one runs.
func TestStoppedDaemonIsKilled(t *testing.T) {
	dir := t.TempDir()
	bessd := filepath.Join(dir, "bessd")
	if out, err := exec.Command("go", "build", "-o", bessd, "../../../appliance/cmd/bessd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	start := func(do func(*guard, *os.Process, <-chan struct{})) error {
		cmd := exec.Command(bessd, "-f", "-skip_root_check", "-i", filepath.Join(dir, "pid"), "-grpc_url", "unix:"+filepath.Join(dir, "api"), "-buffers", "2048")
		// So long that a busy machine does not end it by accident.
		g, err := newGuard(filepath.Join(dir, "notify"), limits{ready: time.Hour, alive: 10 * time.Minute, abort: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return g.run(cmd, func(p *os.Process, gone <-chan struct{}) { do(g, p, gone) })
	}
	err := start(func(g *guard, p *os.Process, _ <-chan struct{}) {
		alive := 0
		g.heard = func(state string) {
			if state == "WATCHDOG=1" {
				alive++
			}
			if alive == 2 {
				_ = p.Signal(unix.SIGSTOP)
				g.alive = time.Second // what it does not know any more
			}
		}
	})
	var exit *exec.ExitError
	if err == nil || !strings.HasPrefix(err.Error(), "it hung: it has said nothing for 1s") || !errors.As(err, &exit) ||
		exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Fatalf("%v, want it to be killed", err)
	}
	err = start(func(g *guard, p *os.Process, _ <-chan struct{}) {
		g.heard = func(state string) {
			if state == "READY=1" {
				_ = p.Signal(unix.SIGTERM)
			}
		}
	})
	if err == nil || err.Error() != "exit status 0" {
		t.Fatalf("%v, want the next one to end in order", err)
	}
}

// record collects what is logged.
func record(t *testing.T) func() string {
	t.Helper()
	var mu sync.Mutex
	var text strings.Builder
	out, over := make(chan string, maxWaiting), make(chan struct{})
	go func() {
		defer close(over)
		for l := range out {
			mu.Lock()
			text.WriteString(l + "\n")
			mu.Unlock()
		}
	}()
	log.mu.Lock()
	log.out = out
	log.mu.Unlock()
	stop := sync.OnceFunc(func() {
		log.mu.Lock()
		log.out = nil
		log.mu.Unlock()
		close(out)
		<-over
	})
	t.Cleanup(stop)
	return func() string { stop(); mu.Lock(); defer mu.Unlock(); return text.String() }
}
