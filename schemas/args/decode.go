// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"sort"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// maxDepth bounds the nesting of messages in a value.
const maxDepth = 64

// Options vary Decode. The zero value is what most callers want.
type Options struct {
	// Prefix starts every path, for example "modules.fw.args".
	Prefix string
	// NoRules leaves the rules of the field options unchecked.
	NoRules bool
}

// Decode makes a message of type desc from a generic value, which is a map
// or null (an empty message). It returns every problem it finds; the message
// is complete only if there is none. The message is of the generated Go type if
// desc belongs to one, else a dynamicpb message.
func Decode(desc protoreflect.MessageDescriptor, v any, opt Options) (proto.Message, []Finding) {
	m := newMessage(desc)
	d := &decoder{path: scalar.NewPath(opt.Prefix)}
	if !scalar.IsNull(v) {
		d.message(m, v)
	}
	if !opt.NoRules {
		d.rules(m, opt.Prefix)
	}
	return m.Interface(), d.finds
}

func newMessage(desc protoreflect.MessageDescriptor) protoreflect.Message {
	mt, err := protoregistry.GlobalTypes.FindMessageByName(desc.FullName())
	if err == nil && mt.Descriptor() == desc {
		return mt.New()
	}
	return dynamicpb.NewMessage(desc)
}

// decoder walks a value and the message it fills.
type decoder struct {
	path  scalar.Path
	depth int
	finds []Finding
	// open are the paths whose value is wrong or not known yet: what the rules
	// say about the empty field in its place is noise.
	open map[string]bool
}

func (d *decoder) leaveOpen() {
	if d.open == nil {
		d.open = map[string]bool{}
	}
	d.open[d.path.String()] = true
}

// fail reports v at the current path.
func (d *decoder) fail(v any, msg, hint string) {
	d.leaveOpen()
	d.finds = append(d.finds, Finding{Path: d.path.String(), Value: scalar.Show(v), Msg: msg, Hint: hint})
}

// rules adds what Check finds, except for values already reported.
func (d *decoder) rules(m protoreflect.Message, prefix string) {
	for _, f := range checkAt(prefix, m) {
		if !d.covered(f.Path) {
			d.finds = append(d.finds, f)
		}
	}
}

// covered reports whether path or one it lies in was left open.
func (d *decoder) covered(path string) bool {
	if len(d.open) == 0 {
		return false
	}
	if d.open[""] || d.open[path] {
		return true
	}
	for i := range len(path) {
		if (path[i] == '.' || path[i] == '[') && d.open[path[:i]] {
			return true
		}
	}
	return false
}

// message fills m from a map (or a FieldData from a scalar).
func (d *decoder) message(m protoreflect.Message, v any) {
	if _, unknown := v.(Unknown); unknown {
		d.leaveOpen()
		return
	}
	if isFieldData(m.Descriptor()) && d.fieldData(m, v) {
		return
	}
	vals, problem := scalar.AsMap(v)
	if problem != "" {
		d.fail(v, problem, "")
		return
	}
	if d.depth == maxDepth {
		d.fail(v, "nested too deep", "")
		return
	}
	d.depth++
	d.fields(m, vals)
	d.depth--
}

// fields sets the fields of m in the order of the .proto file.
func (d *decoder) fields(m protoreflect.Message, vals map[string]any) {
	fields := m.Descriptor().Fields()
	seen := 0
	for i := range fields.Len() {
		fd := fields.Get(i)
		val, ok := vals[string(fd.Name())]
		if !ok {
			continue
		}
		seen++
		if scalar.IsNull(val) {
			continue
		}
		d.path.Field(string(fd.Name()))
		if other := rival(fd, vals); other != "" {
			d.fail(val, "not together with "+other+", which excludes it", "")
		} else {
			d.field(m, fd, val)
		}
		d.path.Pop()
	}
	if seen != len(vals) {
		d.unknownFields(m.Descriptor(), vals)
	}
	if len(d.open) > 0 {
		d.openChoices(m, vals)
	}
}

// openChoices leaves the oneofs open whose only given member is wrong.
func (d *decoder) openChoices(m protoreflect.Message, vals map[string]any) {
	groups := m.Descriptor().Oneofs()
	for i := range groups.Len() {
		group := groups.Get(i)
		for j := range group.Fields().Len() {
			v, ok := vals[string(group.Fields().Get(j).Name())]
			if ok && !scalar.IsNull(v) {
				d.path.Field(string(group.Name()))
				d.leaveOpen()
				d.path.Pop()
			}
		}
	}
}

// rival returns a member of fd's oneof that is declared before fd and given
// as well.
func rival(fd protoreflect.FieldDescriptor, vals map[string]any) string {
	group := fd.ContainingOneof()
	if group == nil {
		return ""
	}
	for i := range group.Fields().Len() {
		other := group.Fields().Get(i)
		if other == fd {
			return ""
		}
		if v, ok := vals[string(other.Name())]; ok && !scalar.IsNull(v) {
			return string(other.Name())
		}
	}
	return ""
}

func (d *decoder) unknownFields(desc protoreflect.MessageDescriptor, vals map[string]any) {
	names := FieldNames(desc)
	for _, k := range scalar.Keys(vals) {
		if desc.Fields().ByName(protoreflect.Name(k)) != nil {
			continue
		}
		hint := scalar.DidYouMean(k, names)
		if hint == "" {
			hint = listNames(string(desc.Name()), names)
		}
		d.path.Field(k)
		d.fail(vals[k], "unknown field", hint)
		d.path.Pop()
	}
}

// FieldNames returns the names of the message's fields, sorted.
func FieldNames(desc protoreflect.MessageDescriptor) []string {
	names := make([]string, desc.Fields().Len())
	for i := range names {
		names[i] = string(desc.Fields().Get(i).Name())
	}
	sort.Strings(names)
	return names
}

// field sets one field that is present and not null.
func (d *decoder) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, v any) {
	if _, unknown := v.(Unknown); unknown {
		d.leaveOpen()
		return
	}
	switch {
	case fd.IsMap():
		d.mapField(m.Mutable(fd).Map(), fd, v)
	case fd.IsList():
		d.listField(m.Mutable(fd).List(), fd, v)
	case fd.Message() != nil:
		d.message(m.Mutable(fd).Message(), v)
	default:
		if pv, ok := d.scalar(fd, v); ok {
			m.Set(fd, pv)
		}
	}
}

// listField appends every element. One that is wrong leaves an empty one, so
// that the indexes of later findings stay right.
func (d *decoder) listField(l protoreflect.List, fd protoreflect.FieldDescriptor, v any) {
	elems, ok := scalar.AsList(v)
	if !ok {
		d.fail(v, "expected a list, got "+scalar.Kind(v), "write one value as [value]")
		return
	}
	for i, e := range elems {
		d.path.Index(i)
		if fd.Message() != nil {
			d.element(l.AppendMutable().Message(), e)
		} else if pv, ok := d.scalar(fd, e); ok {
			l.Append(pv)
		} else {
			l.Append(l.NewElement())
		}
		d.path.Pop()
	}
}

// element fills a message that is an element: null would be invisible there.
func (d *decoder) element(m protoreflect.Message, v any) {
	if scalar.IsNull(v) {
		d.fail(v, "expected a map, got null", "")
		return
	}
	d.message(m, v)
}

func (d *decoder) mapField(mp protoreflect.Map, fd protoreflect.FieldDescriptor, v any) {
	vals, problem := scalar.AsMap(v)
	if problem != "" {
		d.fail(v, problem, "")
		return
	}
	for _, k := range scalar.Keys(vals) {
		if scalar.IsNull(vals[k]) {
			continue
		}
		d.path.Key(k)
		d.entry(mp, fd, k, vals[k])
		d.path.Pop()
	}
}

func (d *decoder) entry(mp protoreflect.Map, fd protoreflect.FieldDescriptor, k string, v any) {
	key, problem := mapKey(fd.MapKey(), k)
	switch {
	case problem != "":
		d.fail(k, "map key "+problem, "")
	case mp.Has(key):
		d.fail(k, "map key given twice", "")
	case fd.MapValue().Message() != nil:
		d.message(mp.Mutable(key).Message(), v)
	default:
		if pv, ok := d.scalar(fd.MapValue(), v); ok {
			mp.Set(key, pv)
		}
	}
}
