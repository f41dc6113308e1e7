// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package split_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/split"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", split.Class) }

// setter writes attributes: the first are ballast that moves the last, which
// gets value, towards the end of the metadata area.
type setter struct {
	ids   []module.AttrID
	value []byte
}

func (s *setter) Process(ctx *module.Context, b *packet.Batch) {
	for _, p := range b.Packets() {
		md := p.Metadata()
		for i := range md {
			md[i] = 0xee
		}
		if off := ctx.Attr(s.ids[len(s.ids)-1]); off >= 0 {
			copy(md[off:], s.value)
		}
	}
	ctx.EmitBatch(b, 0)
}

// reader makes attributes live.
type reader struct{}

func (reader) Process(ctx *module.Context, b *packet.Batch) { ctx.EmitBatch(b, 0) }

// addAttrs returns a class that declares ballast attributes of 8 bytes each and
// then "foo".
func addAttrs(m module.Module, size, ballast int, mode module.Mode) *module.Class {
	return &module.Class{Name: "Attrs", Prefix: "a", IGates: 1, OGates: 1,
		New: func(env *module.Env, _ proto.Message) (module.Module, error) {
			for i := range ballast {
				id, err := env.AddAttr(fmt.Sprint("ballast", i), 8, mode)
				if err != nil {
					return nil, err
				}
				if s, ok := m.(*setter); ok {
					s.ids = append(s.ids, id)
				}
			}
			if s, ok := m.(*setter); ok {
				id, err := env.AddAttr("foo", size, mode)
				s.ids = append(s.ids, id)
				return m, err
			}
			return m, nil
		}}
}

// splitByAttr sends U1 through a writer of foo and a Split of it and returns
// the harness.
func splitByAttr(t *testing.T, value []byte, ballast int) *moduletest.Harness {
	h := moduletest.New(t)
	n := len(value)
	h.MustCreate("set", addAttrs(&setter{value: value}, n, ballast, module.Write), nil)
	h.MustCreate("read", addAttrs(reader{}, n, ballast, module.Read), nil)
	h.MustCreate("s", split.Class, &split.SplitArg{Size: uint64(n), Type: &split.SplitArg_Attribute{Attribute: "foo"}})
	h.Connect("set", 0, "s", 0)
	h.Connect("s", 1, "read", 0)
	h.Tap("s", 68)
	h.Send("set", 0, moduletest.Frame("U1"))
	return h
}

// H45: the attribute names the gate.
func TestH45Attribute(t *testing.T) {
	h := splitByAttr(t, []byte{0x33, 0x44}, 0)
	if n := h.Deadends("s"); n != 1 {
		t.Errorf("gate 13124: %d dropped, want 1", n)
	}
	h = splitByAttr(t, []byte{0x00, 0x44}, 0)
	if got := h.Out("s", 68); len(got) != 1 || !bytes.Equal(got[0], moduletest.Frame("U1")) {
		t.Errorf("gate 68: %x", got)
	}
}

// Every size is read right wherever the attribute lies, also at the very end
// of the metadata area.
func TestAttributeSizesAndPlaces(t *testing.T) {
	for size := 1; size <= 8; size++ {
		for _, ballast := range []int{0, 7, 15} {
			value := make([]byte, 8)
			binary.BigEndian.PutUint64(value, 68)
			h := splitByAttr(t, value[8-size:], ballast)
			if got := h.Out("s", 68); len(got) != 1 {
				t.Errorf("size %d behind %d bytes: not at gate 68", size, 8*ballast)
			}
		}
	}
}

// Every size is read right at every distance from the end of the packet.
func TestSizesNearTheEnd(t *testing.T) {
	for size := 1; size <= 8; size++ {
		h := moduletest.New(t)
		h.MustCreate("s", split.Class, &split.SplitArg{Size: uint64(size), Type: &split.SplitArg_Offset{Offset: 3}})
		for tail := range 10 {
			f := make([]byte, 3+size+tail)
			for i := range f {
				f[i] = 0xee
			}
			clear(f[3 : 3+size])
			f[3+size-1] = 5
			h.Send("s", 0, f)
			if got := h.Out("s", 5); len(got) != 1 {
				t.Errorf("size %d, %d bytes behind it: not at gate 5", size, tail)
			}
		}
	}
}

// No byte of a number is lost: one that is not 0 makes it a large one.
func TestEveryByteCounts(t *testing.T) {
	for size := 2; size <= 8; size++ {
		h := moduletest.New(t)
		h.MustCreate("s", split.Class, &split.SplitArg{Size: uint64(size), Type: &split.SplitArg_Offset{Offset: 3}})
		for at := range size - 1 {
			f := make([]byte, 3+size)
			f[3+at] = 0x20
			h.Send("s", 0, f)
			if n := h.Counter("s", "out_of_range"); n != uint64(at+1) {
				t.Errorf("size %d: byte %d is lost", size, at)
			}
		}
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("s", split.Class, &split.SplitArg{Size: 1, Type: &split.SplitArg_Offset{Offset: 23}})
	h.NoAllocs("s", moduletest.Frame("U1"), moduletest.Frame("T1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, split.Class, func(seed []byte) proto.Message {
		arg := &split.SplitArg{Size: 2}
		if len(seed) > 1 {
			arg.Size = uint64(seed[0])
			if seed[1]&1 == 0 {
				arg.Type = &split.SplitArg_Offset{Offset: int64(seed[1]) * 8}
			} else {
				arg.Type = &split.SplitArg_Attribute{Attribute: string(seed[1:])}
			}
		}
		return arg
	})
}

func BenchmarkSplit(b *testing.B) {
	arg := &split.SplitArg{Size: 1, Type: &split.SplitArg_Offset{Offset: 14}}
	one, two := make([]byte, 60), make([]byte, 60)
	two[14] = 1
	b.Run("1gate", func(b *testing.B) { moduletest.Bench(b, split.Class, arg, one) })
	b.Run("2gates", func(b *testing.B) { moduletest.Bench(b, split.Class, arg, one, two) })
}
