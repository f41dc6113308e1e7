// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package moduletest runs module classes in a real graph, without daemon and
// workers: frames in, frames out per gate, commands, counters. Its scripts
// (script.go) are the case tables of the specification in executable form.
package moduletest

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/graph/metadata"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// Frames are the reference frames of spec: modules/README.md section 2.6.
var Frames = map[string]string{
	"U1": "06163e1b7232021e679f4dae08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64",
	"T1": "06163e1b7232021e679f4dae08004500003200010000400660b3ac1064010a000001271127120000000000000000501020000775000068656c6c6f776f726c64",
	"V1": "06163e1b7232021e679f4dae8100000708004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64",
	"A1": "ffffffffffff021e679f4dae08060001080006040001021e679f4dae0a00000900000000000001020304",
	"I1": "06163e1b7232021e679f4dae080045000020000100004001bebaac10000208080808080021041234000161626364",
	"O1": "06163e1b7232021e679f4dae08004600002000010000401163c90a0000010a000002010101003132333435363738",
}

// Frame returns a reference frame, or the bytes of a hex string.
func Frame(s string) []byte {
	if f, ok := Frames[s]; ok {
		s = f
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(fmt.Sprintf("frame %q: %v", s, err))
	}
	return b
}

// buffers is the size of a harness's packet pool.
const buffers = 8192

// Harness is a graph whose tasks are run by hand. Not safe for concurrent
// use, but for Send and RunTask on different workers.
type Harness struct {
	t       testing.TB
	pool    *packet.Pool
	graph   *graph.Graph
	attrs   metadata.Registry
	ports   map[string]*port.Port
	worker  int
	workers map[int]*lane
	feeds   map[string]*feed
	taps    map[string]*tap
	tasks   []*graph.Task
	watch   []string // attributes that taps read
	log     *slog.Logger
	version uint64
}

// lane is what a worker would own.
type lane struct {
	ctx  *module.Context
	prog *graph.Program
}

// New returns an empty harness; it ends with the test and fails it if packets
// were leaked or lost.
func New(t testing.TB) *Harness {
	t.Helper()
	pool, err := packet.NewPool(buffers)
	if err != nil {
		t.Fatal(err)
	}
	h := &Harness{t: t, pool: pool, graph: graph.New(), ports: map[string]*port.Port{},
		workers: map[int]*lane{}, feeds: map[string]*feed{}, taps: map[string]*tap{}, log: slog.New(slog.DiscardHandler)}
	t.Cleanup(h.close)
	return h
}

// close destroys everything and checks that all packets are back.
func (h *Harness) close() {
	for _, m := range h.graph.Modules() {
		m.Close()
	}
	for _, l := range h.workers {
		l.ctx.Cache.Close()
	}
	if n := h.pool.Available(); n != buffers && !h.t.Failed() {
		h.t.Errorf("%d packets were not freed", buffers-n)
	}
	for _, p := range h.ports {
		p.Device.Close()
	}
	h.pool.Close()
}

// host implements module.Host.
type host struct{ h *Harness }

func (x host) DeclareAttr(declared []module.Attr, a module.Attr) ([]module.Attr, error) {
	return x.h.attrs.Declare(declared, a)
}
func (x host) ReleaseAttrs(declared []module.Attr) { x.h.attrs.Release(declared) }
func (x host) Port(name string) (*port.Port, bool) { p, ok := x.h.ports[name]; return p, ok }
func (x host) Pool() *packet.Pool                  { return x.h.pool }

// LogTo gives instances created later a log of their own.
func (h *Harness) LogTo(handler slog.Handler) { h.log = slog.New(handler) }

// AddPort makes a port known under its name; it is closed with the harness.
func (h *Harness) AddPort(p *port.Port) { h.ports[p.Name] = p }

// Create creates an instance. arg may be nil for all defaults.
func (h *Harness) Create(name string, c *module.Class, arg proto.Message) error {
	if arg == nil && c.Arg != nil {
		arg = c.Arg.ProtoReflect().New().Interface()
	}
	if arg == nil {
		arg = emptyArg()
	}
	if h.graph.Module(name) != nil {
		return errno.Errorf(errno.EEXIST, "module %s exists", name)
	}
	if err := check(arg); err != nil {
		return err
	}
	env := module.NewEnv(name, h.log, host{h})
	impl, err := c.New(env, arg)
	if err != nil {
		env.Release()
		return err
	}
	packed, err := anypb.New(arg)
	if err != nil {
		return err
	}
	m := graph.NewModule(c, impl, env, packed)
	h.graph.Add(m)
	h.tasks = append(h.tasks, m.Tasks...)
	return nil
}

// MustCreate is Create for arguments that must be right.
func (h *Harness) MustCreate(name string, c *module.Class, arg proto.Message) {
	h.t.Helper()
	if err := h.Create(name, c, arg); err != nil {
		h.t.Fatalf("create %s: %v", name, err)
	}
}

// Destroy removes an instance with its links.
func (h *Harness) Destroy(name string) {
	m := h.module(name)
	for _, in := range m.Ins() {
		for len(in.From) > 0 {
			h.graph.Disconnect(in.From[0])
		}
	}
	for _, o := range m.Outs() {
		h.graph.Disconnect(o)
	}
	h.tasks = slices.DeleteFunc(h.tasks, func(t *graph.Task) bool { return t.Module == m })
	h.graph.Remove(m)
	m.Close()
	m.Env.Release()
}

func (h *Harness) module(name string) *graph.Module {
	h.t.Helper()
	m := h.graph.Module(name)
	if m == nil {
		h.t.Fatalf("there is no module %q", name)
	}
	return m
}

// Instance returns the instance itself.
func (h *Harness) Instance(name string) module.Module { h.t.Helper(); return h.module(name).Impl }

// Command runs a command. arg may be nil.
func (h *Harness) Command(name, cmd string, arg proto.Message) (proto.Message, error) {
	h.t.Helper()
	m := h.module(name)
	c := m.Class.Command(cmd)
	if c == nil {
		if cmd == "get_initial_arg" {
			if r, ok := m.Impl.(module.InitialArger); ok {
				return r.InitialArg(), nil
			}
			return m.Arg.UnmarshalNew()
		}
		return nil, errno.Errorf(errno.ENOTSUP, "'%s' does not support command '%s'", m.Class.Name, cmd)
	}
	if arg == nil {
		arg = c.Arg.ProtoReflect().New().Interface()
	}
	if err := check(arg); err != nil {
		return nil, err
	}
	if _, ok := m.Impl.(module.WorkerRouter); ok {
		defer h.graph.Touch() // the workers' roads may have changed
	}
	return c.Run(m.Impl, arg)
}

// Update gives the instance a new creation argument in place.
func (h *Harness) Update(name string, arg proto.Message) error {
	h.t.Helper()
	u, ok := h.Instance(name).(module.Updater)
	if !ok {
		return module.ErrRebuild
	}
	if err := check(arg); err != nil {
		return err
	}
	return u.Update(arg)
}

// Connect links two gates.
func (h *Harness) Connect(a string, og int, b string, ig int) {
	h.t.Helper()
	h.graph.Connect(h.module(a), og, h.module(b), ig)
}

// SetWorker makes later calls of Send and RunTask use that worker's id.
func (h *Harness) SetWorker(id int) { h.worker = id }

// Context returns the context of a worker.
func (h *Harness) Context(worker int) *module.Context { return h.lane(worker).ctx }

// lane returns the worker's context with an up-to-date snapshot.
func (h *Harness) lane(worker int) *lane {
	l := h.workers[worker]
	if l == nil {
		l = &lane{ctx: module.NewContext(worker, h.pool.NewCache(), sys.CyclesPerSecond())}
		h.workers[worker] = l
		h.version = 0
	}
	if h.version != h.graph.Version() || l.prog == nil {
		tasks := map[int][]*graph.Task{}
		for id := range h.workers {
			tasks[id] = h.tasks
		}
		h.graph.Propagate(tasks)
		for id, l := range h.workers {
			l.prog = h.graph.Compile(id, h.tasks)
		}
		h.version = h.graph.Version()
	}
	return l
}

// run runs one task on the current worker.
func (h *Harness) run(t *graph.Task) module.Result {
	l := h.lane(h.worker)
	l.prog.Install(l.ctx)
	res, fault := t.RunIn(l.ctx, sys.Cycles())
	if fault != nil {
		h.t.Fatalf("module %s panicked: %v", fault.Module, fault.Value)
	}
	return res
}

// RunTask runs one task of a module once.
func (h *Harness) RunTask(name string, task int) module.Result {
	h.t.Helper()
	h.tapAll(name)
	m := h.module(name)
	if task >= len(m.Tasks) {
		h.t.Fatalf("%s has %d tasks, no task %d", name, len(m.Tasks), task)
	}
	return h.run(m.Tasks[task])
}

// Send lets the frames arrive on an input gate in one batch, at most 64.
func (h *Harness) Send(name string, igate int, frames ...[]byte) {
	h.t.Helper()
	h.tapAll(name)
	f := h.feed(name, igate)
	f.frames = frames
	h.run(f.task)
}

// Out returns, and forgets, the frames that left an output gate which no
// module is connected to.
func (h *Harness) Out(name string, ogate int) [][]byte {
	h.t.Helper()
	t := h.taps[key(name, ogate)]
	if t == nil {
		return nil
	}
	frames := t.frames
	t.frames, t.attrs = nil, nil
	return frames
}

// Deadends returns the packets the module dropped, explicitly or for want of
// a connected gate.
func (h *Harness) Deadends(name string) uint64 { h.t.Helper(); return h.module(name).Deadends() }

// Counter returns a counter of the class.
func (h *Harness) Counter(name, counter string) uint64 {
	h.t.Helper()
	m := h.module(name)
	for i, c := range m.Class.Counters {
		if c.Name == counter {
			return m.Counter(i)
		}
	}
	h.t.Fatalf("class %s has no counter %q", m.Class.Name, counter)
	return 0
}

// Desc returns the live description.
func (h *Harness) Desc(name string) string { h.t.Helper(); return h.module(name).Desc() }

// Free returns how many packets of the pool are free.
func (h *Harness) Free() int { return h.pool.Available() }
