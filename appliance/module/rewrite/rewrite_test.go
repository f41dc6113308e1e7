// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package rewrite_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", rewrite.Class) }

func arg(templates ...string) *rewrite.RewriteArg {
	a := &rewrite.RewriteArg{}
	for _, t := range templates {
		a.Templates = append(a.Templates, []byte(t))
	}
	return a
}

// An empty template makes empty packets.
func TestEmptyTemplate(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", rewrite.Class, arg("", "x"))
	h.Send("r", 0, moduletest.Frame("U1"), moduletest.Frame("T1"), nil)
	got := h.Out("r", 0)
	if len(got) != 3 || len(got[0]) != 0 || string(got[1]) != "x" || len(got[2]) != 0 {
		t.Errorf("%x, want packets of 0, 1 and 0 bytes", got)
	}
}

// Each worker takes its own turns.
func TestTurnsPerWorker(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", rewrite.Class, arg("a", "b", "c"))
	for _, c := range []struct {
		worker int
		want   string
	}{{0, "a"}, {1, "a"}, {63, "a"}, {0, "b"}, {1, "b"}, {0, "c"}, {0, "a"}, {1, "c"}} {
		h.SetWorker(c.worker)
		h.Send("r", 0, moduletest.Frame("U1"))
		if got := h.Out("r", 0); len(got) != 1 || string(got[0]) != c.want {
			t.Errorf("worker %d: %q, want %q", c.worker, got, c.want)
		}
	}
}

// Packets of several segments become one segment; the others are freed (the
// harness counts).
func TestLongPacketsDoNotLeak(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", rewrite.Class, arg("short"))
	for range 10 {
		h.Send("r", 0, make([]byte, 9000))
		if got := h.Out("r", 0); len(got) != 1 || string(got[0]) != "short" {
			t.Fatalf("%q", got)
		}
	}
}

// spoil moves the data around, marks the packet and its metadata.
type spoil struct{ id module.AttrID }

func (s *spoil) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		p.Adjust(20)
		p.SetFlags(packet.FlagPartialChecksum)
		copy(p.Metadata()[ctx.Attr(s.id):], "kept")
	}
	ctx.EmitBatch(b, 0)
}

// look keeps what it sees of the last packet.
type look struct {
	head  int
	flags uint32
}

func (l *look) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		l.head, l.flags = p.HeadroomLen(), p.Flags()
	}
	ctx.EmitBatch(b, 0)
}

// The data begins where it does in new packets, flags that spoke of the old
// content are gone, metadata stays.
func TestWhatStays(t *testing.T) {
	h := moduletest.New(t)
	l := &look{}
	h.WatchAttr("x")
	h.MustCreate("spoil", &module.Class{Name: "Spoil", Prefix: "s", IGates: 1, OGates: 1,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) {
			id, err := env.AddAttr("x", 4, module.Write)
			return &spoil{id}, err
		}}, nil)
	h.MustCreate("r", rewrite.Class, arg("t"))
	h.MustCreate("look", &module.Class{Name: "Look", Prefix: "l", IGates: 1, OGates: 1,
		New: func(*module.Env, proto.Message) (module.Module, error) { return l, nil }}, nil)
	h.Connect("spoil", 0, "r", 0)
	h.Connect("r", 0, "look", 0)
	h.Send("spoil", 0, moduletest.Frame("U1"))
	if l.head != packet.Headroom || l.flags != 0 {
		t.Errorf("headroom %d, flags %d", l.head, l.flags)
	}
	if got := h.Attr("look", 0, "x"); string(got) != "kept" {
		t.Errorf("metadata %q", got)
	}
}

// What the client's message held may change afterwards.
func TestTemplatesAreCopied(t *testing.T) {
	h := moduletest.New(t)
	a := arg("abc")
	h.MustCreate("r", rewrite.Class, a)
	a.Templates[0][0] = 'X'
	h.Send("r", 0, nil)
	if got := h.Out("r", 0); len(got) != 1 || string(got[0]) != "abc" {
		t.Errorf("%q", got)
	}
}

// Commands run while packets pass; every packet is one of the templates.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", rewrite.Class, arg("a", "b", "c"))
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = []byte("-")
	}
	h.Send("r", 0, frames...)
	var done sync.WaitGroup
	done.Go(func() {
		for range 300 {
			for _, err := range []error{
				second(h.Command("r", "clear", nil)),
				second(h.Command("r", "add", arg("d"))),
				second(h.Command("r", "add", arg("e", "f"))),
				h.Update("r", arg("a", "b")),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 200 {
		h.Send("r", 0, frames...)
	}
	done.Wait()
	got := h.Out("r", 0)
	if len(got) != 201*64 {
		t.Errorf("%d packets, want %d", len(got), 201*64)
	}
	for _, f := range got {
		if len(f) != 1 || !bytes.Contains([]byte("abcdef-"), f) {
			t.Fatalf("packet %q", f)
		}
	}
}

func second(_ proto.Message, err error) error { return err }

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("r", rewrite.Class, arg(string(make([]byte, 60)), string(make([]byte, 1500))))
	h.NoAllocs("r", moduletest.Frame("U1"), make([]byte, 5000))
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, rewrite.Class, func(seed []byte) proto.Message {
		a := &rewrite.RewriteArg{}
		for i := range seed {
			a.Templates = append(a.Templates, seed[i:])
		}
		return a
	})
}

func BenchmarkRewrite(b *testing.B) {
	for _, n := range []int{1, 6} {
		for _, size := range []int{60, 1500} {
			b.Run(fmt.Sprintf("%dx%d", n, size), func(b *testing.B) {
				a := &rewrite.RewriteArg{}
				for range n {
					a.Templates = append(a.Templates, make([]byte, size))
				}
				moduletest.Bench(b, rewrite.Class, a, make([]byte, 60))
			})
		}
	}
}
