// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// fieldManual is what the .proto file says about a field of an argument.
type fieldManual struct {
	// Field is the way to it: "rules.src_ip".
	Field string `json:"field"`
	Type  string `json:"type"`
	Unit  string `json:"unit"`
	// Default is what holds when the field is left out.
	Default  string `json:"default"`
	Allowed  string `json:"allowed"`
	Required bool   `json:"required"`
	// OneOf are the fields of which at most one can be given, this one
	// included.
	OneOf []string `json:"one_of"`
	Help  string   `json:"help"`
}

// manualOf describes a field.
func manualOf(path string, fd protoreflect.FieldDescriptor) fieldManual {
	r := schemas.Rule(fd)
	m := fieldManual{Field: path, Type: typeOf(fd), Unit: r.GetUnit(), Allowed: allowed(r), Required: required(fd, r),
		OneOf: []string{}, Help: schemas.Comment(fd)}
	m.Default = fallback(fd, r)
	if od := fd.ContainingOneof(); od != nil && !od.IsSynthetic() {
		for i := range od.Fields().Len() {
			m.OneOf = append(m.OneOf, string(od.Fields().Get(i).Name()))
		}
	}
	return m
}

// manuals describes all fields of a message and of the messages in it.
func manuals(prefix string, msg protoreflect.MessageDescriptor) []fieldManual {
	return appendManuals([]fieldManual{}, prefix, msg, map[protoreflect.FullName]bool{})
}

func appendManuals(list []fieldManual, prefix string, msg protoreflect.MessageDescriptor, above map[protoreflect.FullName]bool) []fieldManual {
	if msg == nil || above[msg.FullName()] {
		return list
	}
	above[msg.FullName()] = true
	defer delete(above, msg.FullName())
	for i := range msg.Fields().Len() {
		fd := msg.Fields().Get(i)
		path := prefix + string(fd.Name())
		list = append(list, manualOf(path, fd))
		list = appendManuals(list, path+".", inner(fd), above)
	}
	return list
}

// inner returns the message below a field that has fields of its own to
// explain, else nil.
func inner(fd protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if fd.IsMap() {
		fd = fd.MapValue()
	}
	if fd.Message() == nil || isFieldData(fd.Message()) {
		return nil
	}
	return fd.Message()
}

// isFieldData recognises the message that people write as a number or bytes.
func isFieldData(m protoreflect.MessageDescriptor) bool { return m.FullName() == "bess.pb.FieldData" }

// typeOf names the type in words.
func typeOf(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return "map from " + single(fd.MapKey()) + " to " + single(fd.MapValue())
	case fd.IsList():
		return "list of " + single(fd)
	}
	return single(fd)
}

func single(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.StringKind:
		return "text"
	case protoreflect.BytesKind:
		return "bytes"
	case protoreflect.EnumKind:
		return "name"
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "number"
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if isFieldData(fd.Message()) {
			return "number or bytes"
		}
		return "object"
	}
	return "integer"
}

func required(fd protoreflect.FieldDescriptor, r *option.Rule) bool {
	return r.GetRequired() || r.GetMinItems() > 0 || r != nil &&
		fd.ContainingOneof() == nil && !fd.IsList() && !fd.IsMap() && r.Min != nil && r.GetMin() > 0 && !r.GetZeroIsDefault()
}

// fallback tells what holds when a field is left out.
func fallback(fd protoreflect.FieldDescriptor, r *option.Rule) string {
	switch {
	case r.GetDefaultText() != "":
		return r.GetDefaultText()
	case required(fd, r) || fd.HasPresence():
		return ""
	case fd.IsList() || fd.IsMap():
		return "none"
	}
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return "false"
	case protoreflect.StringKind, protoreflect.BytesKind:
		return "empty"
	case protoreflect.EnumKind:
		return string(fd.DefaultEnumValue().Name())
	}
	return "0"
}

var formatText = map[string]string{
	"ipv4": "an IPv4 address", "cidr4": "an IPv4 address or prefix (a.b.c.d/length)",
	"cidr": "an IPv4 or IPv6 address or prefix (a.b.c.d/length or x:x::/length)", "mac": "a MAC address", "hex": "hexadecimal digits",
	"name": "a name of 1..255 bytes", "attribute": "a name of 1..255 bytes", "gate": "a gate number 0..8191",
	"pcap-filter": "a filter as in pcap-filter(7)",
}

// allowed tells a rule in words.
func allowed(r *option.Rule) string {
	if r == nil {
		return ""
	}
	num := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	var parts []string
	add := func(ok bool, format string, a ...any) {
		if ok {
			parts = append(parts, fmt.Sprintf(format, a...))
		}
	}
	add(r.Min != nil && r.Max != nil, "%s..%s", num(r.GetMin()), num(r.GetMax()))
	add(r.Min != nil && r.Max == nil, "at least %s", num(r.GetMin()))
	add(r.Min == nil && r.Max != nil, "at most %s", num(r.GetMax()))
	add(r.GetPowerOfTwo(), "a power of two")
	add(r.GetFormat() != "", "%s", formatText[r.GetFormat()])
	add(len(r.GetOneOf()) > 0, "one of %s", strings.Join(r.GetOneOf(), ", "))
	add(r.GetMaxLen() > 0, "up to %d bytes", r.GetMaxLen())
	keys := allowed(r.GetKeys())
	add(keys != "", "keys: %s", keys)
	add(r.GetMinItems() > 0 && r.GetMaxItems() > 0, "%d..%d entries", r.GetMinItems(), r.GetMaxItems())
	add(r.GetMinItems() > 0 && r.GetMaxItems() == 0, "%s", atLeast(r.GetMinItems()))
	add(r.GetMinItems() == 0 && r.GetMaxItems() > 0, "up to %d entries", r.GetMaxItems())
	return strings.Join(parts, ", ")
}

func atLeast(n uint32) string {
	if n == 1 {
		return "at least one entry"
	}
	return fmt.Sprintf("at least %d entries", n)
}

// facts sums a field up: "integer (bytes), 1..2048, default 60".
func (m *fieldManual) facts() string {
	text := m.Type
	if m.Unit != "" {
		text += " (" + m.Unit + ")"
	}
	if m.Allowed != "" {
		text += ", " + m.Allowed
	}
	switch {
	case m.Required:
		text += ", required"
	case m.Default != "":
		text += ", default " + m.Default
	}
	if len(m.OneOf) > 1 {
		text += ", only one of " + strings.Join(m.OneOf, ", ")
	}
	return text
}
