// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package moduletest

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/packet"
)

// Fuzz lets arbitrary frames arrive on arbitrary input gates of an instance
// whose argument mk draws from the fuzzer's bytes; arguments that are refused
// are fine. The module must neither panic nor lose packets.
func Fuzz(f *testing.F, class *module.Class, mk func(seed []byte) proto.Message) {
	for name := range Frames {
		f.Add([]byte{0}, Frame(name), uint16(0))
		f.Add([]byte(name), Frame(name)[:20], uint16(1))
	}
	f.Fuzz(func(t *testing.T, seed, data []byte, gate uint16) {
		if len(data) > packet.MaxTotal {
			return
		}
		h := New(t)
		if h.Create("m", class, mk(seed)) != nil || class.IGates == 0 {
			return
		}
		ig := int(gate) % class.IGates
		h.Send("m", ig, data, data[:len(data)/2], nil)
		for i := range h.module("m").Tasks {
			h.RunTask("m", i)
		}
	})
}

// FuzzAll is Fuzz with creation arguments drawn from the class's schema, and
// with commands, arguments drawn alike, and updates between the packets, on
// one worker and another if the class allows several.
func FuzzAll(f *testing.F, class *module.Class) {
	for name := range Frames {
		f.Add([]byte{1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9}, Frame(name))
		f.Add([]byte(name+name+name), Frame(name)[:20])
		f.Add([]byte{}, Frame(name))
	}
	f.Fuzz(func(t *testing.T, seed, data []byte) {
		if len(data) > packet.MaxTotal {
			return
		}
		h, d := New(t), &draw{seed}
		if h.Create("m", class, d.message(class.Arg)) != nil {
			return
		}
		for range 1 + d.pick(8) {
			d.step(h, class, data)
		}
	})
}

// step lets one thing happen to the instance m.
func (d *draw) step(h *Harness, class *module.Class, data []byte) {
	if class.MaxWorkers > 1 {
		h.SetWorker(d.pick(2))
	}
	switch n := d.pick(4); {
	case n == 0 && len(class.Commands) > 0:
		c := class.Commands[d.pick(len(class.Commands))]
		_, _ = h.Command("m", c.Name, d.message(c.Arg))
	case n == 1 && class.Arg != nil:
		_ = h.Update("m", d.message(class.Arg))
	case class.IGates > 0:
		cut := data[d.pick(len(data)+1):]
		h.Send("m", d.pick(class.IGates), data, data[:len(data)-len(cut)], cut, nil)
	}
	for i := range h.module("m").Tasks {
		h.RunTask("m", i)
	}
	h.Desc("m")
}

// draw takes decisions from the fuzzer's bytes; when they are used up every
// decision is zero.
type draw struct{ bytes []byte }

// uint64 returns a number of n bytes.
func (d *draw) uint64(n int) uint64 {
	var b [8]byte
	d.bytes = d.bytes[copy(b[:n], d.bytes):]
	return binary.LittleEndian.Uint64(b[:])
}

// pick returns a number in [0, n).
func (d *draw) pick(n int) int {
	if n <= 1 {
		return 0
	}
	return int(d.uint64(2) % uint64(n))
}

// message returns a message of the prototype's type; it breaks rules at times.
func (d *draw) message(prototype proto.Message) proto.Message {
	if prototype == nil {
		return emptyArg()
	}
	m := prototype.ProtoReflect().New()
	d.fill(m, 0)
	return m.Interface()
}

func (d *draw) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case d.pick(8) == 7 || depth > 3: // left out
		case f.IsMap():
			for range d.pick(4) {
				key := d.scalar(f.MapKey()).MapKey()
				m.Mutable(f).Map().Set(key, d.value(m.Mutable(f).Map().NewValue(), f.MapValue(), depth))
			}
		case f.IsList():
			for range d.pick(4) {
				list := m.Mutable(f).List()
				list.Append(d.value(list.NewElement(), f, depth))
			}
		default:
			m.Set(f, d.value(m.NewField(f), f, depth))
		}
	}
}

// value returns a value of a field; fresh is an empty one.
func (d *draw) value(fresh protoreflect.Value, f protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	if f.Message() != nil {
		d.fill(fresh.Message(), depth+1)
		return fresh
	}
	return d.scalar(f)
}

// number returns small numbers more often than large ones.
func (d *draw) number() uint64 {
	switch d.pick(4) {
	case 0:
		return d.uint64(8)
	case 1:
		return d.uint64(2)
	default:
		return uint64(d.pick(20))
	}
}

func (d *draw) scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	n := d.number()
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n&1 == 1)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(n)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(math.Float32frombits(uint32(n)))
	case protoreflect.DoubleKind:
		if n < 20 {
			return protoreflect.ValueOfFloat64(float64(n) / 4)
		}
		return protoreflect.ValueOfFloat64(math.Float64frombits(n))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	case protoreflect.BytesKind:
		b := binary.BigEndian.AppendUint64(nil, d.uint64(8))
		return protoreflect.ValueOfBytes(b[:n%9])
	}
	return protoreflect.ValueOfString(d.text(n))
}

// text returns an address, a network or a name.
func (d *draw) text(n uint64) string {
	switch n % 8 {
	case 0, 1:
		return fmt.Sprintf("10.0.%d.%d", byte(n>>8), d.pick(300))
	case 2:
		return fmt.Sprintf("10.0.0.0/%d", d.pick(34))
	case 3:
		return fmt.Sprintf("02:00:00:00:%02x:%02x", byte(n>>8), d.pick(256))
	case 4:
		return ""
	default:
		return fmt.Sprintf("%c%d", 'a'+rune(d.pick(3)), n%3)
	}
}
