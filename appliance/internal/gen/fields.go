// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// row is a field in a table of the documentation.
type row struct{ path, kind, fallback, allowed, doc string }

// rows returns the fields of a message and of the messages in it, with paths
// such as "rules[].src_ip".
func rows(msg protoreflect.MessageDescriptor) []row {
	return appendRows(nil, "", msg, map[protoreflect.FullName]bool{})
}

func appendRows(list []row, prefix string, msg protoreflect.MessageDescriptor, above map[protoreflect.FullName]bool) []row {
	above[msg.FullName()] = true
	defer delete(above, msg.FullName())
	for i := range msg.Fields().Len() {
		fd := msg.Fields().Get(i)
		r := schemas.Rule(fd)
		path := prefix + string(fd.Name())
		doc := schemas.Comment(fd)
		if od := fd.ContainingOneof(); od != nil && od.Fields().Len() > 1 {
			doc += " (" + choiceText(od) + ")"
		}
		list = append(list, row{path, kindOf(fd, r), fallbackOf(fd, r), allowedText(fd, r), doc})
		switch {
		case fd.IsList():
			path += "[]"
		case fd.IsMap():
			fd, path = fd.MapValue(), path+"{}"
		}
		if sub := fd.Message(); sub != nil && !isFieldData(sub) && !above[sub.FullName()] {
			list = appendRows(list, path+".", sub, above)
		}
	}
	return list
}

// choiceText tells what a member of a oneof excludes.
func choiceText(od protoreflect.OneofDescriptor) string {
	var names []string
	for i := range od.Fields().Len() {
		names = append(names, "`"+string(od.Fields().Get(i).Name())+"`")
	}
	text := "one of "
	if !schemas.Choice(od).GetRequired() {
		text = "at most one of "
	}
	return text + strings.Join(names, ", ")
}

func kindOf(fd protoreflect.FieldDescriptor, r *option.Rule) string {
	switch {
	case fd.IsMap():
		return "map from " + single(fd.MapKey()) + " to " + single(fd.MapValue()) + unitOf(r)
	case fd.IsList():
		return "list of " + plural(fd) + unitOf(r)
	}
	return single(fd) + unitOf(r)
}

func unitOf(r *option.Rule) string {
	if r.GetUnit() == "" {
		return ""
	}
	return " (" + r.GetUnit() + ")"
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

func plural(fd protoreflect.FieldDescriptor) string {
	switch s := single(fd); s {
	case "text":
		return "texts"
	case "bytes":
		return "byte strings"
	case "number or bytes":
		return "numbers or byte strings"
	default:
		return s + "s"
	}
}

// fallbackOf tells what holds when a field is left out.
func fallbackOf(fd protoreflect.FieldDescriptor, r *option.Rule) string {
	switch {
	case r.GetDefaultText() != "":
		return r.GetDefaultText()
	case fd.ContainingOneof() != nil:
		return ""
	case mustBeSet(fd):
		return "required"
	case fd.IsList() || fd.IsMap() || fd.Message() != nil:
		return "none"
	case fd.Kind() == protoreflect.BoolKind:
		return "false"
	case isNumber(fd):
		return "0"
	}
	return "empty"
}

var formatText = map[string]string{
	"ipv4": "IPv4 address", "cidr4": "IPv4 address or prefix", "cidr": "IPv4 or IPv6 address or prefix", "mac": "MAC address", "hex": "hexadecimal digits",
	"name": "1..255 bytes", "attribute": "1..255 bytes", "gate": "gate number", "pcap-filter": "pcap-filter(7)",
}

// allowedText tells the rule of a field in a few words.
func allowedText(fd protoreflect.FieldDescriptor, r *option.Rule) string {
	if r == nil {
		return ""
	}
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
	add(r.Format != "", "%s", formatText[r.GetFormat()])
	add(len(r.GetOneOf()) > 0, "`%s`", strings.Join(r.GetOneOf(), "`, `"))
	add(r.GetMaxLen() > 0, "up to %d bytes", r.GetMaxLen())
	if n := allowedText(fd, r.GetKeys()); n != "" {
		parts = append(parts, "keys: "+n)
	}
	add(r.GetMinItems() > 0 && r.GetMaxItems() > 0, "%d..%d entries", r.GetMinItems(), r.GetMaxItems())
	add(r.GetMinItems() == 1 && r.GetMaxItems() == 0, "at least one entry")
	add(r.GetMinItems() > 1 && r.GetMaxItems() == 0, "at least %d entries", r.GetMinItems())
	add(r.GetMinItems() == 0 && r.GetMaxItems() > 0, "up to %d entries", r.GetMaxItems())
	return strings.Join(parts, ", ")
}

func num(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// undocumented returns the fields of a message, and of those in it, that have
// no comment.
func undocumented(msg protoreflect.MessageDescriptor) []string {
	var missing []string
	for _, r := range rows(msg) {
		if strings.HasPrefix(r.doc, " (") || r.doc == "" {
			missing = append(missing, string(msg.FullName())+": "+r.path)
		}
	}
	return missing
}
