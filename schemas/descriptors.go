// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	_ "embed"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
)

//go:embed descriptors.binpb
var descriptors []byte

var files = sync.OnceValue(func() *protoregistry.Files {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(descriptors, &set); err != nil {
		panic("schemas: descriptors.binpb is damaged: " + err.Error())
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		panic("schemas: descriptors.binpb is damaged: " + err.Error())
	}
	return files
})

var types = sync.OnceValue(func() *dynamicpb.Types { return dynamicpb.NewTypes(files()) })

// Files returns the files of all messages of the appliance, with comments, and
// the files they import. Read only.
func Files() *protoregistry.Files { return files() }

// Types returns a resolver of these messages and extensions for protojson,
// anypb and proto.Unmarshal. The messages it makes are dynamicpb messages.
func Types() *dynamicpb.Types { return types() }

// Message returns the message of that full name ("bess.pb.ACLArg"), or nil.
func Message(name protoreflect.FullName) protoreflect.MessageDescriptor {
	d, err := files().FindDescriptorByName(name)
	if err != nil {
		return nil
	}
	m, _ := d.(protoreflect.MessageDescriptor)
	return m
}

// Comment returns what the .proto file says about a message, field, oneof,
// service or method: paragraphs separated by empty lines, the lines of each
// joined, items of lists ("- …") on lines of their own. Empty if there is no
// comment. The descriptor may be one of Files or one of generated code.
func Comment(desc protoreflect.Descriptor) string {
	d, err := files().FindDescriptorByName(desc.FullName())
	if err != nil {
		return ""
	}
	return unwrap(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}

// unwrap joins the lines of each paragraph and list item of a comment.
func unwrap(comment string) string {
	var b strings.Builder
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n\n") {
				b.WriteString("\n\n")
			}
			continue
		case strings.HasPrefix(line, "- ") && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n"):
			b.WriteString("\n")
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "\n"):
			b.WriteString(" ")
		}
		b.WriteString(line)
	}
	return strings.TrimSpace(b.String())
}

// Rule returns the restrictions of a field, or nil. The field may be one of
// Files or one of generated code.
func Rule(fd protoreflect.FieldDescriptor) *option.Rule {
	r, _ := proto.GetExtension(fd.Options(), option.E_Rule).(*option.Rule)
	return r
}

// Choice returns the restrictions of a oneof, or nil.
func Choice(od protoreflect.OneofDescriptor) *option.Choice {
	c, _ := proto.GetExtension(od.Options(), option.E_Choice).(*option.Choice)
	return c
}
