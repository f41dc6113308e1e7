// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// unpack returns the message in an Any as a generic value, as package args
// writes it, with the fields in the order of the .proto file. With zeros,
// numbers, texts and lists that are not set are there too, as in an answer;
// without, only what was set, as in an argument. A nil Any is nil.
func unpack(a *anypb.Any, zeros bool) (any, error) {
	if a == nil || a.GetTypeUrl() == "" {
		return nil, nil
	}
	m, err := anypb.UnmarshalNew(a, proto.UnmarshalOptions{Resolver: schemas.Types()})
	if err != nil {
		return nil, fmt.Errorf("a message of type %s cannot be read: %w", a.GetTypeUrl(), err)
	}
	return order{zeros}.message(m.ProtoReflect().Descriptor(), args.Encode(m)), nil
}

// order gives the maps of generic values the order of the .proto file.
type order struct{ zeros bool }

func (o order) message(desc protoreflect.MessageDescriptor, v any) any {
	vals, ok := v.(map[string]any)
	if !ok {
		return v // the short form of FieldData
	}
	out := object{}
	for i := range desc.Fields().Len() {
		fd := desc.Fields().Get(i)
		if val, ok := vals[string(fd.Name())]; ok {
			out = append(out, member{string(fd.Name()), o.field(fd, val)})
		} else if o.zeros && !fd.HasPresence() {
			out = append(out, member{string(fd.Name()), zero(fd)})
		}
	}
	return out
}

func (o order) field(fd protoreflect.FieldDescriptor, v any) any {
	switch {
	case fd.IsMap():
		return o.mapField(fd.MapValue(), v)
	case fd.Message() == nil:
		return v
	case fd.IsList():
		list, _ := v.([]any)
		for i := range list {
			list[i] = o.message(fd.Message(), list[i])
		}
		return list
	}
	return o.message(fd.Message(), v)
}

// mapField sorts the keys of a map, numbers by value.
func (o order) mapField(fd protoreflect.FieldDescriptor, v any) any {
	vals, _ := v.(map[string]any)
	out := object{}
	for _, k := range slices.SortedFunc(maps.Keys(vals), compareKeys) {
		val := vals[k]
		if fd.Message() != nil {
			val = o.message(fd.Message(), val)
		}
		out = append(out, member{k, val})
	}
	return out
}

func compareKeys(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX == nil && errY == nil && x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

// zero returns the generic value of a field that is not set.
func zero(fd protoreflect.FieldDescriptor) any {
	switch {
	case fd.IsMap():
		return object{}
	case fd.IsList():
		return []any{}
	}
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return ""
	case protoreflect.BoolKind:
		return false
	case protoreflect.EnumKind:
		return string(fd.DefaultEnumValue().Name())
	}
	return 0
}
