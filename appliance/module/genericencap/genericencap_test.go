// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package genericencap_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/module/genericencap"
	"github.com/bessform/terraform-provider-bess/appliance/module/moduletest"
	"github.com/bessform/terraform-provider-bess/appliance/module/setmetadata"
)

func TestCases(t *testing.T) {
	moduletest.RunDir(t, "testdata", genericencap.Class, setmetadata.Class)
}

type field = genericencap.GenericEncapArg_EncapField

func number(size, value uint64) *field {
	return &field{Size: size, Insertion: &genericencap.GenericEncapArg_EncapField_Value{
		Value: &api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: value}}}}
}

func attribute(size uint64, name string) *field {
	return &field{Size: size, Insertion: &genericencap.GenericEncapArg_EncapField_Attribute{Attribute: name}}
}

func arg(fields ...*field) *genericencap.GenericEncapArg {
	return &genericencap.GenericEncapArg{Fields: fields}
}

// A value without message is a value of zero, not a crash.
func TestValueWithoutMessage(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", genericencap.Class, arg(&field{Size: 2, Insertion: &genericencap.GenericEncapArg_EncapField_Value{}}))
	h.Send("m", 0, []byte{0xaa})
	if out := h.Out("m", 0); len(out) != 1 || string(out[0]) != "\x00\x00\xaa" {
		t.Errorf("%x", out)
	}
}

func TestUpdateWithOtherAttributesNeedsANewInstance(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", genericencap.Class, arg(attribute(2, "x"), number(1, 1)))
	for _, a := range []*genericencap.GenericEncapArg{
		arg(number(1, 1)), arg(attribute(4, "x")), arg(attribute(2, "y")), arg(attribute(2, "x"), attribute(2, "y")),
	} {
		if err := h.Update("m", a); !errors.Is(err, module.ErrRebuild) {
			t.Errorf("%v: %v", a, err)
		}
	}
	if err := h.Update("m", arg(number(8, 1), attribute(2, "x"))); err != nil {
		t.Errorf("moving the attribute: %v", err)
	}
	h.Send("m", 0, []byte{0xaa})
	if out := h.Out("m", 0); len(out) != 1 || string(out[0]) != "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\xaa" {
		t.Errorf("after the update: %x", out)
	}
}

// Headers of every length keep all their bytes and none of the packet's change.
func TestEveryLength(t *testing.T) {
	var fields []*field
	want := "packet"
	for n := 1; n <= 64; n++ {
		if n%8 == 1 {
			fields = append(fields, nil)
		}
		b := make([]byte, (n-1)%8+1)
		for i := range b {
			b[i] = byte(n-len(b)+i) + 1
		}
		fields[len(fields)-1] = &field{Size: uint64(len(b)), Insertion: &genericencap.GenericEncapArg_EncapField_Value{
			Value: &api.FieldData{Encoding: &api.FieldData_ValueBin{ValueBin: b}}}}
		want = want[:n-1] + string(rune(n)) + "packet"
		h := moduletest.New(t)
		h.MustCreate("m", genericencap.Class, arg(fields...))
		h.Send("m", 0, []byte("packet"))
		if out := h.Out("m", 0); len(out) != 1 || string(out[0]) != want {
			t.Errorf("%d bytes: %x, want %x", n, out, want)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	h := moduletest.New(t)
	h.MustCreate("m", genericencap.Class, arg(attribute(2, "x"), number(8, 1)))
	h.NoAllocs("m", moduletest.Frame("U1"), nil)
}

func FuzzProcess(f *testing.F) {
	moduletest.Fuzz(f, genericencap.Class, func(seed []byte) proto.Message {
		a := &genericencap.GenericEncapArg{}
		for ; len(seed) >= 3; seed = seed[3:] {
			if size := uint64(seed[0] % 10); seed[1]%3 == 0 {
				a.Fields = append(a.Fields, attribute(size, string(seed[2:3])))
			} else {
				a.Fields = append(a.Fields, number(size, uint64(seed[2])))
			}
		}
		return a
	})
}

func BenchmarkProcess(b *testing.B) {
	b.Run("8", func(b *testing.B) {
		moduletest.Bench(b, genericencap.Class, arg(number(8, 1)), moduletest.Frame("U1"))
	})
	b.Run("none", func(b *testing.B) { moduletest.Bench(b, genericencap.Class, arg(), moduletest.Frame("U1")) })
}
