// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// foreign describes a message that the descriptor set does not contain: two
// members of a oneof without comments.
func foreign(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	var f descriptorpb.FileDescriptorProto
	err := prototext.Unmarshal([]byte(`
		name: "foreign.proto" package: "foreign" syntax: "proto3"
		message_type {
			name: "Arg" oneof_decl { name: "o" }
			field { name: "a" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL oneof_index: 0 }
			field { name: "b" number: 2 type: TYPE_BOOL label: LABEL_OPTIONAL oneof_index: 0 }
		}`), &f)
	if err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{&f}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := files.FindDescriptorByName("foreign.Arg")
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor)
}
