// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/api/option"
)

func TestUnwrap(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{" one line\n", "one line"},
		{" two\n lines\n", "two lines"},
		{" first\n paragraph\n\n second\n", "first paragraph\n\nsecond"},
		{" first\n\n\n second\n", "first\n\nsecond"},
		{" list:\n - one\n - two\n   goes on\n\n end\n", "list:\n- one\n- two goes on\n\nend"},
		{" - only\n", "- only"},
		{"\n lead\n", "lead"},
		{" no blank\nin front", "no blank in front"},
	}
	for _, tt := range tests {
		if got := unwrap(tt.in); got != tt.want {
			t.Errorf("unwrap(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestComment(t *testing.T) {
	fd := Message("bess.pb.ACLArg.Rule").Fields().ByName("src_ip")
	want := "Source addresses: a.b.c.d/length or x:x::/length, or a single address. Empty: any of the rule's family."
	if got := Comment(fd); got != want {
		t.Errorf("src_ip: %q", got)
	}
	if got := Comment(Message("bess.pb.PMDPortArg").Fields().ByName("vdev")); strings.Count(got, "\n- ") < 3 {
		t.Errorf("vdev should have a list of at least 3 items:\n%s", got)
	}
	// Generated code carries no comments, but names them.
	if got := Comment((&api.Error{}).ProtoReflect().Descriptor()); !strings.HasPrefix(got, "Outcome of a call.") {
		t.Errorf("generated Error: %q", got)
	}
	method := api.File_appliance_api_service_proto.Services().Get(0).Methods().ByName("GetVersion")
	if got, want := Comment(method), "Tells the version of the daemon."; got != want {
		t.Errorf("GetVersion: %q, want %q", got, want)
	}
	if got := Comment((&anypb.Any{}).ProtoReflect().Descriptor()); got == "" {
		t.Error("google.protobuf.Any should have its comment")
	}
}

// own calls f for every message of BESSControl, the classes, drivers and
// options.
func own(t *testing.T, f func(protoreflect.MessageDescriptor)) {
	t.Helper()
	n := 0
	var walk func(protoreflect.MessageDescriptors)
	walk = func(ms protoreflect.MessageDescriptors) {
		for i := range ms.Len() {
			if !ms.Get(i).IsMapEntry() {
				n++
				f(ms.Get(i))
				walk(ms.Get(i).Messages())
			}
		}
	}
	Files().RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if pkg := string(file.Package()); strings.HasPrefix(pkg, "bess.pb") || strings.HasPrefix(pkg, "bess.option") || strings.HasPrefix(pkg, "sample.") {
			walk(file.Messages())
		}
		return true
	})
	if n < 219 {
		t.Errorf("only %d messages", n)
	}
}

// The comments are the manual, so none may be missing.
func TestEverythingDocumented(t *testing.T) {
	check := func(d protoreflect.Descriptor) {
		c := Comment(d)
		if c == "" {
			t.Errorf("%s has no comment", d.FullName())
		} else if !strings.HasSuffix(c, ".") && !strings.Contains(c, "\n- ") {
			t.Errorf("%s: comment does not end a sentence: %q", d.FullName(), c)
		}
	}
	own(t, func(m protoreflect.MessageDescriptor) {
		check(m)
		for i := range m.Fields().Len() {
			check(m.Fields().Get(i))
		}
		for i := range m.Oneofs().Len() {
			if o := m.Oneofs().Get(i); !o.IsSynthetic() {
				check(o)
			}
		}
	})
	Files().RangeFilesByPackage("bess.pb", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			check(s)
			for j := range s.Methods().Len() {
				check(s.Methods().Get(j))
			}
		}
		return true
	})
}

func TestRulesMakeSense(t *testing.T) {
	n := 0
	own(t, func(m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			fd := m.Fields().Get(i)
			r := Rule(fd)
			if r == nil {
				continue
			}
			n++
			checkRule(t, fd, r)
		}
	})
	if n < 100 {
		t.Errorf("only %d fields have rules", n)
	}
}

var formats = map[string]bool{"": true, "ipv4": true, "cidr4": true, "cidr": true, "mac": true, "hex": true, "name": true,
	"attribute": true, "gate": true, "pcap-filter": true}

func checkRule(t *testing.T, fd protoreflect.FieldDescriptor, r *option.Rule) {
	t.Helper()
	value := fd
	if fd.IsMap() {
		value = fd.MapValue()
	}
	number, text := false, false
	switch value.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		text = true
	case protoreflect.BoolKind, protoreflect.MessageKind:
	default:
		number = true
	}
	bad := func(ok bool, what string) {
		if !ok {
			t.Errorf("%s: %s", fd.FullName(), what)
		}
	}
	bad(number || r.Min == nil && r.Max == nil && !r.PowerOfTwo && !r.ZeroIsDefault, "not a number")
	bad(r.Min == nil || r.Max == nil || r.GetMin() <= r.GetMax(), "min above max")
	bad(text || r.Format == "" && r.MaxLen == 0, "not a text")
	bad(formats[r.Format], "unknown format")
	bad(fd.IsList() || fd.IsMap() || r.MinItems == 0 && r.MaxItems == 0, "not a list")
	bad(r.MaxItems == 0 || r.MinItems <= r.MaxItems, "min_items above max_items")
	bad(!r.ZeroIsDefault || r.DefaultText != "" || fd.Name() == "jitter_sample_prob", "default is not told")
	bad(!r.ZeroIsDefault || !r.Required, "required contradicts zero_is_default")
	bad(fd.IsMap() || r.Keys == nil, "not a map")
}

func TestRule(t *testing.T) {
	field := func(m protoreflect.FullName, f protoreflect.Name) *option.Rule {
		return Rule(Message(m).Fields().ByName(f))
	}
	if r := field("bess.pb.ACLArg.Rule", "src_ip"); r.GetFormat() != "cidr" || r.GetRequired() {
		t.Errorf("src_ip: %v", r)
	}
	if r := field("bess.pb.SourceArg", "pkt_size"); r.GetMax() != 2048 || r.Min == nil || !r.GetZeroIsDefault() {
		t.Errorf("pkt_size: %v", r)
	}
	if r := field("bess.pb.ACLArg", "rules"); r != nil {
		t.Errorf("rules should be free, got %v", r)
	}
	if r := field("bess.pb.WorkerSplitArg", "worker_gates"); r.GetMax() != 63 || r.GetKeys().GetMax() != 63 {
		t.Errorf("worker_gates: %v", r)
	}
	if c := Choice(Message("bess.pb.Field").Oneofs().ByName("position")); !c.GetRequired() {
		t.Errorf("position: %v", c)
	}
	if c := Choice(Message("bess.pb.FieldData").Oneofs().ByName("encoding")); c != nil {
		t.Errorf("encoding should be free, got %v", c)
	}
}

func TestTypes(t *testing.T) {
	text := `{"@type": "type.googleapis.com/bess.pb.ACLArg", "rules": [{"src_ip": "10.0.0.0/8", "drop": true}]}`
	var a anypb.Any
	if err := (protojson.UnmarshalOptions{Resolver: Types()}).Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	m, err := anypb.UnmarshalNew(&a, proto.UnmarshalOptions{Resolver: Types()})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.(*dynamicpb.Message); !ok {
		t.Errorf("got a %T", m)
	}
	rules := m.ProtoReflect().Get(m.ProtoReflect().Descriptor().Fields().ByName("rules")).List()
	if rules.Len() != 1 {
		t.Fatalf("%d rules", rules.Len())
	}
	out, err := protojson.MarshalOptions{Resolver: Types(), UseProtoNames: true}.Marshal(&a)
	if err != nil || !strings.Contains(string(out), "10.0.0.0/8") {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := Types().FindExtensionByName("bess.option.v1.rule"); err != nil {
		t.Error(err)
	}
}

func TestMessageUnknown(t *testing.T) {
	for _, name := range []protoreflect.FullName{"", "bess.pb.Nothing", "bess.pb.ACLArg.rules", "bess.pb.BESSControl"} {
		if m := Message(name); m != nil {
			t.Errorf("Message(%q) = %s", name, m.FullName())
		}
	}
}
