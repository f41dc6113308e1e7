// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// fieldSchema returns the schema of a field as compact JSON without its
// description.
func fieldSchema(t *testing.T, msg protoreflect.FullName, field protoreflect.Name) string {
	t.Helper()
	b := &builder{defs: map[protoreflect.FullName]*schema{}}
	s := b.field(schemas.Message(msg).Fields().ByName(field))
	if s.Description == "" {
		t.Errorf("%s.%s has no description", msg, field)
	}
	s.Description = ""
	text, err := marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFieldSchema(t *testing.T) {
	pattern, err := json.Marshal(integerText)
	if err != nil {
		t.Fatal(err)
	}
	integer := `{"type":"string","pattern":` + string(pattern) + `}`
	tests := []struct {
		msg   protoreflect.FullName
		field protoreflect.Name
		want  string
	}{
		{"bess.pb.SourceArg", "pkt_size", `{"type":["integer","string"],"default":60,"minimum":0,"maximum":2048,"pattern":` + string(pattern) + `}`},
		{"bess.pb.DRRArg", "quantum", `{"default":1500,"anyOf":[{"enum":[0]},{"type":"integer","minimum":1,"maximum":4294967295},` + integer + `]}`},
		{"bess.pb.L2ForwardArg", "bucket", `{"default":4,"anyOf":[{"enum":[0,1,2,4]},` + integer + `]}`},
		{"bess.pb.QueueCommandSetSizeArg", "size", `{"anyOf":[{"enum":[4,8,16,32,64,128,256,512,1024,2048,4096,8192,16384]},` + integer + `]}`},
		{"bess.pb.PMDPortArg", "flow_profiles", `{"type":"array","items":{"anyOf":[{"enum":[3,6,9]},` + integer + `]}}`},
		{"bess.pb.IPFragArg", "mtu", `{"type":["integer","string"],"minimum":65,"maximum":2147483647,"pattern":` + string(pattern) + `}`},
		{"bess.pb.UpdateArg.Field", "value", `{"type":["integer","string"],"minimum":0,"pattern":` + string(pattern) + `}`},
		{"bess.pb.BPFArg.Filter", "priority", `{"type":["integer","string"],"pattern":` + string(pattern) + `}`},
		{"bess.pb.RandomSplitArg", "drop_rate", `{"type":["number","string"],"minimum":0,"maximum":1}`},
		{"bess.pb.RandomSplitArg", "gates", `{"type":"array","items":{"type":["integer","string"],"minimum":0,"maximum":8192,"pattern":` + string(pattern) + `},"maxItems":16384}`},
		{"bess.pb.RoundRobinArg", "mode", `{"type":"string","default":"batch","enum":["packet","batch",""]}`},
		{"bess.pb.RoundRobinCommandSetModeArg", "mode", `{"type":"string","enum":["packet","batch"],"minLength":1}`},
		{"bess.pb.UnixSocketPortArg", "path", `{"type":"string","maxLength":107}`},
		{"bess.pb.PortIncArg", "port", `{"type":"string","minLength":1}`},
		{"bess.pb.ACLArg.Rule", "drop", `{"type":"boolean"}`},
		{"bess.pb.RewriteArg", "templates", `{"type":"array","items":{"type":["string","object","array"]},"maxItems":64}`},
		{"bess.pb.SetMetadataArg", "attrs", `{"type":"array","items":{"$ref":"#/$defs/bess.pb.SetMetadataArg.Attribute"},"minItems":1}`},
		{"bess.pb.WorkerSplitArg", "worker_gates", `{"type":"object","propertyNames":{"pattern":` + string(pattern) + `},` +
			`"additionalProperties":{"type":["integer","string"],"minimum":0,"maximum":63,"pattern":` + string(pattern) + `}}`},
	}
	for _, tt := range tests {
		t.Run(string(tt.msg.Name())+"."+string(tt.field), func(t *testing.T) {
			got := fieldSchema(t, tt.msg, tt.field)
			if !sameJSON(t, got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	norm := func(s string) string {
		var v any
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return norm(a) == norm(b)
}

func TestRequired(t *testing.T) {
	tests := []struct {
		msg  protoreflect.FullName
		want string
	}{
		{"bess.pb.SplitArg", "size"},
		{"bess.pb.SourceArg", ""},
		{"bess.pb.SourceCommandSetPktSizeArg", "pkt_size"},
		{"bess.pb.SetMetadataArg.Attribute", "name size"},
		{"bess.pb.ExactMatchArg", "fields"},
		{"bess.pb.QueueCommandSetSizeArg", "size"},
		{"bess.pb.StaticNATArg.AddressRangePair", "int_range ext_range"},
		{"bess.pb.PMDPortArg", ""},
	}
	for _, tt := range tests {
		s := argumentSchema("X", "", schemas.Message(tt.msg))
		if got := strings.Join(s.Required, " "); got != tt.want {
			t.Errorf("%s requires %q, want %q", tt.msg, got, tt.want)
		}
	}
}

func TestOneofs(t *testing.T) {
	tests := []struct {
		msg  protoreflect.FullName
		want string
	}{
		{"bess.pb.Field", `[{"oneOf":[{"required":["attr_name"]},{"required":["offset"]}]}]`},
		{"bess.pb.SplitArg", `[{"not":{"required":["attribute","offset"]}}]`},
		{"bess.pb.VPortArg", `[{"not":{"required":["docker","container_pid"]}},{"not":{"required":["docker","netns"]}},{"not":{"required":["container_pid","netns"]}}]`},
		{"bess.pb.QosCommandAddArg", `null`},
	}
	for _, tt := range tests {
		got, err := marshal(argumentSchema("X", "", schemas.Message(tt.msg)).AllOf)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.msg, got, err, tt.want)
		}
	}
}

func TestDefinitions(t *testing.T) {
	s := argumentSchema("ExactMatch", "text", schemas.Message("bess.pb.ExactMatchArg"))
	if s.ID != "ExactMatch.json" || s.Description != "text" || s.AdditionalProperties != false {
		t.Errorf("head: %+v", s)
	}
	var names []string
	for _, d := range s.Defs {
		names = append(names, d.name)
		if d.schema.Description == "" {
			t.Errorf("%s has no description", d.name)
		}
	}
	if got := strings.Join(names, " "); got != "bess.pb.Field bess.pb.FieldData" {
		t.Errorf("definitions: %s", got)
	}
	if types, _ := s.Defs[1].schema.Type.([]string); strings.Join(types, " ") != "integer string object" {
		t.Errorf("FieldData is %v", s.Defs[1].schema.Type)
	}
}

// The patterns must accept what package args accepts, and nothing else.
func TestPatternsAgreeWithArgs(t *testing.T) {
	fields := []struct {
		msg    protoreflect.FullName
		field  string
		values []string
	}{
		{"bess.pb.ACLArg.Rule", "src_ip", []string{"", "10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "1.2.3.4/33", "1.2.3.4/",
			"256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", "hello", "::1", " 1.2.3.4", "1.2.3.4/08", "255.255.255.255", "1.2.3.4\n",
			"::", "::/0", "2001:db8::/32", "2001:DB8::1", "1:2:3:4:5:6:7:8/128", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4/127",
			"::ffff:0:0/96", "::/129", "::/08", "::/", "fe80::1%1", "12345::", "1:2", ":", " ::1", "::1\n", "::g", "::256.0.0.1"}},
		{"bess.pb.ArpResponderArg", "ip", []string{"10.0.0.1", "10.0.0.0/8", "1.2.3.400"}},
		{"bess.pb.ArpResponderArg", "mac_addr", []string{"02:1e:67:9f:4d:ae", "2:1E:67:9f:4d:a", "02:1e:67:9f:4d", "02:1e:67:9f:4d:ae:00",
			"02-1e-67-9f-4d-ae", "021e679f4dae", "02:1e:67:9f:4d:ag", "002:1e:67:9f:4d:ae"}},
		{"bess.pb.MeasureArg", "attr_name", []string{"timestamp", "a b", "a\x00", "a\nb", "ä", strings.Repeat("x", 255), strings.Repeat("x", 256)}},
		{"bess.pb.RoundRobinArg", "mode", []string{"packet", "batch", "", "Packet", "both"}},
		{"bess.pb.SourceArg", "pkt_size", []string{"1", "60", "0x3c", "060", "+1", "1.5", "1e3", "", "x"}},
	}
	for _, f := range fields {
		msg := schemas.Message(f.msg)
		b := &builder{defs: map[protoreflect.FullName]*schema{}}
		s := b.field(msg.Fields().ByName(protoreflect.Name(f.field)))
		for _, v := range f.values {
			_, finds := args.Decode(msg, map[string]any{f.field: v}, args.Options{})
			ok := true
			for _, find := range finds {
				ok = ok && find.Path != f.field
			}
			if got := accepts(t, s, v); got != ok {
				t.Errorf("%s.%s: schema accepts %q: %v, args: %v %v", f.msg, f.field, v, got, ok, finds)
			}
		}
	}
}

// accepts applies the keywords for text.
func accepts(t *testing.T, s *schema, v string) bool {
	t.Helper()
	n := len([]rune(v))
	if n < s.MinLength || s.MaxLength > 0 && n > s.MaxLength {
		return false
	}
	if len(s.Enum) > 0 {
		found := false
		for _, e := range s.Enum {
			found = found || e == v
		}
		return found
	}
	// Go writes code points in braces and lets $ match at the end only.
	re := regexp.MustCompile(`\\u([0-9a-f]{4})`).ReplaceAllString(s.Pattern, `\x{$1}`)
	return regexp.MustCompile(re).MatchString(v)
}

func TestPropertiesKeepOrder(t *testing.T) {
	ps := properties{{"z", &schema{Type: "string"}}, {"a", &schema{Description: "<&>"}}}
	got, err := marshal(&schema{Properties: ps})
	if want := `{"properties":{"z":{"type":"string"},"a":{"description":"<&>"}}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
