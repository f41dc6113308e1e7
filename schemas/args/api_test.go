// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args_test

import (
	"math"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

type kv = map[string]any

// list makes a list with one element.
func list(v any) []any { return []any{v} }

var u1 = kv{
	"eth":     kv{"src": "02:1e:67:9f:4d:ae", "dst": "06:16:3e:1b:72:32"},
	"ip":      kv{"src": "172.16.100.1", "dst": "10.0.0.1", "id": 1},
	"udp":     kv{"src": 10001, "dst": 10002},
	"payload": "helloworld",
}

const u1Hex = "0x06163e1b7232021e679f4dae08004500002600010000401160b4ac1064010a000001271127120012777468656c6c6f776f726c64"

// Arguments of real classes, offline, as the provider and YAML check them.
func TestClassArguments(t *testing.T) {
	cases := []struct {
		name, message string
		in            any
		json          string // when all is well
		findings      string
	}{
		{"acl", "ACLArg", kv{"rules": []any{kv{"src_ip": "172.12.0.0/16", "drop": false}, kv{"dst_port": "80", "drop": true}}},
			`{"rules":[{"src_ip":"172.12.0.0/16"},{"drop":true,"dst_port":80}]}`, ""},
		{"acl, bad input", "ACLArg", kv{"rules": []any{
			kv{"src_ip": "hello"}, kv{}, kv{}, kv{"src_ip": "10.0.0.0/40", "srcIp": "x"}, kv{"src_port": 70000}, kv{"dst_port": -1}}}, "",
			"rules[3].srcIp: \"x\": unknown field (did you mean \"src_ip\"?)\n" +
				"rules[5].dst_port: -1: must be 0..4294967295 (uint32)\n" +
				"rules[0].src_ip: \"hello\": must be an IPv4 or IPv6 network (a.b.c.d/len or x:x::/len)\n" +
				"rules[3].src_ip: \"10.0.0.0/40\": prefix length must be 0..32\n" +
				"rules[4].src_port: 70000: must be 0..65535"},
		{"rewrite in layers", "RewriteArg", kv{"templates": list(u1)}, `{"templates":["` + u1Hex + `"]}`, ""},
		{"rewrite in hex", "RewriteArg", kv{"templates": list(u1Hex)}, `{"templates":["` + u1Hex + `"]}`, ""},
		{"rewrite, bad layer", "RewriteArg", kv{"templates": list(kv{"payload": 1})}, "",
			"templates[0].payload: 1: expected text or a map, got a number (for bytes write {hex: \"…\"})"},
		{"exact match key", "ExactMatchCommandAddArg", kv{"gate": 1, "fields": []any{5, "0a000001", kv{"value_int": 7}}},
			`{"fields":[5,"0x0a000001",7],"gate":1}`, ""},
		{"field without position", "ExactMatchArg", kv{"fields": list(kv{"num_bytes": 9})}, "",
			"fields[0].num_bytes: 9: must be 1..8 bytes\nfields[0].position: one of attr_name, offset must be set"},
		{"worker gates", "WorkerSplitArg", kv{"worker_gates": map[any]any{0: 1, 1: 0}}, `{"worker_gates":{"0":1,"1":0}}`, ""},
		{"encap field", "GenericEncapArg", kv{"fields": []any{kv{"size": 2, "value": "0800"}, kv{"size": 4, "attribute": "x"}}},
			`{"fields":[{"size":2,"value":"0x0800"},{"attribute":"x","size":4}]}`, ""},
		{"lookup", "IPLookupCommandAddArg", kv{"prefix": "10.0.0.256", "prefix_len": 33, "gate": 8193}, "",
			"gate"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			desc := schemas.Message(protoreflect.FullName("bess.pb." + c.message))
			if desc == nil {
				t.Fatalf("no message %s", c.message)
			}
			msg, finds := args.Decode(desc, c.in, args.Options{})
			if got := args.Text(finds); got != c.findings && (c.findings != "gate" || !strings.Contains(got, "gate: 8193: must be 0..8192")) {
				t.Fatalf("findings\n%s\nwant\n%s", got, c.findings)
			}
			if c.json == "" {
				return
			}
			if got := args.JSON(msg); got != c.json {
				t.Errorf("got  %s\nwant %s", got, c.json)
			}
			back, finds := args.Decode(desc, args.Encode(msg), args.Options{})
			if len(finds) > 0 || !args.Equal(back, msg) {
				t.Errorf("Decode(Encode): %s, findings %s", args.JSON(back), args.Text(finds))
			}
		})
	}
}

// Descriptors of generated code give messages of the generated Go types.
func TestDecodeGenerated(t *testing.T) {
	msg, finds := args.Decode((&api.TrafficClass{}).ProtoReflect().Descriptor(),
		kv{"name": "tc", "policy": "rate_limit", "resource": "bit", "limit": kv{"bit": 1e9}, "max_burst": kv{"bit": "0x10"}}, args.Options{})
	tc, ok := msg.(*api.TrafficClass)
	if !ok || len(finds) > 0 {
		t.Fatalf("%T, findings %s", msg, args.Text(finds))
	}
	if tc.Name != "tc" || tc.Limit["bit"] != 1e9 || tc.MaxBurst["bit"] != 16 {
		t.Errorf("%v", tc)
	}
	_, finds = args.Decode(tc.ProtoReflect().Descriptor(), kv{"priority": 1, "share": 2}, args.Options{NoRules: true})
	if got := args.Text(finds); got != "share: 2: not together with priority, which excludes it" {
		t.Errorf("got %s", got)
	}
}

func TestEqual(t *testing.T) {
	gen := &api.Field{Position: &api.Field_Offset{Offset: 14}, NumBytes: 4}
	desc := gen.ProtoReflect().Descriptor()
	wire, err := proto.Marshal(gen)
	if err != nil {
		t.Fatal(err)
	}
	dyn, loaded := dynamicpb.NewMessage(desc), dynamicpb.NewMessage(schemas.Message("bess.pb.Field"))
	for _, m := range []proto.Message{dyn, loaded} {
		if err := proto.Unmarshal(wire, m); err != nil {
			t.Fatal(err)
		}
	}
	field := func(v any) proto.Message {
		m, finds := args.Decode(desc, v, args.Options{NoRules: true})
		if len(finds) > 0 {
			t.Fatal(args.Text(finds))
		}
		return m
	}
	cases := []struct {
		name string
		a, b proto.Message
		want bool
	}{
		{"nil", nil, nil, true},
		{"nil and empty", nil, &api.Field{}, true},
		{"nil and typed nil", nil, (*api.Field)(nil), true},
		{"two typed nils", (*api.Field)(nil), (*api.Field)(nil), true},
		{"typed nil and set", (*api.Field)(nil), gen, false},
		{"generated and dynamic", gen, dyn, true},
		{"generated and loaded", gen, loaded, true},
		{"dynamic and loaded", dyn, loaded, true},
		{"generated and empty dynamic", gen, dynamicpb.NewMessage(desc), false},
		{"types", &api.Field{}, &api.FieldData{}, false},
		{"1 and 1.0", field(kv{"num_bytes": 1}), field(kv{"num_bytes": 1.0}), true},
		{"number and text", field(kv{"num_bytes": "0x01"}), field(kv{"num_bytes": 1}), true},
		{"null and absent", field(kv{"num_bytes": nil}), field(nil), true},
		{"default spelled out", field(kv{"num_bytes": 0}), field(kv{}), true},
		{"presence", field(kv{"offset": 0}), field(kv{}), false},
	}
	for _, c := range cases {
		if got := args.Equal(c.a, c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := args.Equal(c.b, c.a); got != c.want {
			t.Errorf("%s, swapped: %v", c.name, got)
		}
	}
}

func TestEncodeNil(t *testing.T) {
	if args.Encode(nil) != nil || args.Encode((*api.Field)(nil)) != nil || args.JSON(nil) != "null" {
		t.Error("a nil message must encode as null")
	}
	if got := args.JSON(&api.EmptyRequest{}); got != "{}" {
		t.Errorf("empty message: %s", got)
	}
}

// A message of generated code and one of the embedded descriptors break the
// same rules.
func TestCheckGenerated(t *testing.T) {
	want := "num_bytes: 9: must be 1..8 bytes\noffset: 1025: must be 0..1024 bytes"
	gen := &api.Field{Position: &api.Field_Offset{Offset: 1025}, NumBytes: 9}
	wire, err := proto.Marshal(gen)
	if err != nil {
		t.Fatal(err)
	}
	loaded := dynamicpb.NewMessage(schemas.Message("bess.pb.Field"))
	if err := proto.Unmarshal(wire, loaded); err != nil {
		t.Fatal(err)
	}
	for _, m := range []proto.Message{gen, loaded} {
		finds := args.Check(m)
		lines := strings.Split(args.Text(finds), "\n")
		if len(lines) != 2 || !strings.Contains(want, lines[0]) || !strings.Contains(want, lines[1]) {
			t.Errorf("%T: %v, want %s", m, lines, want)
		}
	}
	finds := args.Check((*api.Field)(nil))
	if got := args.Text(finds); !strings.Contains(got, "position: one of attr_name, offset must be set") {
		t.Errorf("typed nil is checked as an empty message: %s", got)
	}
	if finds := args.Check(&api.EmptyRequest{}); finds != nil {
		t.Errorf("message without rules: %v", finds)
	}
}

// Rules are found in descriptors loaded from bytes, whether or not the loader
// knew our options.
func TestRulesOfLoadedDescriptors(t *testing.T) {
	fdp := protodesc.ToFileDescriptorProto((&api.Field{}).ProtoReflect().Descriptor().ParentFile())
	wire, err := proto.Marshal(fdp)
	if err != nil {
		t.Fatal(err)
	}
	for name, resolver := range map[string]*protoregistry.Types{"known": protoregistry.GlobalTypes, "unknown": new(protoregistry.Types)} {
		loaded := &descriptorpb.FileDescriptorProto{}
		if err := (proto.UnmarshalOptions{Resolver: resolver}).Unmarshal(wire, loaded); err != nil {
			t.Fatal(err)
		}
		f, err := protodesc.NewFile(loaded, protoregistry.GlobalFiles)
		if err != nil {
			t.Fatal(err)
		}
		_, finds := args.Decode(f.Messages().ByName("Field"), kv{"num_bytes": 9, "offset": 0}, args.Options{})
		if got := args.Text(finds); got != "num_bytes: 9: must be 1..8 bytes" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Every rule in the real files makes sense for its field.
func TestRulesOfTheAPI(t *testing.T) {
	n := 0
	schemas.Files().RangeFiles(func(f protoreflect.FileDescriptor) bool {
		eachField(f.Messages(), func(fd protoreflect.FieldDescriptor) {
			has, problem := args.RuleProblem(fd)
			if problem != "" {
				t.Errorf("%s: %s", fd.FullName(), problem)
			}
			if has {
				n++
			}
		})
		return true
	})
	if n < 50 {
		t.Errorf("only %d fields carry a rule", n)
	}
}

func eachField(ms protoreflect.MessageDescriptors, f func(protoreflect.FieldDescriptor)) {
	for i := range ms.Len() {
		for j := range ms.Get(i).Fields().Len() {
			f(ms.Get(i).Fields().Get(j))
		}
		eachField(ms.Get(i).Messages(), f)
	}
}

// Tables of 100,000 entries go through Check one command at a time: a message
// that is fine costs no allocation. (A string of a generated message costs the
// one that protobuf makes.)
func TestCheckAllocations(t *testing.T) {
	rules, finds := args.Decode(schemas.Message("bess.pb.ACLArg"), benchRules(100), args.Options{})
	if finds != nil {
		t.Fatal(args.Text(finds))
	}
	for _, m := range []proto.Message{
		rules,
		&api.Field{Position: &api.Field_Offset{Offset: 26}, NumBytes: 4},
		&api.FieldData{Encoding: &api.FieldData_ValueInt{ValueInt: math.MaxUint64}},
		&api.EmptyRequest{},
	} {
		if f := args.Check(m); f != nil {
			t.Fatal(args.Text(f))
		}
		if n := testing.AllocsPerRun(100, func() { args.Check(m) }); n > 0 {
			t.Errorf("%T: %v allocations", m, n)
		}
	}
	text := &api.Field{Position: &api.Field_AttrName{AttrName: "dst_ip"}, NumBytes: 4}
	if n := testing.AllocsPerRun(100, func() { args.Check(text) }); n > 1 {
		t.Errorf("with one string: %v allocations", n)
	}
}

// benchRules is an ACL of n rules as generic values.
func benchRules(n int) any {
	rules := make([]any, n)
	for i := range rules {
		rules[i] = kv{"src_ip": "10.1.2.0/24", "dst_ip": "192.168.0.1", "src_port": int64(i % 65536), "drop": true}
	}
	return kv{"rules": rules}
}

func BenchmarkDecode1000Rules(b *testing.B) {
	desc, v := schemas.Message("bess.pb.ACLArg"), benchRules(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, f := args.Decode(desc, v, args.Options{}); f != nil {
			b.Fatal(args.Text(f))
		}
	}
}

func BenchmarkCheck1000Rules(b *testing.B) {
	msg, _ := args.Decode(schemas.Message("bess.pb.ACLArg"), benchRules(1000), args.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if f := args.Check(msg); f != nil {
			b.Fatal(args.Text(f))
		}
	}
}
