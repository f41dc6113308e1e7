// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// Texts that package args takes in place of numbers.
const integerText = `^(-?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+)$`

// patterns are the formats of rules as regular expressions, without anchors.
var patterns = map[string]string{
	"ipv4":      octet + `(\.` + octet + `){3}`,
	"cidr4":     octet + `(\.` + octet + `){3}(/(3[0-2]|[12]?[0-9]))?`,
	"cidr":      `(` + octet + `(\.` + octet + `){3}(/(3[0-2]|[12]?[0-9]))?|` + ipv6 + `(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)`,
	"mac":       `[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}`,
	"hex":       `[0-9a-fA-F]+`,
	"name":      `[^\u0000-\u001f\u007f-\u009f]+`,
	"attribute": `[^\u0000-\u001f\u007f-\u009f]+`,
	"gate":      `(0|[1-9][0-9]{0,3})`,
}

const octet = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`

// ipv6 takes what has the looks of an IPv6 address; an exact expression would
// not be readable.
const ipv6 = `[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){1,7}:([0-9a-fA-F]{0,4}|` + octet + `(\.` + octet + `){3})`

// longest are the formats with a limit of their own.
var longest = map[string]int{"name": 255, "attribute": 255}

// argumentSchema returns the schema of a message in the form that package
// args reads: the argument of unit, described by doc.
func argumentSchema(unit, doc string, msg protoreflect.MessageDescriptor) *schema {
	b := &builder{defs: map[protoreflect.FullName]*schema{}}
	s := b.message(msg)
	s.Draft = "https://json-schema.org/draft/2020-12/schema"
	s.ID = unit + ".json"
	s.Title = "Argument of " + unit
	s.Description = doc
	for _, name := range b.order {
		s.Defs = append(s.Defs, property{string(name), b.defs[name]})
	}
	return s
}

// builder collects the messages that a schema refers to.
type builder struct {
	defs  map[protoreflect.FullName]*schema
	order []protoreflect.FullName
}

// ref returns a reference to the schema of a message, which it adds to the
// definitions. A new schema each time, so that it can be described.
func (b *builder) ref(msg protoreflect.MessageDescriptor) *schema {
	name := msg.FullName()
	if b.defs[name] == nil {
		b.defs[name] = &schema{} // ends recursion
		b.order = append(b.order, name)
		s := b.message(msg)
		s.Description = schemas.Comment(msg)
		if isFieldData(msg) {
			s.Type = []string{"integer", "string", "object"}
		}
		*b.defs[name] = *s
	}
	return &schema{Ref: "#/$defs/" + string(name)}
}

// isFieldData reports whether package args takes a number or text in place of
// the message.
func isFieldData(msg protoreflect.MessageDescriptor) bool {
	return msg.FullName() == "bess.pb.FieldData"
}

func (b *builder) message(msg protoreflect.MessageDescriptor) *schema {
	s := &schema{Type: "object", AdditionalProperties: false}
	for i := range msg.Fields().Len() {
		fd := msg.Fields().Get(i)
		s.Properties = append(s.Properties, property{string(fd.Name()), b.field(fd)})
		if fd.ContainingOneof() == nil && mustBeSet(fd) {
			s.Required = append(s.Required, string(fd.Name()))
		}
	}
	for i := range msg.Oneofs().Len() {
		if od := msg.Oneofs().Get(i); od.Fields().Len() > 1 {
			choose(s, od)
		}
	}
	return s
}

// choose says that at most one member of a oneof may be set, or exactly one.
func choose(s *schema, od protoreflect.OneofDescriptor) {
	var names []string
	for i := range od.Fields().Len() {
		names = append(names, string(od.Fields().Get(i).Name()))
	}
	if schemas.Choice(od).GetRequired() {
		one := &schema{}
		for _, n := range names {
			one.OneOf = append(one.OneOf, &schema{Required: []string{n}})
		}
		s.AllOf = append(s.AllOf, one)
		return
	}
	for i, n := range names {
		for _, other := range names[i+1:] {
			s.AllOf = append(s.AllOf, &schema{Not: &schema{Required: []string{n, other}}})
		}
	}
}

// mustBeSet reports whether leaving a field out breaks its rule.
func mustBeSet(fd protoreflect.FieldDescriptor) bool {
	r := schemas.Rule(fd)
	if r == nil {
		return false
	}
	if fd.IsList() || fd.IsMap() {
		return r.GetMinItems() > 0
	}
	if r.GetRequired() {
		return true
	}
	if !isNumber(fd) || r.GetZeroIsDefault() {
		return false
	}
	return r.Min != nil && r.GetMin() > 0 || r.Max != nil && r.GetMax() < 0 || r.GetPowerOfTwo() ||
		len(r.GetOneOf()) > 0 && !slices.Contains(r.GetOneOf(), "0")
}

// field returns the schema of a field with its description.
func (b *builder) field(fd protoreflect.FieldDescriptor) *schema {
	r := schemas.Rule(fd)
	var s *schema
	switch {
	case fd.IsMap():
		s = &schema{Type: "object", AdditionalProperties: b.value(fd.MapValue(), r, true), PropertyNames: keys(fd.MapKey(), r.GetKeys()),
			MinProperties: int(r.GetMinItems()), MaxProperties: int(r.GetMaxItems())}
	case fd.IsList():
		s = &schema{Type: "array", Items: b.value(fd, r, true), MinItems: int(r.GetMinItems()), MaxItems: int(r.GetMaxItems())}
	default:
		s = b.value(fd, r, r.GetRequired())
		s.Default = defaultOf(fd, r)
	}
	s.Description = schemas.Comment(fd)
	return s
}

// value returns the schema of a single value. filled says that the empty
// text is no way to leave it out.
func (b *builder) value(fd protoreflect.FieldDescriptor, r *option.Rule, filled bool) *schema {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return b.ref(fd.Message())
	case protoreflect.BoolKind:
		return &schema{Type: "boolean"}
	case protoreflect.StringKind:
		return text(r, filled)
	case protoreflect.BytesKind:
		return &schema{Type: []string{"string", "object", "array"}}
	case protoreflect.EnumKind:
		s := &schema{}
		for i := range fd.Enum().Values().Len() {
			s.Enum = append(s.Enum, string(fd.Enum().Values().Get(i).Name()))
		}
		return s
	}
	return number(fd, r)
}

func text(r *option.Rule, filled bool) *schema {
	s := &schema{Type: "string", MaxLength: longest[r.GetFormat()]}
	if n := int(r.GetMaxLen()); n > 0 && (s.MaxLength == 0 || n < s.MaxLength) {
		s.MaxLength = n
	}
	if p := patterns[r.GetFormat()]; p != "" {
		s.Pattern = "^(" + p + ")$"
		if !filled {
			s.Pattern = "^(" + p + ")?$"
		}
	} else if r.GetRequired() {
		s.MinLength = 1
	}
	for _, v := range r.GetOneOf() {
		s.Enum = append(s.Enum, v)
	}
	if len(s.Enum) > 0 && !filled {
		s.Enum = append(s.Enum, "")
	}
	return s
}

// number returns the schema of a number: itself, or the text of one.
func number(fd protoreflect.FieldDescriptor, r *option.Rule) *schema {
	low, high := limits(fd.Kind())
	if r != nil && r.Min != nil {
		low = math.Max(low, r.GetMin())
	}
	if r != nil && r.Max != nil {
		high = math.Min(high, r.GetMax())
	}
	num := &schema{Type: "integer"}
	txt := &schema{Type: "string", Pattern: integerText}
	if isFloat(fd) {
		num.Type, txt.Pattern = "number", ""
	}
	values := allowed(r, low, high)
	switch {
	case values != nil:
		return &schema{AnyOf: []*schema{{Enum: values}, txt}}
	case r.GetZeroIsDefault() && low > 0:
		num.Minimum, num.Maximum = bound(low), bound(high)
		return &schema{AnyOf: []*schema{{Enum: []any{0}}, num, txt}}
	}
	return &schema{Type: []string{num.Type.(string), "string"}, Minimum: bound(low), Maximum: bound(high), Pattern: txt.Pattern}
}

// allowed returns the values of a rule that lists them, in one way or the
// other; nil: it does not.
func allowed(r *option.Rule, low, high float64) []any {
	var values []any
	if r.GetZeroIsDefault() {
		values = append(values, 0)
	}
	switch {
	case len(r.GetOneOf()) > 0:
		for _, v := range r.GetOneOf() {
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				values = append(values, f)
			}
		}
	case r.GetPowerOfTwo() && high <= 1<<32:
		for v := 1.0; v <= high; v *= 2 {
			if v >= low {
				values = append(values, v)
			}
		}
	default:
		return nil
	}
	return values
}

// keys returns the schema of the keys of a map, which are text in JSON.
func keys(fd protoreflect.FieldDescriptor, r *option.Rule) *schema {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return text(r, true)
	case protoreflect.BoolKind:
		return &schema{Enum: []any{"false", "true"}}
	}
	return &schema{Pattern: integerText}
}

// bound returns a limit, or nil for none and for those that JSON readers do
// not keep exactly.
func bound(v float64) *float64 {
	if math.Abs(v) > 1<<53 {
		return nil
	}
	return &v
}

// limits returns the range of a type of numbers.
func limits(k protoreflect.Kind) (low, high float64) {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return math.MinInt32, math.MaxInt32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 0, math.MaxUint32
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return 0, math.Inf(1)
	}
	return math.Inf(-1), math.Inf(1)
}

func isFloat(fd protoreflect.FieldDescriptor) bool {
	return fd.Kind() == protoreflect.FloatKind || fd.Kind() == protoreflect.DoubleKind
}

func isNumber(fd protoreflect.FieldDescriptor) bool {
	switch fd.Kind() {
	case protoreflect.BoolKind, protoreflect.StringKind, protoreflect.BytesKind, protoreflect.EnumKind,
		protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	}
	return true
}

// defaultOf returns the default of a field if its rule tells a value.
func defaultOf(fd protoreflect.FieldDescriptor, r *option.Rule) any {
	d := r.GetDefaultText()
	if isNumber(fd) {
		if f, err := strconv.ParseFloat(d, 64); err == nil {
			return f
		}
	}
	if fd.Kind() == protoreflect.StringKind && slices.Contains(r.GetOneOf(), d) {
		return d
	}
	return nil
}
