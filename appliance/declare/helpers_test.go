// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/hook/track"
	"github.com/bessform/terraform-provider-bess/appliance/internal/testenv"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/acl"
	"github.com/bessform/terraform-provider-bess/appliance/module/buffer"
	"github.com/bessform/terraform-provider-bess/appliance/module/bypass"
	"github.com/bessform/terraform-provider-bess/appliance/module/noop"
	"github.com/bessform/terraform-provider-bess/appliance/module/portinc"
	"github.com/bessform/terraform-provider-bess/appliance/module/portout"
	"github.com/bessform/terraform-provider-bess/appliance/module/queueinc"
	"github.com/bessform/terraform-provider-bess/appliance/module/queueout"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/roundrobin"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/split"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/appliance/port/unixsock"
)

// devices is a driver's world: which paths are open.
type devices struct {
	mu    sync.Mutex
	open  map[string]int
	opens int

	prepared int           // how often
	asked    chan struct{} // nil: preparation is quick. It tells that it has begun,
	answer   chan struct{} // and waits for this
}

// prepare finds out what the path is.
func (w *devices) prepare(arg *unixsock.UnixSocketPortArg) string {
	if w.asked != nil {
		w.asked <- struct{}{}
		<-w.answer
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prepared++
	return arg.GetPath()
}

type device struct {
	world *devices
	path  string
}

func (d *device) Recv(int, *packet.Cache, *packet.Batch, int) int { return 0 }
func (d *device) Send(int, *packet.Cache, []packet.Packet) int    { return 0 }
func (d *device) Close() {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	d.world.open[d.path]--
}

// driver returns a driver of exclusive devices that have at most four queues.
func (w *devices) driver() *port.Driver {
	w.open = map[string]int{}
	return &port.Driver{Name: "UnixSocketPort", Prefix: "unix", Arg: (*unixsock.UnixSocketPortArg)(nil), Prepare: port.Prepare(w.prepare),
		New: func(cfg *port.Config, _ proto.Message) (port.Device, error) {
			path := cfg.Prepared.(string)
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.open[path] > 0 {
				return nil, errno.Errorf(errno.EBUSY, "path: %q: in use", path)
			}
			w.open[path]++
			w.opens++
			cfg.NumInc, cfg.NumOut = min(cfg.NumInc, 4), min(cfg.NumOut, 4)
			cfg.MAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
			return &device{w, path}, nil
		}}
}

// world is an engine with its catalog.
type world struct {
	*testing.T
	e    *engine.Engine
	cat  declare.Catalog
	dev  devices
	fail bool // what Failing does
}

// passing is a module that passes packets on and takes no new argument.
type passing struct{}

func (passing) Process(ctx *module.Context, b *packet.Batch) { ctx.EmitBatch(b, 0) }

// failing is a class whose construction fails when the world says so.
func (w *world) failing() *module.Class {
	return &module.Class{Name: "Failing", Prefix: "failing", IGates: 1, OGates: 1, MaxWorkers: 64, Arg: (*source.SourceArg)(nil),
		New: func(*module.Env, proto.Message) (module.Module, error) {
			if w.fail {
				return nil, errors.New("pkt_size: 7: not today")
			}
			return passing{}, nil
		}}
}

// meta is a class that reads a metadata attribute.
var meta = &module.Class{Name: "Meta", Prefix: "meta", IGates: 1, OGates: 1, MaxWorkers: 64,
	New: func(env *module.Env, _ proto.Message) (module.Module, error) {
		if _, err := env.AddAttr("color", 4, module.Read); err != nil {
			return nil, err
		}
		return passing{}, nil
	}}

func (w *world) classes() []*module.Class {
	return []*module.Class{source.Class, sink.Class, bypass.Class, roundrobin.Class, rewrite.Class, split.Class, noop.Class, acl.Class, meta, w.failing(),
		portinc.Class, portout.Class, queueinc.Class, queueout.Class, buffer.Class,
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t}
	w.cat = declare.Catalog{Classes: w.classes(), Drivers: []*port.Driver{w.dev.driver()}}
	e, err := engine.New(engine.Options{Classes: w.cat.Classes, Drivers: w.cat.Drivers, Hooks: []*hook.Class{track.Class}, Buffers: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	w.e = e
	return w
}

const header = "apiVersion: bess.dev/v1\nkind: Pipeline\nspec:\n"

// doc makes a document of what is below spec.
func doc(spec string) []declare.Document {
	return []declare.Document{{Name: "p.yaml", Text: []byte(header + spec)}}
}

// validate reads a declaration that has no errors.
func (w *world) validate(spec string) *declare.Pipeline {
	w.Helper()
	p, found := declare.Validate(doc(spec), w.cat)
	if declare.HasErrors(found) {
		w.Fatalf("%s", declare.Text(found))
	}
	return p
}

// apply applies a declaration and returns the actions as text.
func (w *world) apply(spec string) string {
	w.Helper()
	res, err := declare.Apply(w.e, w.validate(spec), w.cat, 0)
	if err != nil {
		w.Fatal(err)
	}
	w.quiet(spec)
	return actions(res.Actions)
}

// quiet checks that applying again changes nothing.
func (w *world) quiet(spec string) {
	w.Helper()
	plan, _, err := declare.PlanFor(w.e, w.validate(spec), w.cat)
	if err != nil {
		w.Fatal(err)
	}
	if !plan.IsEmpty() {
		w.Errorf("the second plan is not empty:\n%s", actions(plan.Actions))
	}
}

// actions renders a plan, a line for each action.
func actions(list []declare.Action) string {
	var b strings.Builder
	for _, a := range list {
		b.WriteString(a.Verb + " " + a.Object + " [" + a.Disruption + "]")
		if a.Detail != "" {
			b.WriteString(" " + a.Detail)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }

// same compares texts.
func (w *world) same(got, want string) {
	w.Helper()
	if got != want {
		w.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func await(t testing.TB, what string, f func() bool) {
	t.Helper()
	testenv.Eventually(t, what+" happens", f)
}

func (w *world) packets(tc string) uint64 {
	w.Helper()
	s, err := w.e.TCStats(tc)
	if err != nil {
		w.Fatal(err)
	}
	return s.Packets
}
