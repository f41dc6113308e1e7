// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"sync"
	"testing"

	_ "github.com/bessform/terraform-provider-bess/appliance/api/option"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// schemaText describes a file with every kind of field and every rule.
const schemaText = `
name: "args_test.proto" package: "t" syntax: "proto3"
dependency: "appliance/api/option/option.proto"
message_type {
  name: "All"
  field { name: "b" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "i32" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "i64" number: 3 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "u32" number: 4 type: TYPE_UINT32 label: LABEL_OPTIONAL }
  field { name: "u64" number: 5 type: TYPE_UINT64 label: LABEL_OPTIONAL }
  field { name: "f" number: 6 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "d" number: 7 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "s" number: 8 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "y" number: 9 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "e" number: 10 type: TYPE_ENUM type_name: ".t.Color" label: LABEL_OPTIONAL }
  field { name: "sub" number: 11 type: TYPE_MESSAGE type_name: ".t.All" label: LABEL_OPTIONAL }
  field { name: "ss" number: 12 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "subs" number: 13 type: TYPE_MESSAGE type_name: ".t.All" label: LABEL_REPEATED }
  field { name: "ys" number: 14 type: TYPE_BYTES label: LABEL_REPEATED }
  field { name: "us" number: 15 type: TYPE_UINT32 label: LABEL_REPEATED }
  field { name: "left" number: 16 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "right" number: 17 type: TYPE_UINT32 label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "opt" number: 18 type: TYPE_UINT32 label: LABEL_OPTIONAL oneof_index: 1 proto3_optional: true }
  field { name: "m" number: 19 type: TYPE_MESSAGE type_name: ".t.All.MEntry" label: LABEL_REPEATED }
  field { name: "bm" number: 20 type: TYPE_MESSAGE type_name: ".t.All.BmEntry" label: LABEL_REPEATED }
  field { name: "sm" number: 21 type: TYPE_MESSAGE type_name: ".t.All.SmEntry" label: LABEL_REPEATED }
  field { name: "s64" number: 22 type: TYPE_SINT64 label: LABEL_OPTIONAL }
  field { name: "x32" number: 23 type: TYPE_FIXED32 label: LABEL_OPTIONAL }
  field { name: "data" number: 24 type: TYPE_MESSAGE type_name: ".t.Data" label: LABEL_REPEATED }
  oneof_decl { name: "side" } oneof_decl { name: "_opt" }
  nested_type { name: "MEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_UINT32 label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_UINT32 label: LABEL_OPTIONAL } }
  nested_type { name: "BmEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".t.All" label: LABEL_OPTIONAL } }
  nested_type { name: "SmEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL } }
}
message_type { name: "Data"
  field { name: "value_bin" number: 1 type: TYPE_BYTES label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "value_int" number: 2 type: TYPE_UINT64 label: LABEL_OPTIONAL oneof_index: 0 }
  oneof_decl { name: "encoding" }
}
enum_type { name: "Color" value { name: "RED" number: 0 } value { name: "GREEN" number: 1 } }
message_type {
  name: "Ruled"
  field { name: "gate" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL options { [bess.option.v1.rule] { min: 0 max: 8192 } } }
  field { name: "size" number: 2 type: TYPE_UINT64 label: LABEL_OPTIONAL
    options { [bess.option.v1.rule] { min: 4 max: 16384 power_of_two: true zero_is_default: true unit: "slots" } } }
  field { name: "share" number: 3 type: TYPE_DOUBLE label: LABEL_OPTIONAL options { [bess.option.v1.rule] { max: 1 } } }
  field { name: "low" number: 4 type: TYPE_INT32 label: LABEL_OPTIONAL options { [bess.option.v1.rule] { min: -3 } } }
  field { name: "src" number: 5 type: TYPE_STRING label: LABEL_OPTIONAL options { [bess.option.v1.rule] { format: "cidr4" } } }
  field { name: "macs" number: 6 type: TYPE_STRING label: LABEL_REPEATED
    options { [bess.option.v1.rule] { format: "mac" min_items: 1 max_items: 2 } } }
  field { name: "name" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL options { [bess.option.v1.rule] { format: "name" required: true max_len: 8 } } }
  field { name: "mode" number: 8 type: TYPE_STRING label: LABEL_OPTIONAL
    options { [bess.option.v1.rule] { one_of: "packet" one_of: "batch" } } }
  field { name: "width" number: 9 type: TYPE_UINT32 label: LABEL_OPTIONAL
    options { [bess.option.v1.rule] { one_of: "1" one_of: "2" one_of: "4" zero_is_default: true } } }
  field { name: "blob" number: 10 type: TYPE_BYTES label: LABEL_OPTIONAL options { [bess.option.v1.rule] { max_len: 4 } } }
  field { name: "inner" number: 11 type: TYPE_MESSAGE type_name: ".t.Ruled" label: LABEL_OPTIONAL }
  field { name: "all" number: 12 type: TYPE_MESSAGE type_name: ".t.All" label: LABEL_OPTIONAL }
  field { name: "limit" number: 13 type: TYPE_MESSAGE type_name: ".t.Ruled.LimitEntry" label: LABEL_REPEATED
    options { [bess.option.v1.rule] { min: 1 max_items: 3 keys { one_of: "packet" one_of: "bit" } } } }
  field { name: "attr" number: 14 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 options { [bess.option.v1.rule] { format: "attribute" required: true } } }
  field { name: "offset" number: 15 type: TYPE_UINT32 label: LABEL_OPTIONAL oneof_index: 0 options { [bess.option.v1.rule] { max: 1024 } } }
  field { name: "need" number: 16 type: TYPE_UINT32 label: LABEL_OPTIONAL oneof_index: 1 proto3_optional: true options { [bess.option.v1.rule] { required: true } } }
  field { name: "gates" number: 17 type: TYPE_UINT32 label: LABEL_REPEATED options { [bess.option.v1.rule] { max: 8191 } } }
  field { name: "filter" number: 18 type: TYPE_STRING label: LABEL_OPTIONAL options { [bess.option.v1.rule] { format: "pcap-filter" } } }
  field { name: "hexes" number: 19 type: TYPE_STRING label: LABEL_REPEATED options { [bess.option.v1.rule] { format: "hex" } } }
  field { name: "gate_text" number: 20 type: TYPE_STRING label: LABEL_OPTIONAL options { [bess.option.v1.rule] { format: "gate" } } }
  field { name: "ip" number: 21 type: TYPE_STRING label: LABEL_OPTIONAL options { [bess.option.v1.rule] { format: "ipv4" } } }
  field { name: "ratio" number: 22 type: TYPE_FLOAT label: LABEL_OPTIONAL options { [bess.option.v1.rule] { one_of: "0.5" one_of: "2" zero_is_default: true } } }
  oneof_decl { name: "position" options { [bess.option.v1.choice] { required: true } } } oneof_decl { name: "_need" }
  nested_type { name: "LimitEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL } }
}
`

var schema = sync.OnceValues(func() (protoreflect.FileDescriptor, error) {
	fdp := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(schemaText), fdp); err != nil {
		return nil, err
	}
	return protodesc.NewFile(fdp, protoregistry.GlobalFiles)
})

func desc(t testing.TB, name protoreflect.Name) protoreflect.MessageDescriptor {
	t.Helper()
	f, err := schema()
	if err != nil {
		t.Fatalf("schema: %v", err)
	}
	return f.Messages().ByName(name)
}
