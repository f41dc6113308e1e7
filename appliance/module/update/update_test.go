// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package update_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/rewrite"
	"github.com/bessform/terraform-provider-bess/appliance/module/sink"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
	"github.com/bessform/terraform-provider-bess/appliance/module/update"
)

func TestCases(t *testing.T) { moduletest.RunDir(t, "testdata", update.Class) }

func arg(fields ...*update.UpdateArg_Field) *update.UpdateArg {
	return &update.UpdateArg{Fields: fields}
}

// Every size, at every distance from the end of the packet: exactly the bytes
// asked for change. The original writes beyond short packets.
func TestSizesNearTheEnd(t *testing.T) {
	for size := 1; size <= 8; size++ {
		value := uint64(0x1122334455667788) >> (64 - 8*size)
		h := moduletest.New(t)
		h.MustCreate("u", update.Class, arg(&update.UpdateArg_Field{Offset: 3, Size: uint64(size), Value: value}))
		for n := range 3 + size + 10 {
			frame := bytes.Repeat([]byte{0xee}, n)
			want := bytes.Clone(frame)
			if n >= 3+size {
				for i := range size {
					want[3+i] = byte(value >> (8 * (size - 1 - i)))
				}
			}
			h.Send("u", 0, frame)
			if got := h.Out("u", 0); len(got) != 1 || !bytes.Equal(got[0], want) {
				t.Errorf("size %d in %d bytes: %x, want %x", size, n, got, want)
			}
		}
		if got := h.Counter("u", "short"); got != uint64(3+size) {
			t.Errorf("size %d: %d packets counted as short, want %d", size, got, 3+size)
		}
	}
}

// Whatever the fields and however they overlap, the packet looks as if they
// had been written one by one.
func TestOverlappingFields(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a := arg()
		for range 1 + rnd.IntN(16) {
			size := 1 + rnd.IntN(8)
			a.Fields = append(a.Fields, &update.UpdateArg_Field{Offset: int64(rnd.IntN(40)), Size: uint64(size),
				Value: rnd.Uint64() >> (64 - 8*size)})
		}
		h := moduletest.New(t)
		h.MustCreate("u", update.Class, a)
		for n := range 50 {
			frame := bytes.Repeat([]byte{0xee}, n)
			want := bytes.Clone(frame)
			for _, f := range a.Fields {
				off, size := int(f.Offset), int(f.Size)
				if off+size > n {
					continue
				}
				for i := range size {
					want[off+i] = byte(f.Value >> (8 * (size - 1 - i)))
				}
			}
			h.Send("u", 0, frame)
			if got := h.Out("u", 0); len(got) != 1 || !bytes.Equal(got[0], want) {
				t.Fatalf("%v in %d bytes: %x, want %x", a, n, got, want)
			}
		}
	}
}

// Errors name the field and the value.
func TestErrorTexts(t *testing.T) {
	h := moduletest.New(t)
	ok := &update.UpdateArg_Field{Size: 1}
	for _, c := range []struct {
		f    *update.UpdateArg_Field
		want string
	}{
		{&update.UpdateArg_Field{Offset: 2045, Size: 4}, "fields[1].offset: 2045: must be 0..2044 for a field of 4 bytes"},
		{&update.UpdateArg_Field{Size: 1, Value: 256}, "fields[1].value: 256: does not fit into 1 bytes"},
	} {
		err := h.Create("u", update.Class, arg(ok, c.f))
		if err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Commands run while packets pass; a packet sees one list or the other.
func TestCommandsWhileRunning(t *testing.T) {
	h := moduletest.New(t)
	two := func(v uint64) *update.UpdateArg {
		return arg(&update.UpdateArg_Field{Offset: 0, Size: 1, Value: v}, &update.UpdateArg_Field{Offset: 1, Size: 1, Value: v})
	}
	h.MustCreate("u", update.Class, two(1))
	h.Send("u", 0, []byte{0, 0})
	var done sync.WaitGroup
	done.Go(func() {
		for i := range 500 {
			if err := h.Update("u", two(uint64(i%7))); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		h.Send("u", 0, []byte{9, 9})
	}
	done.Wait()
	got := h.Out("u", 0)
	if len(got) != 501 {
		t.Errorf("%d packets", len(got))
	}
	for _, f := range got {
		if f[0] != f[1] || f[0] > 6 {
			t.Fatalf("packet %x is of two lists", f)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("u", update.Class, arg(&update.UpdateArg_Field{Offset: 22, Size: 1, Value: 5}))
	h.NoAllocs("u", moduletest.Frame("U1"), []byte{1})
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, update.Class, func(seed []byte) proto.Message {
		a := arg()
		for i := 0; i+2 < len(seed); i += 3 {
			a.Fields = append(a.Fields, &update.UpdateArg_Field{
				Offset: int64(seed[i]), Size: uint64(seed[i+1] & 15), Value: uint64(seed[i+2])})
		}
		return a
	})
}

// BenchmarkPipeline is Source -> Rewrite -> Update -> Sink.
func BenchmarkPipeline(b *testing.B) {
	rw := moduletest.Stage{Class: rewrite.Class, Arg: &rewrite.RewriteArg{Templates: [][]byte{make([]byte, 60)}}}
	src, out := moduletest.Stage{Class: source.Class}, moduletest.Stage{Class: sink.Class}
	for _, n := range []int{1, 2, 4, 16} {
		b.Run(fmt.Sprintf("%dfields", n), func(b *testing.B) {
			a := arg()
			for i := range n {
				a.Fields = append(a.Fields, &update.UpdateArg_Field{Offset: int64(3 * i), Size: 2, Value: 7})
			}
			moduletest.BenchPipeline(b, 1, nil, src, rw, moduletest.Stage{Class: update.Class, Arg: a}, out)
		})
	}
	b.Run("without", func(b *testing.B) { moduletest.BenchPipeline(b, 1, nil, src, rw, out) })
}
