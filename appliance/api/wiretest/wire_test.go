// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package wiretest

import (
	_ "embed"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

//go:embed wire.lock
var lockText string

//go:embed own.lock
var ownText string

func TestContract(t *testing.T) {
	contract, _ := split(describe(protoregistry.GlobalFiles))
	for _, line := range compare(parse(lockText), contract) {
		t.Error(line)
	}
}

// What declarations on disk may say already must not change its meaning.
func TestOwnFields(t *testing.T) {
	_, own := split(describe(protoregistry.GlobalFiles))
	for _, line := range compare(parse(ownText), own) {
		t.Error(line)
	}
	if len(own) == 0 {
		t.Error("no field of our own was found")
	}
}

// Counts that the specification gives besides the tables.
func TestCounts(t *testing.T) {
	contract, _ := split(describe(protoregistry.GlobalFiles))
	for name, lines := range map[string][]string{"lock": parse(lockText), "code": contract} {
		for kind, want := range map[string]int{"message": 219, "field": 506, "method": 48, "reserved": 2, "enum": 0} {
			if got := count(lines, kind); got != want {
				t.Errorf("%s: %d lines of kind %s, want %d", name, got, kind, want)
			}
		}
	}
}

func TestLocksSorted(t *testing.T) {
	for name, text := range map[string]string{"wire.lock": lockText, "own.lock": ownText} {
		lines := parse(text)
		if !sort.StringsAreSorted(lines) {
			t.Errorf("%s is not sorted", name)
		}
		if n := len(slices.Compact(slices.Clone(lines))); n != len(lines) {
			t.Errorf("%s has %d lines twice", name, len(lines)-n)
		}
	}
}

// A new field below the numbers of our own breaks the contract, one above does
// not.
func TestSplit(t *testing.T) {
	str := descriptorpb.FieldDescriptorProto_TYPE_STRING
	for number, wantOwn := range map[int32]int{2: 0, 999: 0, 1000: 1, 1001: 1} {
		f := base()
		f.MessageType[0].Field = append(f.MessageType[0].Field, &descriptorpb.FieldDescriptorProto{
			Name: ptr("b"), Number: ptr(number), Type: &str, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()})
		contract, own := split(linesOf(t, f))
		if diff := compare(linesOf(t, base()), contract); len(own) != wantOwn || len(diff) != 1-wantOwn {
			t.Errorf("field %d: own %q, against the contract %q", number, own, diff)
		}
	}
}

// Every .proto file must take part, or its messages would go unchecked.
func TestEveryFileLinked(t *testing.T) {
	n := 0
	err := fs.WalkDir(os.DirFS("../../.."), "appliance", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".proto" {
			return err
		}
		text, err := os.ReadFile("../../../" + name)
		if err != nil {
			return err
		}
		if !ofContract(string(text)) {
			return nil
		}
		n++
		if _, err := protoregistry.GlobalFiles.FindFileByPath(name); err != nil {
			t.Errorf("%s is not linked; import its package in links_test.go", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 60 {
		t.Errorf("found only %d files", n)
	}
}

// ofContract reports whether the text of a .proto file names one of packages.
func ofContract(text string) bool {
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "package ")
		if ok {
			return packages[protoreflect.FullName(strings.TrimSuffix(name, ";"))]
		}
	}
	return false
}

// Clients find a message by the part of its name behind the last dot among
// all those that end in Arg, Config or Response.
func TestShortNamesUnique(t *testing.T) {
	seen := map[string]string{}
	for _, line := range parse(lockText) {
		full, ok := strings.CutPrefix(line, "message ")
		if !ok {
			continue
		}
		short := full[strings.LastIndex(full, ".")+1:]
		if !strings.HasSuffix(short, "Arg") && !strings.HasSuffix(short, "Config") && !strings.HasSuffix(short, "Response") {
			continue
		}
		if seen[short] != "" {
			t.Errorf("%s and %s have the same short name", seen[short], full)
		}
		seen[short] = full
	}
	if len(seen) < 150 {
		t.Errorf("looked at only %d names", len(seen))
	}
}

// What the lines of the lock do not say: syntax proto3, hence packed lists,
// and no field with presence of its own.
func TestEncoding(t *testing.T) {
	for pkg := range packages {
		protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(f protoreflect.FileDescriptor) bool {
			if f.Syntax() != protoreflect.Proto3 {
				t.Errorf("%s: syntax %s, want proto3", f.Path(), f.Syntax())
			}
			checkEncoding(t, f.Messages())
			return true
		})
	}
}

func checkEncoding(t *testing.T, ms protoreflect.MessageDescriptors) {
	for i := range ms.Len() {
		fields := ms.Get(i).Fields()
		for j := range fields.Len() {
			f := fields.Get(j)
			if f.HasOptionalKeyword() {
				t.Errorf("%s: must not be optional", f.FullName())
			}
			if scalar := f.Message() == nil && f.Kind() != protoreflect.StringKind && f.Kind() != protoreflect.BytesKind; f.IsList() && f.IsPacked() != scalar {
				t.Errorf("%s: packed is %v, want %v", f.FullName(), f.IsPacked(), scalar)
			}
			if f.Kind() == protoreflect.GroupKind {
				t.Errorf("%s: must not be a group", f.FullName())
			}
		}
		checkEncoding(t, ms.Get(i).Messages())
	}
}

// Every kind of change to a message must show.
func TestCompareFinds(t *testing.T) {
	i64 := descriptorpb.FieldDescriptorProto_TYPE_INT64
	tests := []struct {
		name   string
		change func(*descriptorpb.FileDescriptorProto)
		want   []string
	}{
		{"nothing", func(*descriptorpb.FileDescriptorProto) {}, nil},
		{"type", func(f *descriptorpb.FileDescriptorProto) { f.MessageType[0].Field[0].Type = &i64 },
			[]string{"- field bess.pb.M 1 a string optional -", "+ field bess.pb.M 1 a int64 optional -"}},
		{"number", func(f *descriptorpb.FileDescriptorProto) { f.MessageType[0].Field[0].Number = ptr(int32(2)) },
			[]string{"- field bess.pb.M 1 a string optional -", "+ field bess.pb.M 2 a string optional -"}},
		{"label", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[0].Field[0].Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}, []string{"- field bess.pb.M 1 a string optional -", "+ field bess.pb.M 1 a string repeated -"}},
		{"oneof", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[0].OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: ptr("o")}}
			f.MessageType[0].Field[0].OneofIndex = ptr(int32(0))
		}, []string{"- field bess.pb.M 1 a string optional -", "+ field bess.pb.M 1 a string optional o"}},
		{"field gone", func(f *descriptorpb.FileDescriptorProto) { f.MessageType[0].Field = nil },
			[]string{"- field bess.pb.M 1 a string optional -"}},
		{"reserved gone", func(f *descriptorpb.FileDescriptorProto) { f.MessageType[0].ReservedRange = nil },
			[]string{"- reserved bess.pb.M 7"}},
		{"message added", func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType[0].NestedType = []*descriptorpb.DescriptorProto{{Name: ptr("N")}}
		}, []string{"+ message bess.pb.M.N"}},
		{"enum added", func(f *descriptorpb.FileDescriptorProto) {
			f.EnumType = []*descriptorpb.EnumDescriptorProto{{Name: ptr("E"),
				Value: []*descriptorpb.EnumValueDescriptorProto{{Name: ptr("ZERO"), Number: ptr(int32(0))}}}}
		}, []string{"+ enum bess.pb.E"}},
		{"streaming", func(f *descriptorpb.FileDescriptorProto) { f.Service[0].Method[0].ServerStreaming = ptr(true) },
			[]string{"- method bess.pb.S.Do bess.pb.M bess.pb.M unary", "+ method bess.pb.S.Do bess.pb.M bess.pb.M streaming"}},
		{"own package", func(f *descriptorpb.FileDescriptorProto) {
			f.Package, f.Service = ptr("bess.option.v1"), nil
		}, []string{"- field bess.pb.M 1 a string optional -", "- message bess.pb.M",
			"- method bess.pb.S.Do bess.pb.M bess.pb.M unary", "- reserved bess.pb.M 7"}},
	}
	lock := linesOf(t, base())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := base()
			tt.change(f)
			if got := compare(lock, linesOf(t, f)); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// base is a file that tests change.
func base() *descriptorpb.FileDescriptorProto {
	str := descriptorpb.FieldDescriptorProto_TYPE_STRING
	return &descriptorpb.FileDescriptorProto{
		Name: ptr("m.proto"), Package: ptr("bess.pb"), Syntax: ptr("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: ptr("M"),
			Field: []*descriptorpb.FieldDescriptorProto{{Name: ptr("a"), Number: ptr(int32(1)), Type: &str,
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}},
			ReservedRange: []*descriptorpb.DescriptorProto_ReservedRange{{Start: ptr(int32(7)), End: ptr(int32(8))}},
		}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: ptr("S"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: ptr("Do"), InputType: ptr(".bess.pb.M"), OutputType: ptr(".bess.pb.M")}}}},
	}
}

func linesOf(t *testing.T, f *descriptorpb.FileDescriptorProto) []string {
	t.Helper()
	files, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{f}})
	if err != nil {
		t.Fatal(err)
	}
	return describe(files)
}

func ptr[T any](v T) *T { return &v }
