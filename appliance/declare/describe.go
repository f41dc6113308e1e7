// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// changes describes how two arguments of one type differ, a text for each
// field.
func changes(a, b proto.Message) (list []string) {
	old, _ := scalars.Encode(a).(map[string]any)
	now, _ := scalars.Encode(b).(map[string]any)
	fs := b.ProtoReflect().Descriptor().Fields()
	for i := range fs.Len() {
		fd := fs.Get(i)
		name := string(fd.Name())
		if fd.IsList() || fd.IsMap() || fd.Message() != nil {
			if text := bulk(a, b, fd); text != "" {
				list = append(list, name+": "+text)
			}
			continue
		}
		if x, y := brief(old[name]), brief(now[name]); x != y {
			list = append(list, name+": "+x+" -> "+y)
		}
	}
	return list
}

// bulk describes how a field with many values differs, "" if it does not.
func bulk(a, b proto.Message, fd protoreflect.FieldDescriptor) string {
	x, y := a.ProtoReflect(), b.ProtoReflect()
	if x.Get(fd).Equal(y.Get(fd)) && x.Has(fd) == y.Has(fd) {
		return ""
	}
	n, m := size(x, fd), size(y, fd)
	if n == m {
		return "changed"
	}
	return fmt.Sprintf("%d -> %d entries", n, m)
}

func size(m protoreflect.Message, fd protoreflect.FieldDescriptor) int {
	switch {
	case fd.IsList():
		return m.Get(fd).List().Len()
	case fd.IsMap():
		return m.Get(fd).Map().Len()
	}
	return 1
}

// brief shows a value of an argument; what is not set is its default.
func brief(v any) string {
	switch x := v.(type) {
	case nil:
		return "default"
	case string:
		return show(x)
	}
	return fmt.Sprint(v)
}

// join joins texts, the first few of them.
func join(list []string) string {
	const most = 3
	if len(list) > most {
		return strings.Join(list[:most], ", ") + " and " + itoa(len(list)-most) + " more"
	}
	return strings.Join(list, ", ")
}

// text describes a place.
func (p *Place) text() string {
	var b strings.Builder
	switch {
	case p.Parent != "":
		b.WriteString("class " + p.Parent)
	case p.Worker != nil:
		return "worker " + itoa(*p.Worker)
	default:
		return "any worker"
	}
	if p.Priority != nil {
		b.WriteString(", priority " + strconv.FormatInt(*p.Priority, 10))
	}
	if p.Share != nil {
		b.WriteString(", share " + strconv.FormatInt(*p.Share, 10))
	}
	return b.String()
}

// text describes a traffic class without its place.
func (t *TC) text() string {
	text := t.Policy
	if t.Resource != "" {
		text += " of " + t.Resource
	}
	if t.Policy == rateLimit {
		text += ", limit " + formatRate(t.Limit, units[t.Resource])
	}
	if t.MaxBurst != 0 {
		text += ", maxBurst " + formatRate(t.MaxBurst, "")
	}
	return text
}
