// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// naming are the fields that say what a request is about, in the order in
// which they are told. Values of other fields never reach the audit log.
var naming = []protoreflect.Name{"name", "mclass", "m1", "ogate", "m2", "igate", "module", "modules", "driver", "leaf_module_name",
	"leaf_module_taskid", "hook_name", "class_name", "module_name", "enable", "parent", "wid", "core", "cmd", "path", "role",
	"documents", "generation", "class", "hook"}

// maxObject bounds what is told about a request, in bytes.
const maxObject = 256

// object tells what a request is about, like "name=fw cmd=add".
func object(req any) string {
	m, ok := req.(proto.Message)
	if !ok {
		return ""
	}
	var b strings.Builder
	describe(&b, m.ProtoReflect(), 0)
	return clip(strings.TrimSpace(b.String()), maxObject)
}

// describe writes the naming fields of a message and of those within it.
func describe(b *strings.Builder, m protoreflect.Message, depth int) {
	for _, name := range naming {
		f := m.Descriptor().Fields().ByName(name)
		if f == nil || !m.Has(f) || b.Len() > maxObject {
			continue
		}
		switch {
		case f.IsMap():
		case f.IsList():
			list := m.Get(f).List()
			for i := 0; i < list.Len() && b.Len() <= maxObject; i++ {
				value(b, f, list.Get(i), depth)
			}
		default:
			value(b, f, m.Get(f), depth)
		}
	}
}

func value(b *strings.Builder, f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if depth < 2 {
			describe(b, v.Message(), depth+1)
		}
	case protoreflect.StringKind:
		fmt.Fprintf(b, "%s=%s ", f.Name(), word(v.String()))
	case protoreflect.BytesKind:
	default:
		fmt.Fprintf(b, "%s=%v ", f.Name(), v.Interface())
	}
}

// word quotes a text unless it is one word.
func word(s string) string {
	s = clip(s, maxObject)
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == utf8.RuneError || r == 0x7f }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// clip cuts a text at a character that begins within the first n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
