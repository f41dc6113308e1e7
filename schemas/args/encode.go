// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Encode turns a message into a generic value that Decode turns back into an
// equal message: a map[string]any with the fields that are set (members of a
// oneof also when zero). Integers are int64 or uint64, bytes are "0x…", NaN and
// the infinities are text, FieldData is its short form, keys of maps are text. A
// nil message is nil.
func Encode(msg proto.Message) any {
	if msg == nil || !msg.ProtoReflect().IsValid() {
		return nil
	}
	return encodeMessage(msg.ProtoReflect())
}

func encodeMessage(m protoreflect.Message) any {
	if isFieldData(m.Descriptor()) {
		if v, ok := shortFieldData(m); ok {
			return v
		}
	}
	out := map[string]any{}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		out[string(fd.Name())] = encodeField(fd, v)
		return true
	})
	return out
}

func shortFieldData(m protoreflect.Message) (v any, ok bool) {
	m.Range(func(fd protoreflect.FieldDescriptor, pv protoreflect.Value) bool {
		v, ok = encodeSingle(fd, pv), true
		return false
	})
	return v, ok
}

func encodeField(fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch {
	case fd.IsMap():
		out := map[string]any{}
		v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
			out[k.String()] = encodeSingle(fd.MapValue(), e)
			return true
		})
		return out
	case fd.IsList():
		l := v.List()
		out := make([]any, l.Len())
		for i := range out {
			out[i] = encodeSingle(fd, l.Get(i))
		}
		return out
	}
	return encodeSingle(fd, v)
}

func encodeSingle(fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return encodeMessage(v.Message())
	case protoreflect.BytesKind:
		return "0x" + hex.EncodeToString(v.Bytes())
	case protoreflect.EnumKind:
		if val := fd.Enum().Values().ByNumber(v.Enum()); val != nil {
			return string(val.Name())
		}
		return int64(v.Enum())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return encodeFloat(v.Float())
	case protoreflect.BoolKind:
		return v.Bool()
	case protoreflect.StringKind:
		return v.String()
	}
	if _, signed := intKind(fd.Kind()); signed {
		return v.Int()
	}
	return v.Uint()
}

// encodeFloat writes as text what JSON and YAML cannot agree on as numbers.
func encodeFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

// JSON returns Encode's value as canonical JSON: sorted keys, no blanks, 64-bit
// integers as numbers. Equal messages give equal text. A nil message gives
// "null".
func JSON(msg proto.Message) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(Encode(msg)) // cannot fail: Encode makes only values that JSON can write
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}

// Equal compares as protobuf does: how a value was written (1 or 1.0, null or
// absent, a default spelled out, the order of keys) makes no difference. A nil
// message equals one without set fields. A generated and a dynamic message of
// one type are compared by content; messages of different types differ.
func Equal(a, b proto.Message) bool {
	a = orEmpty(a, b)
	b = orEmpty(b, a)
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	da, db := a.ProtoReflect().Descriptor(), b.ProtoReflect().Descriptor()
	if da == db {
		return proto.Equal(a, b)
	}
	if da.FullName() != db.FullName() {
		return false
	}
	wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(b)
	if err != nil {
		return false
	}
	same := a.ProtoReflect().New().Interface()
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(wire, same); err != nil {
		return false
	}
	return proto.Equal(a, same)
}

// orEmpty replaces a nil message by an empty one of the other's type.
func orEmpty(m, other proto.Message) proto.Message {
	if m != nil && m.ProtoReflect().IsValid() {
		return m
	}
	if other == nil {
		return nil
	}
	return other.ProtoReflect().Type().New().Interface()
}
