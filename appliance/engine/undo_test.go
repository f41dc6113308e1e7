// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"bytes"
	"errors"
	"net"
	"reflect"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/hook/track"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/bypass"
	"github.com/bessform/terraform-provider-bess/appliance/module/portout"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

var errBoom = errors.New("boom")

// bin is a device that eats packets and notices when it is used after Close.
type bin struct {
	log    *binLog
	closed atomic.Bool
}

type binLog struct {
	opened   int
	misused  atomic.Int64 // packets sent to closed devices
	sent     atomic.Int64
	mtu      int
	failOpen bool
	// exclusive lets one device be open at a time.
	exclusive bool
	open      atomic.Int64
}

func (d *bin) Recv(int, *packet.Cache, *packet.Batch, int) int { return 0 }

func (d *bin) Send(_ int, c *packet.Cache, ps []packet.Packet) int {
	if d.closed.Load() {
		d.log.misused.Add(int64(len(ps)))
	}
	d.log.sent.Add(int64(len(ps)))
	c.FreeAll(ps)
	return len(ps)
}

func (d *bin) SetConf(mtu int, _ net.HardwareAddr, _ bool) error { d.log.mtu = mtu; return nil }

func (d *bin) Close() { d.closed.Store(true); d.log.open.Add(-1) }

func (l *binLog) driver() *port.Driver {
	return &port.Driver{Name: "Bin", Prefix: "bin", New: func(*port.Config, proto.Message) (port.Device, error) {
		if l.failOpen {
			return nil, errno.Errorf(errno.EBUSY, "the device is gone")
		}
		if l.exclusive && l.open.Load() > 0 {
			return nil, errno.Errorf(errno.EBUSY, "the device is in use")
		}
		l.opened++
		l.open.Add(1)
		return &bin{log: l}, nil
	}}
}

// eye is a hook that knows whether it was closed.
type eye struct{ closed atomic.Int32 }

func (h *eye) Run(*module.Context, *packet.Batch) {}
func (h *eye) Close()                             { h.closed.Add(1) }

func fullEngine(t *testing.T, log *binLog, h *eye, extra ...*module.Class) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Options{Buffers: 4096, Drivers: []*port.Driver{log.driver()},
		Classes: append([]*module.Class{source.Class, sink.Class, bypass.Class, portout.Class}, extra...),
		Hooks: []*hook.Class{track.Class, {Name: "Eye", Prefix: "eye", Priority: -1,
			New: func(hook.Gate, proto.Message) (hook.Hook, error) { return h, nil }}}})
	must(t, err)
	t.Cleanup(e.Close)
	return e
}

// fails runs a transaction that fails after f.
func fails(t *testing.T, e *engine.Engine, f func(tx *engine.Tx)) {
	t.Helper()
	if err := e.Transaction(func(tx *engine.Tx) error { f(tx); return errBoom }); !errors.Is(err, errBoom) {
		t.Fatalf("error %v", err)
	}
}

func bridge(t *testing.T, e *engine.Engine) {
	t.Helper()
	_, err := e.CreatePort(engine.PortSpec{Name: "p", Driver: "Bin"})
	must(t, err)
	_, err = e.CreateModule("src", "Source", nil)
	must(t, err)
	_, err = e.CreateModule("out", "PortOut", arg(t, &portout.PortOutArg{Port: "p"}))
	must(t, err)
	must(t, e.Connect("src", 0, "out", 0, false))
	e.ResumeAll()
}

// The modules that an undone transaction brought back held the port that it
// had closed: their packets went to a closed device, for ever.
func TestUndoneDestroyPortGivesModulesTheReopenedPort(t *testing.T) {
	log := &binLog{}
	e := fullEngine(t, log, nil)
	bridge(t, e)
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	must(t, e.SetPortConf("p", mac.String(), 1400, true))
	before := e.State()
	fails(t, e, func(tx *engine.Tx) {
		must(t, tx.DestroyModule("out"))
		must(t, tx.DestroyPort("p"))
		must(t, tx.CreatePort(engine.PortSpec{Name: "p", Driver: "Bin"}))
		must(t, tx.CreateModule("out", "PortOut", arg(t, &portout.PortOutArg{Port: "p"})))
		must(t, tx.Connect("src", 0, "out", 0))
	})
	after := e.State()
	after.Generation = before.Generation
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("before %+v\nafter  %+v", before, after)
	}
	if log.opened != 3 {
		t.Fatalf("opened %d times, want 3", log.opened)
	}
	n := log.sent.Load()
	await(t, "traffic", func() bool { return log.sent.Load() > n })
	if n := log.misused.Load(); n != 0 {
		t.Fatalf("%d packets went to a closed device", n)
	}
	if c := e.Port("p").Config(); !bytes.Equal(c.MAC, mac) || c.MTU != 1400 || log.mtu != 1400 {
		t.Fatalf("configuration %+v, device has mtu %d", c, log.mtu)
	}
	if code := errno.Code(e.DestroyPort("p")); code != errno.EBUSY {
		t.Fatalf("the port is in use, but DestroyPort answers %d", code)
	}
}

func TestUndoneDestroyPortThatCannotBeReopenedLeavesNoModuleOnAClosedDevice(t *testing.T) {
	log := &binLog{}
	e := fullEngine(t, log, nil)
	bridge(t, e)
	fails(t, e, func(tx *engine.Tx) {
		must(t, tx.DestroyModule("out"))
		must(t, tx.DestroyPort("p"))
		log.failOpen = true
	})
	n := passed(t, e, "!leaf_src:0")
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > n+1000 })
	if n := log.misused.Load(); n != 0 {
		t.Fatalf("%d packets went to a closed device", n)
	}
	if m := e.ListModules(); len(m) != 1 || m[0].Name != "src" {
		t.Fatalf("modules %+v", m)
	}
}

// A port that is replaced goes on until the transaction has succeeded, if both
// devices can be open together.
func TestReplacedPortIsClosedLast(t *testing.T) {
	log := &binLog{}
	e := fullEngine(t, log, nil)
	bridge(t, e)
	before := e.State()
	old := e.Port("p")
	replace := func(tx *engine.Tx) {
		must(t, tx.DestroyModule("out"))
		must(t, tx.ReplacePort(engine.PortSpec{Name: "p", Driver: "Bin", NumOut: 2}))
		must(t, tx.CreateModule("out", "PortOut", arg(t, &portout.PortOutArg{Port: "p"})))
		must(t, tx.Connect("src", 0, "out", 0))
		n := log.sent.Load()
		await(t, "traffic through the old port", func() bool { return log.sent.Load() > n })
	}
	fails(t, e, func(tx *engine.Tx) {
		if code := errno.Code(tx.ReplacePort(engine.PortSpec{Name: "p", Driver: "Bin"})); code != errno.EBUSY {
			t.Errorf("a port in use was replaced: %d", code)
		}
		if code := errno.Code(tx.ReplacePort(engine.PortSpec{Name: "x", Driver: "Bin"})); code != errno.ENOENT {
			t.Errorf("a port that is not there was replaced: %d", code)
		}
		replace(tx)
	})
	after := e.State()
	after.Generation = before.Generation
	if !reflect.DeepEqual(before, after) || e.Port("p") != old || old.Device.(*bin).closed.Load() || log.opened != 2 {
		t.Fatalf("before %+v\nafter  %+v, opened %d times", before, after, log.opened)
	}
	must(t, e.Transaction(func(tx *engine.Tx) error { replace(tx); return nil }))
	if e.Port("p") == old || e.Port("p").Queues(port.Out) != 2 || !old.Device.(*bin).closed.Load() || log.opened != 3 {
		t.Fatalf("opened %d times", log.opened)
	}
	n := log.sent.Load()
	await(t, "traffic", func() bool { return log.sent.Load() > n })
	if n := log.misused.Load(); n != 0 {
		t.Fatalf("%d packets went to a closed device", n)
	}
}

// A device that cannot be opened twice is closed first, and opened again when
// the transaction fails.
func TestReplacedPortOfTheSameDevice(t *testing.T) {
	log := &binLog{exclusive: true}
	e := fullEngine(t, log, nil)
	bridge(t, e)
	replace := func(tx *engine.Tx) {
		must(t, tx.DestroyModule("out"))
		must(t, tx.ReplacePort(engine.PortSpec{Name: "p", Driver: "Bin"}))
		must(t, tx.CreateModule("out", "PortOut", arg(t, &portout.PortOutArg{Port: "p"})))
		must(t, tx.Connect("src", 0, "out", 0))
	}
	fails(t, e, replace)
	must(t, e.Transaction(func(tx *engine.Tx) error { replace(tx); return nil }))
	n := log.sent.Load()
	await(t, "traffic", func() bool { return log.sent.Load() > n })
	if n := log.misused.Load(); n != 0 || log.opened != 4 {
		t.Fatalf("%d packets went to a closed device, opened %d times", n, log.opened)
	}
}

// DestroyPort shows the workers what the transaction has done so far. Undoing
// it closed new ports and modules while workers still ran them.
func TestUndoAfterDestroyPortClosesNothingThatWorkersRun(t *testing.T) {
	log := &binLog{}
	var misused atomic.Int64
	class := &module.Class{Name: "Fragile", Prefix: "f", IGates: 1, OGates: 1, MaxWorkers: 64,
		New: func(*module.Env, proto.Message) (module.Module, error) { return &fragile{misused: &misused}, nil }}
	e := fullEngine(t, log, nil, class)
	must(t, e.AddWorker(0, 0, ""))
	build(t, e, "src", "Source", "old", "Sink")
	e.ResumeAll()
	for range 20 {
		_, err := e.CreatePort(engine.PortSpec{Name: "spare", Driver: "Bin"})
		must(t, err)
		fails(t, e, func(tx *engine.Tx) {
			must(t, tx.CreatePort(engine.PortSpec{Name: "new", Driver: "Bin"}))
			must(t, tx.CreateModule("f", "Fragile", nil))
			must(t, tx.CreateModule("out", "PortOut", arg(t, &portout.PortOutArg{Port: "new"})))
			must(t, tx.Disconnect("src", 0))
			must(t, tx.Connect("src", 0, "f", 0))
			must(t, tx.Connect("f", 0, "out", 0))
			must(t, tx.DestroyPort("spare"))
			n := log.sent.Load()
			await(t, "traffic through the new port", func() bool { return log.sent.Load() > n })
		})
		must(t, e.DestroyPort("spare"))
	}
	if m, l := misused.Load(), log.misused.Load(); m != 0 || l != 0 {
		t.Fatalf("used after Close: module %d times, device for %d packets", m, l)
	}
}

// fragile passes packets on and notices when it is used after Close.
type fragile struct {
	misused *atomic.Int64
	closed  atomic.Bool
}

func (f *fragile) Process(ctx *module.Context, b *packet.Batch) {
	if f.closed.Load() {
		f.misused.Add(1)
	}
	ctx.EmitBatch(b, 0)
}

func (f *fragile) Close() { f.closed.Store(true) }

// Undoing a Connect left its hooks at the end of the list of hooks to close;
// undoing an earlier Disconnect then took those off the list instead of its own.
func TestUndoneRelinkKeepsTheOldHooksOpen(t *testing.T) {
	h := &eye{}
	e := fullEngine(t, &binLog{}, h)
	build(t, e, "src", "Source", "by", "Bypass", "out", "Sink")
	_, err := e.CreateModule("other", "Bypass", nil)
	must(t, err)
	_, err = e.ConfigureHook(engine.HookSpec{Class: "Eye", Module: "by"}, true)
	must(t, err)
	e.ResumeAll()
	relink := map[string]func(tx *engine.Tx){
		"Connect": func(tx *engine.Tx) {
			must(t, tx.Disconnect("by", 0))
			must(t, tx.Connect("by", 0, "other", 0))
		},
		"DestroyModule": func(tx *engine.Tx) {
			must(t, tx.DestroyModule("out"))
			must(t, tx.CreateModule("out", "Sink", nil))
			must(t, tx.Connect("by", 0, "out", 0))
		},
		"MoveLink": func(tx *engine.Tx) {
			must(t, tx.MoveLink("by", 0, "other", 0))
			must(t, tx.DestroyModule("by"))
		},
	}
	for name, f := range relink {
		fails(t, e, f)
		if n := h.closed.Load(); n != 0 {
			t.Fatalf("%s: a hook that is attached was closed %d times", name, n)
		}
		if hs := e.ListHooks(); len(hs) != 3 {
			t.Fatalf("%s: hooks %+v", name, hs)
		}
	}
}

// The way back of a cut made a new gate; the ways back of older changes named
// the old one and left the new one among the feeders.
func TestUndoneConnectAndDisconnectLeaveNoPhantomFeeder(t *testing.T) {
	e := fullEngine(t, &binLog{}, nil)
	build(t, e, "a", "Source", "out", "Sink")
	_, err := e.CreateModule("b", "Source", nil)
	must(t, err)
	_, err = e.CreateModule("c", "Source", nil)
	must(t, err)
	must(t, e.Connect("c", 0, "out", 0, true))
	before, err := e.ModuleInfo("out")
	must(t, err)
	for name, f := range map[string]func(tx *engine.Tx){
		"a new link": func(tx *engine.Tx) {
			must(t, tx.Connect("b", 0, "out", 0))
			must(t, tx.Disconnect("b", 0))
		},
		"an old link": func(tx *engine.Tx) {
			must(t, tx.Disconnect("a", 0))
			must(t, tx.Connect("a", 0, "out", 0))
			must(t, tx.DestroyModule("a"))
		},
		"a new module": func(tx *engine.Tx) {
			must(t, tx.CreateModule("new", "Source", nil))
			must(t, tx.Connect("new", 0, "out", 0))
			must(t, tx.DestroyModule("new"))
		},
	} {
		fails(t, e, f)
		after, err := e.ModuleInfo("out")
		must(t, err)
		if !reflect.DeepEqual(before.Inputs, after.Inputs) {
			t.Fatalf("%s: before %+v, after %+v", name, before.Inputs, after.Inputs)
		}
	}
}

// Undoing DestroyWorker brought the worker back without its traffic classes.
func TestUndoneDestroyWorkerRestoresItsTrafficClasses(t *testing.T) {
	e := fullEngine(t, &binLog{}, nil)
	must(t, e.AddWorker(0, 0, ""))
	must(t, e.AddWorker(1, 0, ""))
	build(t, e, "src", "Source", "out", "Sink")
	build(t, e, "src2", "Source", "out2", "Sink")
	seven := int64(7)
	must(t, e.AddTC(engine.TCSpec{Name: "prio", Policy: "priority", Worker: 1}))
	must(t, e.AddTC(engine.TCSpec{Name: "rl", Policy: "rate_limit", Resource: "packet",
		Limit: map[string]int64{"packet": 64000}, Parent: "prio", Priority: &seven, Worker: -1}))
	must(t, e.UpdateTCParent(engine.TCSpec{LeafModule: "src", Parent: "rl", Worker: -1}))
	must(t, e.UpdateTCParent(engine.TCSpec{LeafModule: "src2", Worker: 1}))
	e.ResumeAll()
	before := e.State()
	fails(t, e, func(tx *engine.Tx) { must(t, tx.DestroyWorker(1)) })
	after := e.State()
	after.Generation = before.Generation
	for _, s := range []*engine.State{before, after} {
		for i := range s.TCs {
			s.TCs[i].Blocked = false // changes with every batch
		}
	}
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("before %+v\nafter  %+v", before, after)
	}
	n, n2 := passed(t, e, "!leaf_src:0"), passed(t, e, "!leaf_src2:0")
	await(t, "traffic", func() bool { return passed(t, e, "!leaf_src:0") > n && passed(t, e, "!leaf_src2:0") > n2 })
}
