// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package replicate_test

import (
	"bytes"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/replicate"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", replicate.Class) }

// setter writes an attribute.
type setter struct{ id module.AttrID }

func (s *setter) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		if off := ctx.Attr(s.id); off >= 0 {
			copy(p.Metadata()[off:], "abcd")
		}
	}
	ctx.EmitBatch(b, 0)
}

func set() *module.Class {
	return &module.Class{Name: "Set", Prefix: "set", IGates: 1, OGates: 1,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) {
			id, err := env.AddAttr("x", 4, module.Write)
			return &setter{id}, err
		}}
}

// In the original copies lose their metadata.
func TestCopiesCarryMetadata(t *testing.T) {
	h := moduletest.New(t)
	h.WatchAttr("x")
	h.MustCreate("set", set(), nil)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: []int64{0, 1, 2}})
	h.Connect("set", 0, "r", 0)
	h.Send("set", 0, moduletest.Frame("U1"))
	for g := range 3 {
		if got := h.Attr("r", g, "x"); string(got) != "abcd" {
			t.Errorf("gate %d: attribute %q", g, got)
		}
	}
}

// Packets of several segments are copied as a whole.
func TestLongPackets(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: []int64{0, 1}})
	long := bytes.Repeat([]byte("0123456789"), 900)
	h.Send("r", 0, long)
	for g := range 2 {
		if got := h.Out("r", g); len(got) != 1 || !bytes.Equal(got[0], long) {
			t.Errorf("gate %d: %d packets, or not the same bytes", g, len(got))
		}
	}
}

// A copy is a packet of its own: changing one changes no other.
func TestCopiesAreIndependent(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: []int64{0, 1}})
	h.MustCreate("edit", &module.Class{Name: "Edit", Prefix: "e", IGates: 1, OGates: 1,
		New: func(*module.Env, proto.Message) (module.Module, error) { return edit{}, nil }}, nil)
	h.Connect("r", 1, "edit", 0)
	h.Send("r", 0, moduletest.Frame("U1"))
	if got := h.Out("r", 0); len(got) != 1 || !bytes.Equal(got[0], moduletest.Frame("U1")) {
		t.Errorf("original is %x", got)
	}
	if got := h.Out("edit", 0); len(got) != 1 || got[0][0] != 0xff {
		t.Errorf("copy is %x", got)
	}
}

type edit struct{}

func (edit) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		p.Bytes()[0] = 0xff
	}
	ctx.EmitBatch(b, 0)
}

// Without free buffers the copies are left out and counted; the packet itself
// goes on.
func TestCopyFailureIsCounted(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: []int64{0, 1, 2}})
	cache := h.Context(0).Cache
	var held []packet.Packet
	for p := cache.Alloc(); p != 0; p = cache.Alloc() {
		held = append(held, p)
	}
	// Two for the packets sent, one for a copy.
	for range 3 {
		cache.Free(held[0])
		held = held[1:]
	}
	h.Send("r", 0, moduletest.Frame("U1"), moduletest.Frame("T1"))
	got := []int{len(h.Out("r", 0)), len(h.Out("r", 1)), len(h.Out("r", 2))}
	if got[0] != 2 || got[1]+got[2] != 1 {
		t.Errorf("%v packets on gates 0..2, want 2 and one copy", got)
	}
	if n := h.Counter("r", "copy_failed"); n != 3 {
		t.Errorf("counted %d failures, want 3", n)
	}
	for _, p := range held {
		cache.Free(p)
	}
}

// A full batch to 32 gates, all the same: 2048 packets leave one gate.
func TestManyCopies(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: make([]int64, 32)})
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = []byte{byte(i)}
	}
	h.Send("r", 0, frames...)
	got := h.Out("r", 0)
	if len(got) != 2048 {
		t.Fatalf("%d packets", len(got))
	}
	for i, f := range got {
		if len(f) != 1 || int(f[0]) != i/32 {
			t.Fatalf("packet %d is %x", i, f)
		}
	}
}

// Commands run while packets pass; every packet sees one list or the other.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: []int64{0, 1}})
	h.Send("r", 0, moduletest.Frame("U1"))
	var done sync.WaitGroup
	done.Go(func() {
		for i := range 500 {
			g := int64(2 * (i % 2))
			if _, err := h.Command("r", "set_gates", &replicate.ReplicateCommandSetGatesArg{Gates: []int64{g, g + 1}}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		h.Send("r", 0, moduletest.Frame("U1"))
	}
	done.Wait()
	var n [4]int
	for g := range n {
		n[g] = len(h.Out("r", g))
	}
	if n[0] != n[1] || n[2] != n[3] || n[0]+n[2] != 501 {
		t.Errorf("packets per gate: %v", n)
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", replicate.Class, &replicate.ReplicateArg{Gates: []int64{0, 1, 2}})
	h.NoAllocs("r", moduletest.Frame("U1"), make([]byte, 4000))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, replicate.Class, func(seed []byte) proto.Message {
		arg := &replicate.ReplicateArg{}
		for _, c := range seed {
			arg.Gates = append(arg.Gates, int64(c))
		}
		return arg
	})
}

func BenchmarkReplicate(b *testing.B) {
	frame := make([]byte, 60)
	for _, gates := range [][]int64{{0}, {0, 1}, {0, 1, 2, 3}} {
		b.Run(string(rune('0'+len(gates))), func(b *testing.B) {
			moduletest.Bench(b, replicate.Class, &replicate.ReplicateArg{Gates: gates}, frame)
		})
	}
}
