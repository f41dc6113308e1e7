// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package setmetadata_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
	"github.com/bessform/terraform-provider-bess/appliance/module/split"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
	"github.com/bessform/terraform-provider-bess/appliance/port"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", setmetadata.Class, split.Class)
}

func number(name string, size, value uint64) *setmetadata.SetMetadataArg_Attribute {
	return &setmetadata.SetMetadataArg_Attribute{Name: name, Size: size,
		Value: &setmetadata.SetMetadataArg_Attribute_ValueInt{ValueInt: value}}
}

func piece(name string, size uint64, offset int32) *setmetadata.SetMetadataArg_Attribute {
	return &setmetadata.SetMetadataArg_Attribute{Name: name, Size: size, Offset: offset}
}

func arg(attrs ...*setmetadata.SetMetadataArg_Attribute) *setmetadata.SetMetadataArg {
	return &setmetadata.SetMetadataArg{Attrs: attrs}
}

func TestUpdateWithOtherAttributesNeedsANewInstance(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", setmetadata.Class, arg(number("x", 2, 1), number("y", 2, 1)))
	for _, a := range []*setmetadata.SetMetadataArg{
		arg(number("x", 2, 1)),
		arg(number("y", 2, 1), number("x", 2, 1)),
		arg(number("x", 2, 1), number("y", 4, 1)),
		arg(number("x", 2, 1), number("y", 2, 1), number("z", 2, 1)),
	} {
		if err := h.Update("m", a); !errors.Is(err, module.ErrRebuild) {
			t.Errorf("%v: %v", a, err)
		}
	}
}

func TestAtMostSixteenAttributes(t *testing.T) {
	var attrs []*setmetadata.SetMetadataArg_Attribute
	for i := range 17 {
		attrs = append(attrs, number(fmt.Sprint("a", i), 1, uint64(i)))
	}
	h := moduletest.New(t)
	if err := h.Create("m", setmetadata.Class, arg(attrs...)); errno.Code(err) != errno.ENOSPC {
		t.Errorf("17 attributes: %v", err)
	}
	if err := h.Create("m", setmetadata.Class, arg(attrs[:16]...)); err != nil {
		t.Errorf("16 attributes: %v", err)
	}
}

// Only the copies that somebody reads are made.
func TestUnreadAttributesAreSkipped(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", setmetadata.Class, arg(piece("x", 4, 1000)))
	h.Send("m", 0, moduletest.Frame("U1"))
	if n := h.Counter("m", "short"); n != 0 {
		t.Errorf("%d packets counted as short for an attribute nobody reads", n)
	}
}

// The caller's message must not become ours.
func TestArgumentIsNotShared(t *testing.T) {
	h := moduletest.New(t)
	a := arg(number("x", 2, 1))
	h.MustCreate("m", setmetadata.Class, a)
	a.Attrs[0].Name = "changed"
	r, err := h.Command("m", "get_initial_arg", nil)
	if err != nil || !proto.Equal(r, arg(number("x", 2, 1))) {
		t.Errorf("%v, %v", r, err)
	}
}

// Every kind and size of copy and constant against a plain reference.
func TestAllShiftsMatchReference(t *testing.T) {
	frame := make([]byte, 80)
	for i := range frame {
		frame[i] = byte(i*37 + 11)
	}
	for size := 1; size <= module.MaxAttrSize; size++ {
		h := moduletest.New(t)
		h.WatchAttr("x")
		h.MustCreate("m", setmetadata.Class, arg(piece("x", uint64(size), 0)))
		for shift := -(size - 1); shift < size; shift++ {
			for _, masked := range []bool{false, true} {
				a := piece("x", uint64(size), 60)
				a.RshiftBits = int32(8 * shift)
				want := make([]byte, size)
				for i := range want {
					if j := i - shift; j >= 0 && j < size && 60+j < len(frame) {
						want[i] = frame[60+j]
					}
				}
				if masked {
					a.Mask = make([]byte, size)
					for i := range a.Mask {
						a.Mask[i] = byte(0x5a ^ i)
						want[i] &= a.Mask[i]
					}
				}
				if err := h.Update("m", arg(a)); err != nil {
					t.Fatal(err)
				}
				h.Send("m", 0, frame)
				if got := h.Attr("m", 0, "x"); string(got) != string(want) {
					t.Fatalf("size %d shift %d masked %v: %x, want %x", size, shift, masked, got, want)
				}
			}
		}
	}
}

func TestAllConstantSizesMatchReference(t *testing.T) {
	for size := 1; size <= module.MaxAttrSize; size++ {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte(i + 1)
		}
		h := moduletest.New(t)
		h.WatchAttr("x")
		h.MustCreate("m", setmetadata.Class, arg(&setmetadata.SetMetadataArg_Attribute{Name: "x", Size: uint64(size),
			Value: &setmetadata.SetMetadataArg_Attribute_ValueBin{ValueBin: value}}))
		h.Send("m", 0, moduletest.Frame("U1"), moduletest.Frame("T1"))
		if got := h.Attr("m", 0, "x"); string(got) != string(value) {
			t.Fatalf("size %d: %x, want %x", size, got, value)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.WatchAttr("x")
	h.WatchAttr("y")
	h.MustCreate("m", setmetadata.Class, arg(number("x", 4, 1), piece("y", 16, 20)))
	h.NoAllocs("m", moduletest.Frame("U1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, setmetadata.Class, func(seed []byte) proto.Message {
		a := &setmetadata.SetMetadataArg{}
		for i := 0; len(seed) >= 8 && i < 16; i, seed = i+1, seed[8:] {
			x := piece(fmt.Sprint("a", i), uint64(seed[0]%34), int32(int16(binary.LittleEndian.Uint16(seed[1:]))))
			x.RshiftBits = int32(int8(seed[3])) * 8
			switch seed[4] % 4 {
			case 0:
				x = number(x.Name, x.Size, uint64(seed[5]))
			case 1:
				x.Mask = make([]byte, x.Size)
			}
			a.Attrs = append(a.Attrs, x)
		}
		return a
	})
}

// host lets an instance be made without an engine.
type host struct{}

func (host) DeclareAttr(d []module.Attr, a module.Attr) ([]module.Attr, error) {
	return append(d, a), nil
}
func (host) ReleaseAttrs([]module.Attr)     {}
func (host) Port(string) (*port.Port, bool) { return nil, false }
func (host) Pool() *packet.Pool             { return nil }

// loop emits the same packets again and again.
type loop struct {
	module.NoInput
	packets []packet.Packet
}

func (l *loop) RunTask(ctx *module.Context, _ int) module.Result {
	ctx.Batch().Append(l.packets)
	ctx.EmitBatch(ctx.Batch(), 0)
	return module.Result{}
}

// end keeps the packets for the next round.
type end struct{}

func (end) Process(*module.Context, *packet.Batch) {}

func BenchmarkProcess(b *testing.B) {
	masked := piece("x", 4, 26)
	masked.Mask = []byte{255, 255, 0, 0}
	for _, c := range []struct {
		name string
		attr *setmetadata.SetMetadataArg_Attribute
	}{
		{"const4", number("x", 4, 1)}, {"const16", number("x", 16, 1)},
		{"copy4", piece("x", 4, 26)}, {"copy6", piece("x", 6, 0)}, {"copy16", piece("x", 16, 26)}, {"masked4", masked},
	} {
		b.Run(c.name, func(b *testing.B) {
			pool, err := packet.NewPool(1024)
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			m, err := setmetadata.Class.New(module.NewEnv("m", slog.New(slog.DiscardHandler), host{}), arg(c.attr))
			if err != nil {
				b.Fatal(err)
			}
			ctx, l := module.NewContext(0, pool.NewCache(), 1e9), &loop{}
			for range packet.BatchSize {
				l.packets = append(l.packets, ctx.Cache.New(moduletest.Frame("U1")))
			}
			last := &module.Node{Mod: end{}, Cells: module.NewCells(0)}
			node := &module.Node{Mod: m, Cells: module.NewCells(1), Offsets: []int8{0},
				Outs: []module.Out{{In: &module.In{Node: last, Single: true}}}}
			first := &module.Node{Mod: l, Cells: module.NewCells(0), Outs: []module.Out{{In: &module.In{Node: node, Single: true}}}}
			b.ReportAllocs()
			for b.Loop() {
				ctx.RunTask(first, l, 0, 0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.BatchSize, "ns/pkt")
		})
	}
}
