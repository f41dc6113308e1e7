// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module/roundrobin"
)

const enxio = int(syscall.ENXIO)

// hookPeer has the graph src -> rr, three gates of rr -> m, m -> sink. Input
// gates of m are 0, 1 and 5.
func hookPeer(t *testing.T) *peer {
	t.Helper()
	p := start(t)
	p.make("src", "Source", nil)
	p.make("rr", "RoundRobin", &roundrobin.RoundRobinArg{Gates: []int64{0, 1, 2}})
	p.make("m", "Merge", nil)
	p.make("sink", "Sink", nil)
	p.link("src", 0, "rr", 0)
	p.link("rr", 0, "m", 0)
	p.link("rr", 1, "m", 1)
	p.link("rr", 2, "m", 5)
	p.link("m", 0, "sink", 0)
	return p
}

// usualHooks are those of hookPeer's graph, in the order they are listed.
func usualHooks() []string {
	return []string{"m out 0 track0", "rr out 0 track0", "rr out 1 track0", "rr out 2 track0", "src out 0 track0"}
}

// hookOf names a hook at output gate 0 of a module.
func hookOf(class, name, module string) *api.GateHookInfo {
	return &api.GateHookInfo{ClassName: class, HookName: name, ModuleName: module}
}

func atIn(h *api.GateHookInfo, gate int64) *api.GateHookInfo {
	h.Gate = &api.GateHookInfo_Igate{Igate: gate}
	return h
}

func atOut(h *api.GateHookInfo, gate int64) *api.GateHookInfo {
	h.Gate = &api.GateHookInfo_Ogate{Ogate: gate}
	return h
}

func (p *peer) with(h *api.GateHookInfo, arg proto.Message) *api.GateHookInfo {
	p.t.Helper()
	h.Arg = pack(p.t, arg)
	return h
}

func (p *peer) hook(h *api.GateHookInfo, enable bool) (*api.ConfigureGateHookResponse, error) {
	return p.ConfigureGateHook(p.ctx, &api.ConfigureGateHookRequest{Hook: h, Enable: enable})
}

// attach returns the name that is answered.
func (p *peer) attach(h *api.GateHookInfo) string {
	p.t.Helper()
	r, err := p.hook(h, true)
	return ok(p, r, err).GetName()
}

func (p *peer) detach(h *api.GateHookInfo) {
	p.t.Helper()
	r, err := p.hook(h, false)
	if name := ok(p, r, err).GetName(); name != "" {
		p.t.Fatalf("detaching answers the name %q", name)
	}
}

func (p *peer) listHooks() []*api.GateHookInfo {
	p.t.Helper()
	r, err := p.ListGateHooks(p.ctx, &api.EmptyRequest{})
	return ok(p, r, err).GetHooks()
}

// hooked fails the test unless exactly these hooks are listed, in this order.
func (p *peer) hooked(want ...string) {
	p.t.Helper()
	got := []string{}
	for _, h := range p.listHooks() {
		gate := fmt.Sprint("out ", h.GetOgate())
		if in, is := h.GetGate().(*api.GateHookInfo_Igate); is {
			gate = fmt.Sprint("in ", in.Igate)
		}
		got = append(got, fmt.Sprintf("%s %s %s", h.GetModuleName(), gate, h.GetHookName()))
	}
	if !slices.Equal(got, want) {
		p.t.Fatalf("hooks %q, want %q", got, want)
	}
}

// bits returns the argument of a Track hook at output gate 0.
func (p *peer) bits(module, name string) bool {
	p.t.Helper()
	for _, h := range p.listHooks() {
		if _, in := h.GetGate().(*api.GateHookInfo_Igate); in || h.GetModuleName() != module || h.GetHookName() != name || h.GetOgate() != 0 {
			continue
		}
		arg := &api.TrackArg{}
		if err := h.GetArg().UnmarshalTo(arg); err != nil {
			p.t.Fatal(err)
		}
		return arg.GetBits()
	}
	p.t.Fatalf("%s has no hook %s", module, name)
	return false
}

// fifo makes a FIFO that has a reader, if it is read.
func fifo(t *testing.T, read bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if read {
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
	}
	return path
}

func TestGateHookClasses(t *testing.T) {
	p := start(t)
	r, err := p.ListGateHookClass(p.ctx, &api.EmptyRequest{})
	names := ok(p, r, err).GetNames()
	if !slices.Equal(names, []string{"PcapNg", "TcpDump", "Track"}) {
		t.Fatalf("classes %q", names)
	}
	info := func(name string) (*api.GetGateHookClassInfoResponse, error) {
		return p.GetGateHookClassInfo(p.ctx, &api.GetGateHookClassInfoRequest{Name: name})
	}
	for _, name := range names {
		var cmds, args []string
		if name == "Track" {
			cmds, args = []string{"reset"}, []string{"EmptyArg"}
		}
		r, err := info(name)
		if i := ok(p, r, err); i.GetName() != name || i.GetHelp() == "" || !slices.Equal(i.GetCmds(), cmds) || !slices.Equal(i.GetCmdArgs(), args) {
			t.Errorf("%s: %v", name, i)
		}
	}
	bad := refused[*api.GetGateHookClassInfoResponse]
	bad(p, einval, "Argument must be a name in str")(info(""))
	bad(p, enoent, "No gatehook class 'Trak' found")(info("Trak"))
}

func TestConfigureGateHookErrors(t *testing.T) {
	p := hookPeer(t)
	tcpdump := func(name string) *api.GateHookInfo {
		return p.with(hookOf("TcpDump", name, "src"), &api.TcpdumpArg{Fifo: fifo(t, false)})
	}
	for _, c := range []struct {
		hook   *api.GateHookInfo
		enable bool
		code   int
		text   string
	}{
		{hookOf("Nope", "", "src"), true, enoent, "No such gate hook: Nope"},
		{hookOf("Nope", "", "src"), false, enoent, "No such gate hook: Nope"},
		{hookOf("Nope", "track0", ""), false, enoent, "No such gate hook: Nope"},
		{hookOf("Track", "", "gone"), true, enoent, "No module 'gone' found"},
		{hookOf("Track", "", "gone"), false, enoent, "No module 'gone' found"},
		{atIn(hookOf("Track", "", "m"), 2), true, enoent, "'m': igate '2' does not exist"},
		{atIn(hookOf("Track", "", "m"), 2), false, einval, "'m': igate '2' does not exist"},
		{atOut(hookOf("Track", "", "rr"), 3), true, enoent, "'rr': ogate '3' does not exist"},
		{atOut(hookOf("Track", "", "rr"), 3), false, einval, "'rr': ogate '3' does not exist"},
		{hookOf("Track", "", "sink"), true, enoent, "'sink': ogate '0' does not exist"},
		{hookOf("Track", "", "sink"), false, einval, "'sink': ogate '0' does not exist"},
		{hookOf("Track", "track0", "src"), true, eexist, "Fail to Add Hook"},
		{tcpdump(""), true, enxio, "Failed to open FIFO"},
		// The hook is made before its name is looked at.
		{tcpdump("track0"), true, enxio, "Failed to open FIFO"},
		{p.with(hookOf("TcpDump", "track0", "src"), &api.TcpdumpArg{Fifo: fifo(t, true)}), true, eexist, "Fail to Add Hook"},
	} {
		t.Run(fmt.Sprintf("%v enable=%v", c.hook, c.enable), func(t *testing.T) {
			p.t = t
			refused[*api.ConfigureGateHookResponse](p, c.code, c.text)(p.hook(c.hook, c.enable))
			p.hooked(usualHooks()...)
		})
	}
}

func TestGateHookIsAttachedAndDetached(t *testing.T) {
	all := func(h ...string) []string { return slices.Sorted(slices.Values(append(usualHooks(), h...))) }
	for _, c := range []struct {
		what   string
		attach *api.GateHookInfo
		name   string
		hooks  []string
	}{
		{"a name is chosen", atIn(hookOf("Track", "", "m"), 1), "track0", all("m in 1 track0")},
		{"a name is given", atIn(hookOf("Track", "mine", "m"), 5), "mine", all("m in 5 mine")},
		{"no gate is output gate 0", hookOf("Track", "x", "rr"), "x", all("rr out 0 x")},
		{"all input gates", atIn(hookOf("Track", "", "m"), -1), "", all("m in 0 track0", "m in 1 track0", "m in 5 track0")},
		{"all output gates", atOut(hookOf("Track", "x", "rr"), -7), "", all("rr out 0 x", "rr out 1 x", "rr out 2 x")},
		{"all modules", atIn(hookOf("Track", "x", ""), -1), "", all("m in 0 x", "m in 1 x", "m in 5 x", "rr in 0 x", "sink in 0 x")},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := hookPeer(t)
			if name := p.attach(c.attach); name != c.name {
				t.Fatalf("the answer is %q, want %q", name, c.name)
			}
			p.hooked(c.hooks...)
			if c.attach.GetHookName() != "" {
				refused[*api.ConfigureGateHookResponse](p, eexist, "Fail to Add Hook")(p.hook(c.attach, true))
				p.hooked(c.hooks...)
			}
			p.detach(c.attach)
			p.hooked(usualHooks()...)
			if c.attach.GetHookName() != "" {
				p.detach(c.attach) // nothing found is success
				p.hooked(usualHooks()...)
			}
		})
	}
}

func TestDetachWithoutNameTakesTheFirstOfTheClass(t *testing.T) {
	p := hookPeer(t)
	dump := hookOf("TcpDump", "a", "src")
	p.attach(p.with(dump, &api.TcpdumpArg{Fifo: fifo(t, true)}))
	p.attach(hookOf("Track", "b", "src"))
	rest := func(h ...string) {
		t.Helper()
		p.hooked(append(usualHooks()[:4], h...)...)
	}
	rest("src out 0 b", "src out 0 track0", "src out 0 a")
	p.detach(hookOf("Track", "", "src"))
	rest("src out 0 track0", "src out 0 a")
	p.detach(hookOf("PcapNg", "", "src")) // none is there
	rest("src out 0 track0", "src out 0 a")
	p.detach(hookOf("Track", "", "src"))
	rest("src out 0 a")
	p.detach(hookOf("Track", "", "src"))
	rest("src out 0 a")
	p.detach(hookOf("TcpDump", "", "src"))
	rest()
}

func TestGateHooksAreOrderedByPriorityThenName(t *testing.T) {
	p := hookPeer(t)
	in := func(class, name string, arg proto.Message) {
		p.attach(p.with(atIn(hookOf(class, name, "m"), 0), arg))
	}
	in("PcapNg", "a", &api.PcapngArg{Fifo: fifo(t, true)})
	in("TcpDump", "c", &api.TcpdumpArg{Fifo: fifo(t, true)})
	in("TcpDump", "b", &api.TcpdumpArg{Fifo: fifo(t, true)})
	in("Track", "z", &api.TrackArg{Bits: true})
	in("Track", "y", nil)
	p.hooked(append([]string{"m in 0 y", "m in 0 z", "m in 0 b", "m in 0 c", "m in 0 a"}, usualHooks()...)...)
	hs := p.listHooks()
	if h := hs[1]; h.GetClassName() != "Track" || !proto.Equal(h.GetArg(), pack(t, &api.TrackArg{Bits: true})) {
		t.Fatalf("not as given: %v", h)
	}
	if h := hs[5]; h.GetClassName() != "Track" || !proto.Equal(h.GetArg(), pack(t, &api.TrackArg{})) {
		t.Fatalf("the usual hook: %v", h)
	}
}

// Enabling Track adds a second hook in the original, and no bytes appear.
func TestTrackAgainSetsItsBits(t *testing.T) {
	p := hookPeer(t)
	for _, bits := range []bool{true, true, false} {
		if name := p.attach(p.with(hookOf("Track", "", "src"), &api.TrackArg{Bits: bits})); name != "track0" {
			t.Fatalf("the answer is %q", name)
		}
		p.hooked(usualHooks()...)
		if p.bits("src", "track0") != bits || p.bits("m", "track0") {
			t.Fatalf("bits of src %v, want %v", !bits, bits)
		}
	}
	// A name that is taken changes nothing.
	again := p.with(hookOf("Track", "track0", "src"), &api.TrackArg{Bits: true})
	refused[*api.ConfigureGateHookResponse](p, eexist, "Fail to Add Hook")(p.hook(again, true))
	if p.bits("src", "track0") {
		t.Fatal("a refused request sets bits")
	}
}

func TestHookIsAttachedToAllGatesOrNone(t *testing.T) {
	for what, h := range map[string]*api.GateHookInfo{
		"gates of a module":    atOut(hookOf("Track", "x", "rr"), -1),
		"gates of all modules": atOut(hookOf("Track", "x", ""), -1),
	} {
		t.Run(what, func(t *testing.T) {
			p := hookPeer(t)
			p.attach(atOut(hookOf("Track", "x", "rr"), 2))
			before := append(usualHooks(), "rr out 2 x")
			slices.Sort(before)
			p.hooked(before...)
			refused[*api.ConfigureGateHookResponse](p, eexist, "Fail to Add Hook")(p.hook(h, true))
			p.hooked(before...)
		})
	}
}

func TestGateHookCommandErrors(t *testing.T) {
	p := hookPeer(t)
	for _, c := range []struct {
		hook *api.GateHookInfo
		cmd  string
		code int
		text string
	}{
		{hookOf("", "track0", "gone"), "reset", enoent, "No module 'gone' found"},
		{atIn(hookOf("", "track0", "m"), 2), "reset", einval, "m: igate '2' does not exist"},
		{atOut(hookOf("", "track0", "rr"), 3), "reset", einval, "rr: ogate '3' does not exist"},
		{atOut(hookOf("", "track0", "rr"), -1), "reset", einval, "rr: ogate '-1' does not exist"},
		{atOut(hookOf("", "track1", "rr"), 2), "reset", enoent, "rr: ogate '2' has no hook named 'track1'"},
		{atIn(hookOf("", "track0", "m"), 5), "reset", enoent, "m: igate '5' has no hook named 'track0'"},
		{hookOf("", "track0", "rr"), "nope", enotsup, "'Track' does not support command 'nope'"},
	} {
		t.Run(fmt.Sprintf("%v %s", c.hook, c.cmd), func(t *testing.T) {
			p.t = t
			refused[*api.CommandResponse](p, c.code, c.text)(p.GateHookCommand(p.ctx, &api.GateHookCommandRequest{Hook: c.hook, Cmd: c.cmd}))
		})
	}
}

func TestTrackReset(t *testing.T) {
	p := hookPeer(t)
	pkts := func(module string) uint64 {
		t.Helper()
		r, err := p.GetModuleInfo(p.ctx, &api.GetModuleInfoRequest{Name: module})
		return ok(p, r, err).GetOgates()[0].GetPkts()
	}
	p.resume()
	p.await("traffic", func() bool { return pkts("src") > 0 && pkts("m") > 0 })
	p.pause()
	// The hook's class is ignored, the argument travels in the hook.
	h := p.with(hookOf("Nope", "track0", "src"), &api.EmptyArg{})
	r, err := p.GateHookCommand(p.ctx, &api.GateHookCommandRequest{Hook: h, Cmd: "reset"})
	ok(p, r, err)
	if src, m := pkts("src"), pkts("m"); src != 0 || m == 0 {
		t.Fatalf("after the reset of src's hook src counts %d, m %d", src, m)
	}
}
