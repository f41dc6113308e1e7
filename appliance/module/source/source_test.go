// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", source.Class) }

// soil takes n packets, fills their buffers and metadata with ones, and puts
// them back: the next packets will be the same.
func soil(h *moduletest.Harness, n int) {
	c := h.Context(0).Cache
	var all []packet.Packet
	for range n {
		p := c.Alloc()
		p.Init(packet.BufferSize)
		b := p.Bytes()
		for i := range b {
			b[i] = 0xff
		}
		md := p.Metadata()
		for i := range md {
			md[i] = 0xff
		}
		all = append(all, p)
	}
	for _, p := range all {
		c.Free(p)
	}
}

// The original sends out whatever a buffer held before.
func TestPacketsAreZero(t *testing.T) {
	for _, size := range []int{1, 7, 31, 32, 33, 59, 60, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1500, 1920, 1921, 2048} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h := moduletest.New(t)
			h.MustCreate("s", source.Class, &source.SourceArg{PktSize: uint64(size)})
			soil(h, 2*packet.BatchSize)
			res := h.RunTask("s", 0)
			want := module.Result{Packets: 64, Bits: uint64(64 * 8 * (size + 24))}
			if res != want {
				t.Errorf("result %+v, want %+v", res, want)
			}
			out := h.Out("s", 0)
			if len(out) != 64 {
				t.Fatalf("%d packets", len(out))
			}
			for i, f := range out {
				if !bytes.Equal(f, make([]byte, size)) {
					t.Fatalf("packet %d is %x, want %d zeros", i, f, size)
				}
			}
		})
	}
}

// The class leaves the headroom alone, and what is behind the 64 bytes that
// are written at once.
func TestNothingBesideThePacketIsTouched(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("s", source.Class, &source.SourceArg{PktSize: 33})
	h.MustCreate("probe", probe(func(p packet.Packet) {
		for _, n := range []int{31, 33} {
			if !p.Prepend(n) || !p.Append(n) {
				t.Fatal("no room")
			}
			b := p.Bytes()
			if b[0] != 0xff || n > 31 && b[len(b)-1] != 0xff {
				t.Errorf("bytes %d before and behind the packet are %x and %x", n, b[0], b[len(b)-1])
			}
		}
	}), nil)
	h.Connect("s", 0, "probe", 0)
	soil(h, packet.BatchSize)
	h.RunTask("s", 0)
}

// probe returns a class that shows packets to see and frees them.
func probe(see func(packet.Packet)) *module.Class {
	return &module.Class{Name: "Probe", Prefix: "probe", IGates: 1,
		New: func(*module.Env, proto.Message) (module.Module, error) { return prober(see), nil }}
}

type prober func(packet.Packet)

func (f prober) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		f(p)
	}
	ctx.FreeBatch(b)
}

// claimer declares that it writes an attribute, and does not.
type claimer struct{ id module.AttrID }

func (*claimer) Process(ctx *module.Context, b *packet.Batch) { ctx.EmitBatch(b, 0) }

// A packet does not inherit the metadata of the one before it in its buffer.
func TestMetadataIsZero(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("s", source.Class, nil)
	h.WatchAttr("x")
	h.MustCreate("c", &module.Class{Name: "Claimer", Prefix: "c", IGates: 1, OGates: 1,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) {
			id, err := env.AddAttr("x", 8, module.Write)
			return &claimer{id}, err
		}}, nil)
	h.Connect("s", 0, "c", 0)
	soil(h, packet.BatchSize)
	h.RunTask("s", 0)
	if got := h.Attr("c", 0, "x"); !bytes.Equal(got, make([]byte, 8)) {
		t.Errorf("attribute is %x, want zeros", got)
	}
}

// choke asks everybody upstream to hold back.
type choke struct{ on bool }

func (c *choke) Overloaded() bool                             { return c.on }
func (c *choke) Process(ctx *module.Context, b *packet.Batch) { ctx.FreeBatch(b) }

// SS7: a module downstream is overloaded.
func TestSS7Overload(t *testing.T) {
	h := moduletest.New(t)
	c := &choke{on: true}
	h.MustCreate("s", source.Class, nil)
	h.MustCreate("c", &module.Class{Name: "Choke", Prefix: "c", IGates: 1,
		New: func(*module.Env, proto.Message) (module.Module, error) { return c, nil }}, nil)
	h.Connect("s", 0, "c", 0)
	res := h.RunTask("s", 0)
	if want := (module.Result{Blocked: true, Retry: module.OverloadRetry}); res != want {
		t.Errorf("result %+v, want %+v", res, want)
	}
	c.on = false
	if res = h.RunTask("s", 0); res.Packets != 64 || res.Blocked {
		t.Errorf("afterwards %+v", res)
	}
}

// Without free packets nothing is produced, and the task asks to be run again.
func TestExhaustedPool(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("s", source.Class, nil)
	cache := h.Context(0).Cache
	var held []packet.Packet
	for p := cache.Alloc(); p != 0; p = cache.Alloc() {
		held = append(held, p)
	}
	cache.Free(held[0])
	res := h.RunTask("s", 0)
	if res.Packets != 0 || !res.Blocked || res.Retry == 0 {
		t.Errorf("result %+v with one free packet, want blocked with a time to retry", res)
	}
	for _, p := range held[1:] {
		cache.Free(p)
	}
	if res = h.RunTask("s", 0); res.Packets != 64 {
		t.Errorf("afterwards %+v", res)
	}
}

// SS11: unnamed instances are source0, source1.
func TestSS11Prefix(t *testing.T) {
	if source.Class.Prefix != "source" {
		t.Errorf("prefix %q", source.Class.Prefix)
	}
}

// A worker that sleeps because the burst is 0 is woken by the command.
func TestSetBurstWakesTheWorker(t *testing.T) {
	env := module.NewEnv("s", nil, nil)
	m, err := source.Class.New(env, &source.SourceArg{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := module.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	env.Tasks()[0].SetWaker(w)
	w.SetAsleep(true)
	if _, err := source.Class.Command("set_burst").Run(m, &source.SourceCommandSetBurstArg{Burst: 1}); err != nil {
		t.Fatal(err)
	}
	var n [8]byte
	if _, err := syscall.Read(w.Event().FD(), n[:]); err != nil {
		t.Errorf("the worker was not woken: %v", err)
	}
	w.Event().Close()
}

func TestNoAllocs(t *testing.T) {
	for _, size := range []uint64{20, 60, 200, 1500} {
		h := moduletest.New(t)
		h.MustCreate("s", source.Class, &source.SourceArg{PktSize: size})
		h.NoTaskAllocs("s", 0)
	}
}

// end frees what arrives.
type end struct{}

func (end) Process(ctx *module.Context, b *packet.Batch) { ctx.FreeBatch(b) }

// BenchmarkSource runs a source into a module that frees everything.
func BenchmarkSource(b *testing.B) {
	for _, size := range []uint64{60, 64, 128, 256, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			pool, err := packet.NewPool(1024)
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			m, err := source.Class.New(module.NewEnv("s", nil, nil), &source.SourceArg{PktSize: size})
			if err != nil {
				b.Fatal(err)
			}
			in := &module.In{Node: &module.Node{Mod: end{}, Cells: module.NewCells(0)}, Single: true}
			src := &module.Node{Mod: m, Outs: []module.Out{{In: in}}, Cells: module.NewCells(0)}
			ctx := module.NewContext(0, pool.NewCache(), 1e9)
			b.ReportAllocs()
			for b.Loop() {
				ctx.RunTask(src, m.(module.Runner), 0, 0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
		})
	}
}
