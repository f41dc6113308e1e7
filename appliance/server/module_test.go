// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/roundrobin"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

const (
	eperm   = int(syscall.EPERM)
	enoent  = int(syscall.ENOENT)
	ebusy   = int(syscall.EBUSY)
	eexist  = int(syscall.EEXIST)
	enodev  = int(syscall.ENODEV)
	einval  = int(syscall.EINVAL)
	enotsup = int(syscall.ENOTSUP)
)

func TestClasses(t *testing.T) {
	p := start(t)
	r, err := p.ListMclass(p.ctx, &api.EmptyRequest{})
	names := ok(p, r, err).GetNames()
	if !slices.IsSorted(names) || !slices.Contains(names, "Source") {
		t.Fatalf("classes %v", names)
	}
	for _, name := range names {
		r, err := p.GetMclassInfo(p.ctx, &api.GetMclassInfoRequest{Name: name})
		info := ok(p, r, err)
		if info.GetName() != name || info.GetHelp() == "" || len(info.GetCmds()) != len(info.GetCmdArgs()) {
			t.Errorf("%s: %v", name, info)
		}
		for _, arg := range info.GetCmdArgs() {
			if strings.Contains(arg, ".") {
				t.Errorf("%s: argument type %q has a package", name, arg)
			}
		}
	}
	refused[*api.GetMclassInfoResponse](p, einval, "Argument must be a name in str")(p.GetMclassInfo(p.ctx, &api.GetMclassInfoRequest{}))
	refused[*api.GetMclassInfoResponse](p, enoent, "No mclass 'Sorce' found", "Source")(p.GetMclassInfo(p.ctx, &api.GetMclassInfoRequest{Name: "Sorce"}))
}

func TestCreateModule(t *testing.T) {
	p := start(t)
	bad := func(code int, texts ...string) func(*api.CreateModuleResponse, error) {
		return refused[*api.CreateModuleResponse](p, code, texts...)
	}
	bad(einval, "Missing 'mclass' field")(p.module("x", "", nil))
	bad(enoent, "No mclass 'Nope' found")(p.module("x", "Nope", nil))
	r, err := p.module("x", "Source", &source.SourceArg{PktSize: 100})
	if got := ok(p, r, err).GetName(); got != "x" {
		t.Fatalf("name %q", got)
	}
	bad(eexist, "Module x exists")(p.module("x", "Source", nil))
	bad(einval, "pkt_size", "2049")(p.module("y", "Source", &source.SourceArg{PktSize: 2049}))
	r, err = p.module("y", "Source", nil) // the name is free again
	ok(p, r, err)

	for i, want := range []string{"source0", "source1"} {
		r, err := p.module("", "Source", nil)
		if got := ok(p, r, err).GetName(); got != want {
			t.Fatalf("unnamed %d is %q, want %q", i, got, want)
		}
	}
	d, err := p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: "source0"})
	ok(p, d, err)
	r, err = p.module("", "Source", nil)
	if got := ok(p, r, err).GetName(); got != "source0" {
		t.Fatalf("a freed number is not used again: %q", got)
	}
}

func TestNames(t *testing.T) {
	p := start(t)
	for _, name := range []string{"with blank", "a:b", "a.b", "a-b_c", "ünïcode", strings.Repeat("n", 255)} {
		p.make(name, "Sink", nil)
	}
	for _, name := range []string{strings.Repeat("n", 256), "new\nline", "nul\x00", "del\x7f"} {
		refused[*api.CreateModuleResponse](p, einval, "name")(p.module(name, "Sink", nil))
	}
}

func TestArgumentTypes(t *testing.T) {
	p := start(t)
	create := func(name string, arg *anypb.Any) (*api.CreateModuleResponse, error) {
		return p.CreateModule(p.ctx, &api.CreateModuleRequest{Name: name, Mclass: "Source", Arg: arg})
	}
	r, err := create("absent", nil)
	ok(p, r, err)
	r, err = create("empty", pack(t, &api.EmptyArg{}))
	ok(p, r, err)
	r, err = create("other prefix", &anypb.Any{TypeUrl: "x/bess.pb.SourceArg"})
	ok(p, r, err)
	bad := refused[*api.CreateModuleResponse]
	bad(p, einval, "bess.pb.RewriteArg", "bess.pb.SourceArg")(create("wrong", pack(t, &rewrite.RewriteArg{})))
	bad(p, einval, "not a valid")(create("bytes", &anypb.Any{TypeUrl: "type.googleapis.com/bess.pb.SourceArg", Value: []byte{0xff}}))
	bad(p, einval, "unknown fields")(create("field", &anypb.Any{TypeUrl: "type.googleapis.com/bess.pb.SourceArg", Value: []byte{0x78, 1}}))
	// Classes without arguments take their nominal message.
	q, err := p.CreateModule(p.ctx, &api.CreateModuleRequest{Mclass: "Sink", Arg: &anypb.Any{TypeUrl: "type.googleapis.com/bess.pb.SinkArg"}})
	ok(p, q, err)
}

func TestInitialArgIsVerbatim(t *testing.T) {
	p := start(t)
	given := &anypb.Any{TypeUrl: "my.host/bess.pb.SourceArg", Value: []byte{8, 100}}
	r, err := p.CreateModule(p.ctx, &api.CreateModuleRequest{Name: "s", Mclass: "Source", Arg: given})
	ok(p, r, err)
	c, err := p.command("s", "get_initial_arg", nil)
	if got := ok(p, c, err).GetData(); got.GetTypeUrl() != given.GetTypeUrl() || string(got.GetValue()) != string(given.GetValue()) {
		t.Fatalf("got %v", got)
	}
	p.make("n", "NoOP", nil)
	c, err = p.command("n", "get_initial_arg", nil)
	if got := ok(p, c, err).GetData(); got.GetTypeUrl() != "" {
		t.Fatalf("got %v, want an Any without type", got)
	}
}

func TestConnections(t *testing.T) {
	p := start(t)
	p.make("src", "Source", nil)
	p.make("rr", "RoundRobin", nil)
	p.make("sink", "Sink", nil)
	bad := func(code int, texts ...string) func(*api.EmptyResponse, error) {
		return refused[*api.EmptyResponse](p, code, texts...)
	}
	bad(enoent, "No module 'x' found")(p.connect("x", 0, "sink", 0))
	bad(enoent, "No module 'y' found")(p.connect("src", 0, "y", 0))
	bad(enoent)(p.connect("", 0, "sink", 0))
	bad(einval, "Connection src:1->0:rr failed")(p.connect("src", 1, "rr", 0))
	bad(einval, "Connection src:65536->0:rr failed")(p.connect("src", 65536, "rr", 0))
	bad(einval)(p.connect("rr", 8192, "sink", 0))
	bad(einval)(p.connect("src", 0, "sink", 1))
	bad(einval)(p.connect("src", 0, "rr", ^uint64(0)))
	bad(einval, "no output gate")(p.connect("sink", 0, "rr", 0))
	p.link("src", 0, "rr", 0)
	bad(ebusy, "Connection src:0->0:sink failed")(p.connect("src", 0, "sink", 0))
	p.link("rr", 8191, "sink", 0)
	p.link("rr", 3, "sink", 0)

	info, err := p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{Name: "rr"})
	og := ok(p, info, err).GetOgates()
	if len(og) != 2 || og[0].GetOgate() != 3 || og[1].GetOgate() != 8191 || og[0].GetName() != "sink" {
		t.Fatalf("output gates %v", og)
	}
	if hk := og[0].GetGatehooks(); len(hk) != 1 || hk[0].GetClassName() != "Track" || hk[0].GetHookName() != "track0" {
		t.Fatalf("default hooks %v", hk)
	}
	if og[0].GetTimestamp() == 0 || info.GetIgates()[0].GetTimestamp() != 0 {
		t.Fatal("an output gate is tracked by default, an input gate is not")
	}
	info, err = p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{Name: "sink"})
	ig := ok(p, info, err).GetIgates()
	if len(ig) != 1 || len(ig[0].GetOgates()) != 2 || ig[0].GetOgates()[0].GetOgate() != 8191 {
		t.Fatalf("feeders are not in order of connection: %v", ig)
	}
	disconnect := func(name string, og uint64) (*api.EmptyResponse, error) {
		return p.DisconnectModules(p.ctx, &api.DisconnectModulesRequest{Name: name, Ogate: og})
	}
	bad(einval, "Missing 'name' field")(disconnect("", 0))
	bad(enoent, "No module 'x' found")(disconnect("x", 0))
	bad(einval, "Disconnection src:1 failed")(disconnect("src", 1))
	for range 2 { // the second time it is not connected
		r, err := disconnect("rr", 3)
		ok(p, r, err)
	}
	r, err := p.ConnectModules(p.ctx, &api.ConnectModulesRequest{M1: "rr", Ogate: 3, M2: "sink", SkipDefaultHooks: true})
	ok(p, r, err)
	info, err = p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{Name: "rr"})
	if g := ok(p, info, err).GetOgates()[0]; len(g.GetGatehooks()) != 0 || g.GetTimestamp() != 0 {
		t.Fatalf("skip_default_hooks: %v", g)
	}
}

func TestCommands(t *testing.T) {
	p := start(t)
	p.make("src", "Source", nil)
	bad := func(code int, texts ...string) func(*api.CommandResponse, error) {
		return refused[*api.CommandResponse](p, code, texts...)
	}
	bad(einval, "Missing module name field 'name'")(p.command("", "set_burst", nil))
	bad(enoent, "No module 'x' found")(p.command("x", "set_burst", nil))
	bad(enotsup, "'Source' does not support command 'Set_burst'")(p.command("src", "Set_burst", nil))
	bad(einval, "burst", "65")(p.command("src", "set_burst", &source.SourceCommandSetBurstArg{Burst: 65}))
	bad(einval, "SourceCommandSetBurstArg", "SourceArg")(p.command("src", "set_burst", &source.SourceArg{}))
	r, err := p.command("src", "set_burst", &source.SourceCommandSetBurstArg{Burst: 1})
	if ok(p, r, err).GetData() != nil {
		t.Fatal("a command without result has data")
	}
}

func TestLists(t *testing.T) {
	p := start(t)
	p.make("b", "Sink", nil)
	p.make("a", "Source", nil)
	r, err := p.ListModules(p.ctx, &api.EmptyRequest{})
	ms := ok(p, r, err).GetModules()
	if len(ms) != 2 || ms[0].GetName() != "a" || ms[1].GetMclass() != "Sink" {
		t.Fatalf("modules %v", ms)
	}
	refused[*api.GetModuleInfoResponse](p, einval, "Argument must be a name in str")(p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{}))
	refused[*api.EmptyResponse](p, enoent, "No module 'x' found")(p.DestroyModule(p.ctx, &api.DestroyModuleRequest{Name: "x"}))
	refused[*api.EmptyResponse](p, einval, "Argument must be a name in str")(p.DestroyModule(p.ctx, &api.DestroyModuleRequest{}))
	e, err := p.ResetModules(p.ctx, &api.EmptyRequest{})
	ok(p, e, err)
	r, err = p.ListModules(p.ctx, &api.EmptyRequest{})
	if len(ok(p, r, err).GetModules()) != 0 {
		t.Fatal("modules are left after ResetModules")
	}
}

// What a module sends to a gate that is not connected is counted until the next
// check of the constraints (spec: api.md section 6.6); the worker counts on.
func TestDeadends(t *testing.T) {
	p := start(t)
	p.worker(0)
	p.make("src", "Source", nil)
	p.make("rr", "RoundRobin", &roundrobin.RoundRobinArg{Gates: []int64{0, 1}, Mode: "packet"})
	p.make("sink", "Sink", nil)
	p.link("src", 0, "rr", 0)
	p.link("rr", 0, "sink", 0)
	info := func(name string) *api.GetModuleInfoResponse {
		t.Helper()
		r, err := p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{Name: name})
		return ok(p, r, err)
	}
	dead := func() uint64 { return info("rr").GetDeadends() }
	silent := func() uint64 { return uint64(p.workers()[0].GetSilentDrops()) }
	var before uint64 // silent drops at the last check
	for range 2 {
		p.resume()
		p.await("a packet to nowhere", func() bool { return dead() > 0 })
		p.pause()
		if n := dead(); n != silent()-before {
			t.Errorf("%d deadends, the worker dropped %d", n, silent()-before)
		}
		if n, sent := silent()+info("rr").GetOgates()[0].GetPkts(), p.packets("!leaf_src:0"); n != sent {
			t.Errorf("%d packets dropped or passed on of %d", n, sent)
		}
		if n := info("src").GetDeadends(); n != 0 {
			t.Errorf("%d deadends where all gates are connected", n)
		}
		before = silent()
		c, err := p.CheckSchedulingConstraints(p.ctx, &api.EmptyRequest{})
		ok(p, c, err)
		if n := dead(); n != 0 {
			t.Errorf("%d deadends after the check", n)
		}
		if silent() != before {
			t.Errorf("the check made %d silent drops %d", before, silent())
		}
	}
}
