// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/bessform/terraform-provider-bess/appliance/api"
)

// binary is bessd, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bessd")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "bessd")
	out, err := exec.Command("go", "build", "-o", binary, "../cmd/bessd").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build bessd: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// output collects what a process writes while the test reads it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// proc is a running bessd.
type proc struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *output
	done chan error
	dir  string
	url  string
	// start starts the process; nil: as any other.
	start func(cmd *exec.Cmd) error
}

// launch starts bessd in the foreground on a socket in a fresh directory.
func launch(t *testing.T, extra ...string) *proc {
	t.Helper()
	p := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	p.url = "unix:" + filepath.Join(p.dir, "s")
	p.run(append([]string{"-grpc_url", p.url, "-i", p.pidFile()}, extra...)...)
	return p
}

func (p *proc) pidFile() string { return filepath.Join(p.dir, "pid") }

func (p *proc) run(args ...string) {
	p.t.Helper()
	p.cmd = exec.Command(binary, append([]string{"-f", "-skip_root_check", "-buffers", "1024"}, args...)...)
	p.cmd.Stderr, p.cmd.Stdout = p.log, p.log
	if p.start == nil {
		p.start = (*exec.Cmd).Start
	}
	if err := p.start(p.cmd); err != nil {
		p.t.Fatal(err)
	}
	cmd, done := p.cmd, p.done
	go func() { done <- cmd.Wait() }()
	p.t.Cleanup(func() { _ = cmd.Process.Kill() })
}

// wait returns the exit status, -1 if a signal ended it.
func (p *proc) wait() int {
	p.t.Helper()
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		return 0
	case <-time.After(time.Minute):
		p.t.Fatalf("bessd does not end:\n%s", p.log)
		return -1
	}
}

// dial returns a connection to a daemon that serves.
func (p *proc) dial() *grpc.ClientConn {
	p.t.Helper()
	conn, err := grpc.NewClient(p.url, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: "bess.pb.BESSControl"},
		grpc.WaitForReady(true))
	if err != nil || r.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		p.t.Fatalf("health: %v %v\n%s", r, err, p.log)
	}
	return conn
}

func TestSignalsEndItGracefully(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := launch(t)
		p.dial()
		b, err := os.ReadFile(p.pidFile())
		if err != nil || string(b) != strconv.Itoa(p.cmd.Process.Pid)+"\n" {
			t.Fatalf("pid file %q, %v", b, err)
		}
		_ = p.cmd.Process.Signal(sig)
		if code := p.wait(); code != 0 {
			t.Fatalf("%v: exit status %d:\n%s", sig, code, p.log)
		}
		if _, err := os.Stat(p.pidFile()); !os.IsNotExist(err) {
			t.Fatalf("%v: the pid file is still there: %v", sig, err)
		}
	}
}

func TestKillBessAnswersThenEnds(t *testing.T) {
	p := launch(t)
	c := api.NewBESSControlClient(p.dial())
	r, err := c.KillBess(context.Background(), &api.EmptyRequest{})
	if err != nil || r.GetError() != nil {
		t.Fatalf("%v %v", r, err)
	}
	if code := p.wait(); code != 0 {
		t.Fatalf("exit status %d", code)
	}
}

func TestReflectionIsServed(t *testing.T) {
	s, err := reflectpb.NewServerReflectionClient(launch(t).dial()).ServerReflectionInfo(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(&reflectpb.ServerReflectionRequest{MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Recv()
	if err != nil || !strings.Contains(fmt.Sprint(r), "bess.pb.BESSControl") {
		t.Fatalf("%v %v", r, err)
	}
}

func TestAddressInUseIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	p.run("-grpc_url", l.Addr().String(), "-i", p.pidFile())
	if code := p.wait(); code != 1 || !strings.Contains(p.log.String(), "address is in use") {
		t.Fatalf("exit status %d:\n%s", code, p.log)
	}

	// The original shares its port with a second daemon.
	first := launch(t)
	first.dial()
	second := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	second.run("-grpc_url", first.url, "-i", second.pidFile())
	if code := second.wait(); code != 1 || !strings.Contains(second.log.String(), "in use") {
		t.Fatalf("exit status %d:\n%s", code, second.log)
	}
	first.dial()
}

func TestSocketLeftOverByAKilledDaemonIsReplacedAFileIsNot(t *testing.T) {
	p := launch(t)
	p.dial()
	_ = p.cmd.Process.Kill()
	p.wait()
	p.run("-grpc_url", p.url, "-i", p.pidFile())
	p.dial()

	q := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	file := filepath.Join(q.dir, "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	q.run("-grpc_url", "unix:"+file, "-i", q.pidFile())
	if code := q.wait(); code != 1 {
		t.Fatalf("exit status %d", code)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "x" {
		t.Fatalf("the file was touched: %q %v", b, err)
	}
}

func TestSingleInstance(t *testing.T) {
	first := launch(t)
	first.dial()
	second := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	second.run("-grpc_url", "unix:"+filepath.Join(second.dir, "s"), "-i", first.pidFile())
	if code := second.wait(); code != 1 || !strings.Contains(second.log.String(), "another bessd is running") {
		t.Fatalf("exit status %d:\n%s", code, second.log)
	}
	third := &proc{t: t, dir: t.TempDir(), log: &output{}, done: make(chan error, 1)}
	third.url = "unix:" + filepath.Join(third.dir, "s")
	third.run("-grpc_url", third.url, "-i", first.pidFile(), "-k")
	// On a busy machine it may take longer than -k is patient, and be killed.
	if code := first.wait(); code > 0 {
		t.Fatalf("-k did not end the first: exit status %d", code)
	}
	third.dial()
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"-nope"}, "nope"},
		{[]string{"-buffers", "1000"}, "-buffers: 1000"},
		{[]string{"-p", "70000"}, "-p: 70000"},
		{[]string{"-c", "4095"}, "-c: 4095"},
		{[]string{"extra"}, `unexpected argument "extra"`},
	} {
		out, err := exec.Command(binary, c.args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), c.text) {
			t.Errorf("%v: %v\n%s", c.args, err, out)
		}
	}
	for _, c := range []struct{ arg, text string }{{"-t", "packet buffer"}, {"--version", "bessd"}} {
		out, err := exec.Command(binary, c.arg).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.text) {
			t.Errorf("%s: %v\n%s", c.arg, err, out)
		}
	}
	// Spellings of gflags, and flags that mean nothing here.
	p := launch(t, "--skip-root-check=true", "-nodpdk", "--iova", "va", "-m=0", "-allow", "0000:00:01.0", "-modules=/x")
	p.dial()
	if n := strings.Count(p.log.String(), "flag ignored"); n != 5 {
		t.Errorf("%d flags reported as ignored, want 5:\n%s", n, p.log)
	}
}

func TestBackground(t *testing.T) {
	dir := t.TempDir()
	p := &proc{t: t, url: "unix:" + filepath.Join(dir, "s"), log: &output{}}
	args := []string{"-skip_root_check", "-buffers", "1024", "-grpc_url", p.url, "-i", filepath.Join(dir, "pid"), "-log_dir", dir}
	out, err := exec.Command(binary, args...).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Done (PID=") {
		t.Fatalf("%v\n%s", err, out)
	}
	// It serves as soon as the parent has ended.
	c := api.NewBESSControlClient(p.dial())
	if _, err := c.KillBess(context.Background(), &api.EmptyRequest{}); err != nil {
		t.Fatal(err)
	}
	args[4] = filepath.Join(dir, "missing", "s")
	args[4] = "unix:" + args[4]
	out, err = exec.Command(binary, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "did not start") {
		t.Fatalf("a daemon that cannot listen started: %v\n%s", err, out)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "bessd.INFO")); !strings.Contains(string(b), "listen on") {
		t.Fatalf("the reason is not in the log:\n%s", b)
	}
}
