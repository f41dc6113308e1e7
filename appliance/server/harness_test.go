// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
	"github.com/bessform/terraform-provider-bess/appliance/server"
)

// peer is a client of a daemon that lives in the test: the real engine behind
// a real gRPC connection.
type peer struct {
	t *testing.T
	api.BESSControlClient
	ctx    context.Context
	killed chan struct{}
	engine *engine.Engine
}

func start(t *testing.T) *peer {
	t.Helper()
	e, err := engine.New(engine.Options{Classes: modules.Classes(), Drivers: ports.Drivers(), Hooks: hooks.Hooks(), Buffers: 16384})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, killed: make(chan struct{}, 1), engine: e}
	g := grpc.NewServer()
	server.New(e, "v1.2.3", func() { p.killed <- struct{}{} }).Register(g)
	go func() { _ = g.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // for all calls of a test
	p.BESSControlClient, p.ctx = api.NewBESSControlClient(conn), ctx
	t.Cleanup(func() {
		cancel()
		_ = conn.Close()
		g.Stop()
		e.Close()
	})
	return p
}

// failing is any response.
type failing interface{ GetError() *api.Error }

// ok fails the test unless the call succeeded with Error unset.
func ok[R failing](p *peer, r R, err error) R {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("gRPC status: %v", err)
	}
	if e := r.GetError(); e != nil {
		p.t.Fatalf("error %d: %s", e.GetCode(), e.GetErrmsg())
	}
	return r
}

// refused fails the test unless the call was refused with the code and a text
// that contains all of texts.
func refused[R failing](p *peer, code int, texts ...string) func(R, error) {
	return func(r R, err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatalf("gRPC status: %v", err)
		}
		e := r.GetError()
		if int(e.GetCode()) != code {
			p.t.Fatalf("error %d %q, want %d", e.GetCode(), e.GetErrmsg(), code)
		}
		for _, text := range texts {
			if !strings.Contains(e.GetErrmsg(), text) {
				p.t.Fatalf("error text %q, want %q in it", e.GetErrmsg(), text)
			}
		}
	}
}

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	if m == nil {
		return nil
	}
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *peer) module(name, class string, arg proto.Message) (*api.CreateModuleResponse, error) {
	return p.CreateModule(p.ctx, &api.CreateModuleRequest{Name: name, Mclass: class, Arg: pack(p.t, arg)})
}

func (p *peer) make(name, class string, arg proto.Message) {
	p.t.Helper()
	r, err := p.module(name, class, arg)
	ok(p, r, err)
}

func (p *peer) connect(m1 string, og uint64, m2 string, ig uint64) (*api.EmptyResponse, error) {
	return p.ConnectModules(p.ctx, &api.ConnectModulesRequest{M1: m1, Ogate: og, M2: m2, Igate: ig})
}

func (p *peer) link(m1 string, og uint64, m2 string, ig uint64) {
	p.t.Helper()
	r, err := p.connect(m1, og, m2, ig)
	ok(p, r, err)
}

func (p *peer) command(module, cmd string, arg proto.Message) (*api.CommandResponse, error) {
	return p.ModuleCommand(p.ctx, &api.CommandRequest{Name: module, Cmd: cmd, Arg: pack(p.t, arg)})
}

func (p *peer) tc(c *api.TrafficClass) (*api.EmptyResponse, error) {
	return p.AddTc(p.ctx, &api.AddTcRequest{Class: c})
}

func (p *peer) move(c *api.TrafficClass) (*api.EmptyResponse, error) {
	return p.UpdateTcParent(p.ctx, &api.UpdateTcParentRequest{Class: c})
}

func (p *peer) resume() {
	p.t.Helper()
	r, err := p.ResumeAll(p.ctx, &api.EmptyRequest{})
	ok(p, r, err)
}

func (p *peer) pause() {
	p.t.Helper()
	r, err := p.PauseAll(p.ctx, &api.EmptyRequest{})
	ok(p, r, err)
}

func (p *peer) worker(wid int64) {
	p.t.Helper()
	r, err := p.AddWorker(p.ctx, &api.AddWorkerRequest{Wid: wid, Core: wid % 2})
	ok(p, r, err)
}

func (p *peer) tcs() map[string]*api.ListTcsResponse_TrafficClassStatus {
	p.t.Helper()
	r, err := p.ListTcs(p.ctx, &api.ListTcsRequest{Wid: -1})
	ok(p, r, err)
	m := map[string]*api.ListTcsResponse_TrafficClassStatus{}
	for _, c := range r.GetClassesStatus() {
		if m[c.GetClass().GetName()] != nil {
			p.t.Fatalf("class %s is listed twice", c.GetClass().GetName())
		}
		m[c.GetClass().GetName()] = c
	}
	return m
}

// packets returns how many packets a traffic class has passed.
func (p *peer) packets(tc string) uint64 {
	p.t.Helper()
	r, err := p.GetTcStats(p.ctx, &api.GetTcStatsRequest{Name: tc})
	return ok(p, r, err).GetPackets()
}

// await polls until f is true.
func (p *peer) await(what string, f func() bool) {
	p.t.Helper()
	testenv.Eventually(p.t, what+" happens", f)
}
