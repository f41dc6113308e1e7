// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package moduletest

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/graph"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

func emptyArg() proto.Message { return &api.EmptyArg{} }

// check applies the rules of the .proto file, as the engine does.
func check(arg proto.Message) error {
	if found := args.Check(arg); len(found) > 0 {
		return errno.Errorf(errno.EINVAL, "%s", args.Text(found))
	}
	return nil
}

func key(name string, gate int) string { return fmt.Sprintf("%s:%d", name, gate) }

// feed is a module with one task that emits the given frames.
type feed struct {
	module.NoInput
	frames [][]byte
	keep   bool // frames are sent again and again, for benchmarks
	task   *graph.Task
}

// RunTask emits the frames in one batch.
func (f *feed) RunTask(ctx *module.Context, _ int) module.Result {
	b := ctx.Batch()
	for _, frame := range f.frames {
		if p := ctx.Cache.New(frame); p != 0 {
			b.Add(p)
		}
	}
	if !f.keep {
		f.frames = nil
	}
	n := b.Len()
	ctx.EmitBatch(b, 0)
	return module.Result{Packets: uint64(n)}
}

// feed returns the module that feeds an input gate from outside.
func (h *Harness) feed(name string, igate int) *feed {
	h.t.Helper()
	k := key(name, igate)
	if f := h.feeds[k]; f != nil {
		return f
	}
	f := h.newFeed("feed "+k, name, igate)
	h.feeds[k] = f
	return f
}

// newFeed makes a feed of that name for an input gate of a module.
func (h *Harness) newFeed(feedName, name string, igate int) *feed {
	h.t.Helper()
	f := &feed{}
	class := &module.Class{Name: "Feed", Prefix: "feed", OGates: 1, Task: true,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) { env.AddTask(); return f, nil }}
	h.MustCreate(feedName, class, nil)
	f.task = h.module(feedName).Tasks[0]
	h.graph.Connect(f.task.Module, 0, h.module(name), igate)
	return f
}

// tap is a module that remembers what leaves a gate.
type tap struct {
	frames [][]byte
	ids    []module.AttrID
	sizes  []int
	attrs  [][]byte // of the last frame, as h.watch
	silent bool     // only free, for benchmarks
}

// Process copies all frames and frees the packets.
func (t *tap) Process(ctx *module.Context, b *packet.Batch) {
	if t.silent {
		ctx.FreeBatch(b)
		return
	}
	for _, p := range b.Packets() {
		data := make([]byte, p.TotalLen())
		p.CopyOut(data)
		t.frames = append(t.frames, data)
		t.attrs = t.attrs[:0]
		for i, id := range t.ids {
			v := make([]byte, t.sizes[i])
			if off := ctx.Attr(id); off >= 0 {
				copy(v, p.Metadata()[off:])
			}
			t.attrs = append(t.attrs, v)
		}
	}
	ctx.FreeBatch(b)
}

// maxTaps is how many gates of a module are watched without being asked.
const maxTaps = 8

// tapAll watches the first gates of a module, and those of all modules behind
// it, that are not connected.
func (h *Harness) tapAll(string) {
	for _, m := range h.graph.Modules() {
		if m.Class.Name == "Feed" || m.Class.Name == "Tap" {
			continue
		}
		for g := range min(m.Class.OGates, maxTaps) {
			h.tap(m.Name, g)
		}
	}
}

// Tap watches an output gate unless a module is connected to it.
func (h *Harness) Tap(name string, ogate int) { h.tap(name, ogate) }

// Open leaves an output gate unconnected on purpose.
func (h *Harness) Open(name string, ogate int) { h.taps[key(name, ogate)] = &tap{} }

func (h *Harness) tap(name string, ogate int) *tap {
	h.t.Helper()
	k := key(name, ogate)
	if t := h.taps[k]; t != nil {
		return t
	}
	m := h.module(name)
	if m.Out(ogate) != nil {
		return nil
	}
	t := &tap{}
	class := &module.Class{Name: "Tap", Prefix: "tap", IGates: 1,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) {
			for _, attr := range h.watch {
				size := h.attrSize(attr)
				id, err := env.AddAttr(attr, size, module.Read)
				if err != nil {
					return nil, err
				}
				t.ids, t.sizes = append(t.ids, id), append(t.sizes, size)
			}
			return t, nil
		}}
	h.MustCreate("tap "+k, class, nil)
	h.graph.Connect(m, ogate, h.module("tap "+k), 0)
	h.taps[k] = t
	return t
}

// attrSize returns the size that the modules agreed on.
func (h *Harness) attrSize(name string) int {
	for _, m := range h.graph.Modules() {
		for _, a := range m.Attrs() {
			if a.Name == name {
				return a.Size
			}
		}
	}
	h.t.Fatalf("no module declares attribute %q", name)
	return 0
}

// WatchAttr makes all taps made later read a metadata attribute.
func (h *Harness) WatchAttr(name string) { h.watch = append(h.watch, name) }

// Attr returns an attribute of the last frame that left the gate.
func (h *Harness) Attr(name string, ogate int, attr string) []byte {
	h.t.Helper()
	t := h.taps[key(name, ogate)]
	for i, w := range h.watch {
		if w == attr && t != nil && i < len(t.attrs) {
			return t.attrs[i]
		}
	}
	return nil
}
