// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wiretest

import (
	"fmt"
	"sort"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// packages are those of the contract. Others are our own and may change.
var packages = map[protoreflect.FullName]bool{
	"bess.pb":           true,
	"bess.pb.test":      true,
	"sample.supdate.pb": true,
}

// firstOwn is the first number of the fields that BESS does not have. Clients
// that do not know them never send them, and no other fork uses them.
const firstOwn = 1000

// split parts the fields of our own from the lines of the contract.
func split(lines []string) (contract, own []string) {
	for _, line := range lines {
		var message string
		var number int
		if n, _ := fmt.Sscanf(line, "field %s %d ", &message, &number); n == 2 && number >= firstOwn {
			own = append(own, line)
		} else {
			contract = append(contract, line)
		}
	}
	return contract, own
}

// describe returns the lines of the locks that describe files, sorted.
func describe(files *protoregistry.Files) []string {
	var lines []string
	add := func(format string, a ...any) { lines = append(lines, fmt.Sprintf(format, a...)) }
	for pkg := range packages {
		files.RangeFilesByPackage(pkg, func(f protoreflect.FileDescriptor) bool {
			addMessages(add, f.Messages())
			for i := range f.Services().Len() {
				addService(add, f.Services().Get(i))
			}
			for i := range f.Enums().Len() {
				add("enum %s", f.Enums().Get(i).FullName())
			}
			return true
		})
	}
	sort.Strings(lines)
	return lines
}

func addMessages(add func(string, ...any), ms protoreflect.MessageDescriptors) {
	for i := range ms.Len() {
		m := ms.Get(i)
		if m.IsMapEntry() {
			continue
		}
		add("message %s", m.FullName())
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			add("field %s %d %s %s %s %s", m.FullName(), f.Number(), f.Name(), typeOf(f), labelOf(f), oneofOf(f))
		}
		for j := range m.ReservedRanges().Len() {
			r := m.ReservedRanges().Get(j)
			for n := r[0]; n < r[1]; n++ {
				add("reserved %s %d", m.FullName(), n)
			}
		}
		addMessages(add, m.Messages())
	}
}

func addService(add func(string, ...any), s protoreflect.ServiceDescriptor) {
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		kind := "unary"
		if m.IsStreamingClient() || m.IsStreamingServer() {
			kind = "streaming"
		}
		add("method %s.%s %s %s %s", s.FullName(), m.Name(), m.Input().FullName(), m.Output().FullName(), kind)
	}
}

func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("map<%s,%s>", typeOf(f.MapKey()), typeOf(f.MapValue()))
	case f.Message() != nil:
		return string(f.Message().FullName())
	}
	return f.Kind().String()
}

func labelOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map"
	case f.IsList():
		return "repeated"
	}
	return "optional"
}

func oneofOf(f protoreflect.FieldDescriptor) string {
	if o := f.ContainingOneof(); o != nil {
		return string(o.Name())
	}
	return "-"
}

// parse returns the lines of a lock without comments.
func parse(lock string) []string {
	var lines []string
	for line := range strings.Lines(lock) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// compare returns one line per difference: "- " for what the lock promises
// and the code lacks, "+ " for what the lock does not know.
func compare(lock, code []string) []string {
	var diff []string
	minus(lock, code, func(s string) { diff = append(diff, "- "+s) })
	minus(code, lock, func(s string) { diff = append(diff, "+ "+s) })
	return diff
}

// minus calls f for every line of a that is not in b.
func minus(a, b []string, f func(string)) {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			f(s)
		}
	}
}

// count returns how many lines are of a kind.
func count(lines []string, kind string) int {
	n := 0
	for _, s := range lines {
		if strings.HasPrefix(s, kind+" ") {
			n++
		}
	}
	return n
}
