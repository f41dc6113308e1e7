// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/bessform/terraform-provider-bess/schemas/craft"
	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads one value of fd's type and reports what is wrong with it.
func (d *decoder) scalar(fd protoreflect.FieldDescriptor, v any) (protoreflect.Value, bool) {
	none := protoreflect.Value{}
	if _, unknown := v.(Unknown); unknown {
		d.leaveOpen()
		return none, false
	}
	switch fd.Kind() {
	case protoreflect.BytesKind:
		return d.bytes(v)
	case protoreflect.BoolKind:
		if b, ok := v.(bool); ok {
			return protoreflect.ValueOfBool(b), true
		}
		d.fail(v, "expected true or false, got "+scalar.Kind(v), boolHint(v))
	case protoreflect.StringKind:
		s, ok := v.(string)
		if ok && utf8.ValidString(s) {
			return protoreflect.ValueOfString(s), true
		}
		if ok {
			d.fail(v, "must be valid UTF-8", "")
		} else {
			d.fail(v, "expected text, got "+scalar.Kind(v), textHint(v))
		}
	case protoreflect.EnumKind:
		n, problem, hint := enumNumber(fd.Enum(), v)
		if problem == "" {
			return protoreflect.ValueOfEnum(n), true
		}
		d.fail(v, problem, hint)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return d.float(fd, v)
	default:
		pv, err := integer(fd.Kind(), v)
		if err == nil {
			return pv, true
		}
		d.fail(v, err.Error(), "")
	}
	return none, false
}

func boolHint(v any) string {
	if s, ok := v.(string); ok && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")) {
		return "write it without quotes"
	}
	return ""
}

func textHint(v any) string {
	if k := scalar.Kind(v); k == "a number" || k == "a boolean" {
		return "put it in quotes"
	}
	return ""
}

// bytes reads a byte string or a packet in layers.
func (d *decoder) bytes(v any) (protoreflect.Value, bool) {
	if scalar.HasUnknown(v) {
		d.leaveOpen()
		return protoreflect.Value{}, false
	}
	p, err := craft.Bytes(v)
	if err == nil {
		return protoreflect.ValueOfBytes(p), true
	}
	d.leaveOpen()
	var e *craft.Error
	if !errors.As(err, &e) {
		d.fail(v, err.Error(), "")
		return protoreflect.Value{}, false
	}
	for _, f := range e.Findings {
		f.Path = scalar.Join(d.path.String(), f.Path)
		d.finds = append(d.finds, f)
	}
	return protoreflect.Value{}, false
}

func (d *decoder) float(fd protoreflect.FieldDescriptor, v any) (protoreflect.Value, bool) {
	f, err := scalar.Float(v)
	if err != nil {
		d.fail(v, err.Error(), "")
		return protoreflect.Value{}, false
	}
	if fd.Kind() == protoreflect.DoubleKind {
		return protoreflect.ValueOfFloat64(f), true
	}
	if math.Abs(f) > math.MaxFloat32 && !math.IsInf(f, 0) {
		d.fail(v, "does not fit into a 32-bit floating point number", "")
		return protoreflect.Value{}, false
	}
	return protoreflect.ValueOfFloat32(float32(f)), true
}

// intKind returns the width and signedness of an integer kind.
func intKind(k protoreflect.Kind) (bits int, signed bool) {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return 32, true
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 32, false
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return 64, true
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return 64, false
	}
	return 0, false
}

// integer reads a whole number within the range of the field's type.
func integer(k protoreflect.Kind, v any) (protoreflect.Value, error) {
	bits, signed := intKind(k)
	if bits == 0 {
		return protoreflect.Value{}, fmt.Errorf("fields of type %v cannot be set here", k)
	}
	n, err := scalar.Integer(v)
	if err != nil {
		return protoreflect.Value{}, err
	}
	if signed {
		if i, ok := n.Int64(bits); ok {
			return signedValue(i, bits), nil
		}
		lowest := int64(math.MinInt64) >> (64 - bits)
		return protoreflect.Value{}, fmt.Errorf("must be %d..%d (%v)", lowest, -(lowest + 1), k)
	}
	if u, ok := n.Uint64(bits); ok {
		return unsignedValue(u, bits), nil
	}
	return protoreflect.Value{}, fmt.Errorf("must be 0..%d (%v)", uint64(math.MaxUint64)>>(64-bits), k)
}

func signedValue(i int64, bits int) protoreflect.Value {
	if bits == 32 {
		return protoreflect.ValueOfInt32(int32(i))
	}
	return protoreflect.ValueOfInt64(i)
}

func unsignedValue(u uint64, bits int) protoreflect.Value {
	if bits == 32 {
		return protoreflect.ValueOfUint32(uint32(u))
	}
	return protoreflect.ValueOfUint64(u)
}

// mapKey reads the text of a key as the map's key type.
func mapKey(fd protoreflect.FieldDescriptor, text string) (protoreflect.MapKey, string) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if !utf8.ValidString(text) {
			return protoreflect.MapKey{}, "must be valid UTF-8"
		}
		return protoreflect.ValueOfString(text).MapKey(), ""
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return protoreflect.MapKey{}, "must be true or false"
		}
		return protoreflect.ValueOfBool(text == "true").MapKey(), ""
	}
	v, err := integer(fd.Kind(), text)
	if err != nil {
		return protoreflect.MapKey{}, err.Error()
	}
	return v.MapKey(), ""
}

// enumNumber takes the name of a value or its number.
func enumNumber(desc protoreflect.EnumDescriptor, v any) (n protoreflect.EnumNumber, problem, hint string) {
	names := make([]string, desc.Values().Len())
	for i := range names {
		names[i] = string(desc.Values().Get(i).Name())
	}
	if s, ok := v.(string); ok {
		if val := desc.Values().ByName(protoreflect.Name(s)); val != nil {
			return val.Number(), "", ""
		}
		hint = scalar.DidYouMean(s, names)
		if hint == "" {
			hint = "values are " + strings.Join(names, ", ")
		}
		return 0, "unknown value of " + string(desc.Name()), hint
	}
	i, err := scalar.Integer(v)
	if err != nil {
		return 0, "expected the name of a value, got " + scalar.Kind(v), "values are " + strings.Join(names, ", ")
	}
	num, ok := i.Int64(32)
	if !ok || desc.Values().ByNumber(protoreflect.EnumNumber(num)) == nil {
		return 0, "unknown value of " + string(desc.Name()), "values are " + strings.Join(names, ", ")
	}
	return protoreflect.EnumNumber(num), "", ""
}

// isFieldData recognises the message that carries either bytes or an
// integer: a oneof of value_bin and value_int and nothing else.
func isFieldData(desc protoreflect.MessageDescriptor) bool {
	f := desc.Fields()
	if f.Len() != 2 {
		return false
	}
	bin, num := f.ByName("value_bin"), f.ByName("value_int")
	return bin != nil && num != nil && bin.Kind() == protoreflect.BytesKind && num.Kind() == protoreflect.Uint64Kind &&
		!bin.IsList() && !num.IsList()
}

// fieldData reads the short forms: a number is value_int, text and []byte are
// value_bin. It reports false for everything else.
func (d *decoder) fieldData(m protoreflect.Message, v any) bool {
	name := protoreflect.Name("value_bin")
	if _, err := scalar.Integer(v); err == nil {
		name = "value_int"
	}
	switch v.(type) {
	case string, []byte:
		name = "value_bin"
	default:
		if scalar.Kind(v) == "a number" {
			name = "value_int" // a fraction is a bad integer, not bad bytes
		}
		if name != "value_int" {
			return false
		}
	}
	fd := m.Descriptor().Fields().ByName(name)
	if pv, ok := d.scalar(fd, v); ok {
		m.Set(fd, pv)
	}
	return true
}

func listNames(what string, names []string) string {
	if len(names) == 0 {
		return what + " has no fields"
	}
	return "fields of " + what + " are " + strings.Join(names, ", ")
}
