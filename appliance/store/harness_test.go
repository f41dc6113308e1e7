// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/api/declarepb"
	"github.com/bessform/terraform-provider-bess/appliance/client"
)

// workshop is where bessd is built, once and only if a test needs it.
var workshop string

func TestMain(m *testing.M) {
	code := m.Run()
	if workshop != "" {
		_ = os.RemoveAll(workshop)
	}
	os.Exit(code)
}

// bessd returns the path of the daemon.
var bessd = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	workshop = dir
	file := filepath.Join(dir, "bessd")
	if out, err := exec.Command("go", "build", "-o", file, "../cmd/bessd").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build bessd: %v\n%s", err, out))
	}
	return file
})

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

// box is a machine with a bessd that can be started, killed and started again.
type box struct {
	*testing.T
	dir, store string
	wrap       []string // runs bessd: a program with arguments
	args       []string // for bessd
	cmd        *exec.Cmd
	done       chan struct{}
	log        *output
	c          *client.Client
}

func newBox(t *testing.T, args ...string) *box {
	t.Helper()
	dir, err := os.MkdirTemp("", "box") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	b := &box{T: t, dir: dir, store: filepath.Join(dir, "store"), args: args, log: &output{}}
	c, err := client.Dial("unix:"+b.socket(), client.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b.c = c
	t.Cleanup(func() {
		_ = c.Close()
		b.kill()
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("log of bessd:\n%s", b.log)
		}
	})
	return b
}

func (b *box) socket() string { return filepath.Join(b.dir, "s") }

// boot starts bessd and waits until it answers.
func (b *box) boot() {
	b.Helper()
	args := append([]string{}, b.wrap...)
	args = append(args, bessd(), "-f", "-skip_root_check", "-buffers", "1024", "-grpc_url", "unix:"+b.socket(),
		"-i", filepath.Join(b.dir, "pid"), "-store", b.store)
	args = append(args, b.args...)
	b.cmd = exec.Command(args[0], args[1:]...)
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	if err := b.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done, cmd := make(chan struct{}), b.cmd
	b.done = done
	go func() { _ = cmd.Wait(); close(done) }()
	b.Eventually("bessd answers", func() bool {
		select {
		case <-done:
			b.Fatalf("bessd ended:\n%s", b.log)
		default:
		}
		_, err := b.c.Version(context.Background())
		return err == nil
	})
}

// kill is a power cut, as far as the process can tell.
func (b *box) kill() { b.end(syscall.SIGKILL) }

// stop is an orderly shutdown.
func (b *box) stop() { b.end(syscall.SIGTERM) }

func (b *box) end(sig syscall.Signal) {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(sig)
	<-b.done
	b.cmd = nil
}

// Eventually waits until ok returns true.
func (b *box) Eventually(what string, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("waited in vain until %s", what)
		}
	}
}

const header = "apiVersion: bess.dev/v1\nkind: Pipeline\n"

func doc(text string) *declarepb.Document {
	return &declarepb.Document{Name: "p.yaml", Text: header + text}
}

func (b *box) apply(text string) error {
	_, err := b.c.Apply(context.Background(), 0, doc(text))
	return err
}

func (b *box) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// runs returns what runs.
func (b *box) runs() string {
	b.Helper()
	r, err := b.c.Export(context.Background())
	b.must(err)
	return r.GetYaml()
}

// health returns the status of the service "pipeline".
func (b *box) health() healthpb.HealthCheckResponse_ServingStatus {
	b.Helper()
	r, err := healthpb.NewHealthClient(b.c.Conn()).Check(context.Background(), &healthpb.HealthCheckRequest{Service: "pipeline"}, grpc.WaitForReady(true))
	b.must(err)
	return r.GetStatus()
}

// history returns the stored generations, the newest first.
func (b *box) history() []*declarepb.StoredGeneration {
	b.Helper()
	r, err := declarepb.NewPipelinesClient(b.c.Conn()).History(context.Background(), &declarepb.HistoryRequest{})
	b.must(err)
	return r.GetGenerations()
}

func (b *box) rollback(generation uint64) (*declarepb.RollbackResponse, error) {
	return declarepb.NewPipelinesClient(b.c.Conn()).Rollback(context.Background(), &declarepb.RollbackRequest{Generation: generation})
}

// files returns the names in the store.
func (b *box) files() []string {
	b.Helper()
	list, err := os.ReadDir(b.store)
	b.must(err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// stores reports whether the newest generation is one of calls and has text in
// its file.
func (b *box) stores(text string) bool {
	b.Helper()
	h := b.history()
	if len(h) == 0 || h[0].GetOrigin() != "calls" {
		return false
	}
	stored, err := os.ReadFile(filepath.Join(b.store, fmt.Sprintf("generation-%09d.yaml", h[0].GetGeneration())))
	return err == nil && strings.Contains(string(stored), text)
}

// newest returns the path of the newest generation.
func (b *box) newest() string {
	b.Helper()
	path := ""
	for _, n := range b.files() {
		if strings.HasPrefix(n, "generation-") && strings.HasSuffix(n, ".yaml") {
			path = filepath.Join(b.store, n)
		}
	}
	if path == "" {
		b.Fatalf("no generation in %v", b.files())
	}
	return path
}
