// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
	"github.com/bessform/terraform-provider-bess/appliance/server"
	"github.com/bessform/terraform-provider-bess/appliance/store"
	"github.com/bessform/terraform-provider-bess/appliance/system"
	"github.com/bessform/terraform-provider-bess/schemas"
)

var update = flag.Bool("update", false, "write the golden files of this package")

// asProgram makes the test binary be bessctl, for tests that need a process.
const asProgram = "BESSCTL_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main("v1.2.3", os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	os.Exit(m.Run())
}

// peer is a daemon that lives in the test: the real engine behind a real
// gRPC connection over a local socket.
type peer struct {
	t      *testing.T
	dir    string
	socket string
	client *client.Client
	// plain is a daemon that has only BESSControl, as the original.
	plain      bool
	conditions *system.Conditions
	ring       *system.Ring
	store      *store.Store
	// stop ends the daemon; a new one may start then.
	stop func()
}

// start starts a daemon in which there is nothing.
func start(t *testing.T) *peer {
	t.Helper()
	dir, err := os.MkdirTemp("", "bessctl") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &peer{t: t, dir: dir, socket: filepath.Join(dir, "ctl")}
	p.serve()
	c, err := client.Dial("unix:"+p.socket, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p.client = c
	return p
}

// serve starts the engine and its server.
func (p *peer) serve() {
	p.t.Helper()
	cat := declare.Catalog{Classes: modules.Classes(), Drivers: ports.Drivers()}
	e, err := engine.New(engine.Options{Classes: cat.Classes, Drivers: cat.Drivers, Hooks: hooks.Hooks(), Buffers: 16384})
	if err != nil {
		p.t.Fatal(err)
	}
	l, err := net.Listen("unix", p.socket)
	if err != nil {
		p.t.Fatal(err)
	}
	g := grpc.NewServer()
	server.New(e, "v9.9.9", func() {}).Register(g)
	if !p.plain {
		p.serveAppliance(g, e, cat)
	}
	go func() { _ = g.Serve(l) }()
	p.stop = sync.OnceFunc(func() {
		g.Stop()
		_ = l.Close() // had it not begun to serve
		e.Close()
		if p.store != nil {
			_ = p.store.Close()
		}
	})
	p.t.Cleanup(p.stop)
}

// serveAppliance adds the services that the original does not have.
func (p *peer) serveAppliance(g *grpc.Server, e *engine.Engine, cat declare.Catalog) {
	p.t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(filepath.Join(p.dir, "store"), 3, log)
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = s
	p.conditions = &system.Conditions{}
	k := store.NewKeeper(s, store.Options{Engine: e, Catalog: cat, Log: log, Report: p.conditions.Set})
	declare.Register(g, e, cat, k, nil)
	p.ring = system.NewRing()
	system.Register(g, system.Options{Engine: e, Conditions: p.conditions, Ring: p.ring, Version: "v9.9.9", Log: log,
		InitSocket: filepath.Join(p.dir, "init")})
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) worker(wid int64) {
	p.t.Helper()
	p.must(p.client.AddWorker(context.Background(), wid, 0, ""))
}

// arg reads YAML as the argument of a class or driver.
func (p *peer) arg(desc protoreflect.MessageDescriptor, text string) *anypb.Any {
	p.t.Helper()
	if text == "" {
		return nil
	}
	a, err := parseArgument(desc, []string{text}, nil)
	p.must(err)
	return a
}

func (p *peer) port(name, driver, arg string) {
	p.t.Helper()
	_, err := p.client.CreatePort(context.Background(), &api.CreatePortRequest{Name: name, Driver: driver, Arg: p.arg(schemas.DriverArg(driver), arg)})
	p.must(err)
}

func (p *peer) module(name, class, arg string) {
	p.t.Helper()
	_, err := p.client.CreateModule(context.Background(), name, class, p.arg(schemas.ModuleArg(class), arg))
	p.must(err)
}

// link connects "from ogate igate to".
func (p *peer) link(text string) {
	p.t.Helper()
	var from, to string
	var og, ig uint64
	_, err := fmt.Sscan(text, &from, &og, &ig, &to)
	p.must(err)
	p.must(p.client.Connect(context.Background(), from, og, to, ig))
}

func (p *peer) tc(c *api.TrafficClass) {
	p.t.Helper()
	p.must(p.client.AddTC(context.Background(), c))
}

func (p *peer) task(c *api.TrafficClass) {
	p.t.Helper()
	p.must(p.client.UpdateTCParent(context.Background(), c))
}

// result is what a run of bessctl left.
type result struct {
	out, err string
	code     int
}

// run runs bessctl against the daemon.
func (p *peer) run(args ...string) result {
	p.t.Helper()
	return p.runWith(context.Background(), nil, "", args...)
}

// runWith runs bessctl with a way to wait and something to read.
func (p *peer) runWith(ctx context.Context, wait func(context.Context, time.Duration) bool, in string, args ...string) result {
	p.t.Helper()
	return runAt(ctx, wait, in, append([]string{"--address", "unix:" + p.socket}, args...)...)
}

func runAt(ctx context.Context, wait func(context.Context, time.Duration) bool, in string, args ...string) result {
	var out, errs bytes.Buffer
	a := &app{Streams: Streams{In: strings.NewReader(in), Out: &out, Err: &errs}, version: "v1.2.3", wait: wait}
	if wait == nil {
		a.wait = realWait
	}
	code := execute(ctx, a, args)
	return result{out.String(), errs.String(), code}
}

// ok runs bessctl, which must succeed without complaints, and returns what it
// printed.
func (p *peer) ok(args ...string) string {
	p.t.Helper()
	r := p.run(args...)
	if r.code != 0 || r.err != "" {
		p.t.Fatalf("bessctl %s: exit %d, %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// json runs bessctl -o json and decodes what it printed.
func (p *peer) json(v any, args ...string) {
	p.t.Helper()
	text := p.ok(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(text), v); err != nil {
		p.t.Fatalf("bessctl %s: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// await polls until f is true.
func (p *peer) await(what string, f func() bool) {
	p.t.Helper()
	testenv.Eventually(p.t, what+" happens", f)
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (run the tests with -update after checking)\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}
