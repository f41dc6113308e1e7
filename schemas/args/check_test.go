// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ruled builds a Ruled message that is fine but for the fields in v.
func ruled(t *testing.T, v kv) proto.Message {
	t.Helper()
	m := kv{"name": "n", "macs": []any{"02:00:00:00:00:01"}, "need": 1, "offset": 1}
	for k, x := range v {
		if k == "attr" {
			delete(m, "offset")
		}
		m[k] = x
	}
	msg, finds := Decode(desc(t, "Ruled"), m, Options{NoRules: true})
	if len(finds) > 0 {
		t.Fatal(Text(finds))
	}
	return msg
}

func TestCheckRules(t *testing.T) {
	long := strings.Repeat("x", 9)
	cases := []struct {
		in   kv
		want string
	}{
		{nil, ""},
		{kv{"gate": 0}, ""}, {kv{"gate": 8192}, ""},
		{kv{"gate": 8193}, "gate: 8193: must be 0..8192"}, {kv{"gate": -1}, "gate: -1: must be 0..8192"},
		{kv{"gate": 65536}, "gate: 65536: must be 0..8192"},
		{kv{"size": 0}, ""}, {kv{"size": 4}, ""}, {kv{"size": 16384}, ""},
		{kv{"size": 2}, "size: 2: must be 4..16384 slots, or 0 for the default"},
		{kv{"size": uint64(math.MaxUint64)}, "size: 18446744073709551615: must be 4..16384 slots, or 0 for the default"},
		{kv{"size": 1000}, "size: 1000: must be a power of two"},
		{kv{"share": 1}, ""}, {kv{"share": -1e300}, ""}, {kv{"share": 1.01}, "share: 1.01: must be at most 1"},
		{kv{"share": "NaN"}, "share: NaN: must be at most 1"}, {kv{"share": "Infinity"}, "share: +Inf: must be at most 1"},
		{kv{"low": -3}, ""}, {kv{"low": -4}, "low: -4: must be at least -3"},
		{kv{"src": ""}, ""}, {kv{"src": "10.0.0.0/8"}, ""}, {kv{"src": "10.0.0.1"}, ""},
		{kv{"src": "10.0.0.0/40"}, `src: "10.0.0.0/40": prefix length must be 0..32`},
		{kv{"src": "hello"}, `src: "hello": must be an IPv4 network (a.b.c.d/len)`},
		{kv{"macs": []any{}}, "macs: must have at least 1 element, got 0"},
		{kv{"macs": []any{"02:00:00:00:00:01", ""}}, `macs[1]: "": must be a MAC address (aa:bb:cc:dd:ee:ff)`},
		{kv{"macs": []any{"02:00:00:00:00:01", "02:00:00:00:00:01", "02:00:00:00:00:01"}}, "macs: must have at most 2 elements, got 3"},
		{kv{"name": ""}, "name: must be set"}, {kv{"name": "a b:c.d"}, ""},
		{kv{"name": "a\nb"}, `name: "a\nb": must be a name without control characters`},
		{kv{"name": long}, `name: "xxxxxxxxx": must be at most 8 bytes, got 9`},
		{kv{"mode": "packet"}, ""}, {kv{"mode": "bach"}, `mode: "bach": must be one of packet, batch (did you mean "batch"?)`},
		{kv{"width": 0}, ""}, {kv{"width": 4}, ""}, {kv{"width": 3}, "width: 3: must be one of 1, 2, 4"},
		{kv{"blob": "01020304"}, ""}, {kv{"blob": "0102030405"}, "blob: 0x0102030405: must be at most 4 bytes, got 5"},
		{kv{"inner": kv{"name": "n", "macs": []any{"z"}, "need": 1, "offset": 1025}}, "inner.macs[0]: \"z\": must be a MAC address (aa:bb:cc:dd:ee:ff)\ninner.offset: 1025: must be at most 1024"},
		{kv{"inner": kv{"name": "n", "macs": []any{"02:00:00:00:00:01"}, "need": 1}}, "inner.position: one of attr, offset must be set"},
		{kv{"all": kv{"i32": -1}}, ""},
		{kv{"limit": kv{"bit": 1}}, ""}, {kv{"limit": kv{"bit": 0}}, `limit["bit"]: 0: must be at least 1`},
		{kv{"limit": kv{"pakcet": 1, "byte": 0}}, "limit[\"byte\"]: \"byte\": map key must be one of packet, bit\nlimit[\"byte\"]: 0: must be at least 1\n" +
			"limit[\"pakcet\"]: \"pakcet\": map key must be one of packet, bit (did you mean \"packet\"?)"},
		{kv{"attr": "x"}, ""}, {kv{"attr": ""}, "attr: must be set"}, {kv{"offset": 1024}, ""},
		{kv{"need": 0}, ""}, {kv{"need": nil}, "need: must be set"},
		{kv{"gates": []any{0, 8191, 8192}}, "gates[2]: 8192: must be at most 8191"},
		{kv{"filter": "tcp[13] & (2|16) != 0 and port 80"}, ""}, {kv{"filter": "(udp"}, `filter: "(udp": must be a filter expression with matching brackets`},
		{kv{"filter": "tcp[(1])"}, `filter: "tcp[(1])": must be a filter expression with matching brackets`},
		{kv{"filter": "udp\x00"}, `filter: "udp\x00": must be a filter expression without control characters`},
		{kv{"hexes": []any{"00", "aF09"}}, ""}, {kv{"hexes": []any{"0g", ""}}, "hexes[0]: \"0g\": must be hex digits\nhexes[1]: \"\": must be hex digits"},
		{kv{"gate_text": "8191"}, ""}, {kv{"gate_text": "8192"}, `gate_text: "8192": must be a gate number 0..8191`},
		{kv{"gate_text": "01"}, `gate_text: "01": must be a gate number 0..8191`}, {kv{"gate_text": "+1"}, `gate_text: "+1": must be a gate number 0..8191`},
		{kv{"ip": "1.2.3.4"}, ""}, {kv{"ip": "1.2.3.4/32"}, `ip: "1.2.3.4/32": must be an IPv4 address (a.b.c.d)`},
		{kv{"ratio": 2}, ""}, {kv{"ratio": 0}, ""}, {kv{"ratio": 3}, "ratio: 3: must be one of 0.5, 2"},
	}
	for _, c := range cases {
		if got := Text(Check(ruled(t, c.in))); got != c.want {
			t.Errorf("%v: got\n%s\nwant\n%s", c.in, got, c.want)
		}
	}
}

func TestCheckPrefixAndNil(t *testing.T) {
	finds := CheckAt("acl fw", ruled(t, kv{"gate": 9000}))
	if got := Text(finds); got != "acl fw.gate: 9000: must be 0..8192" {
		t.Errorf("got %s", got)
	}
	if finds := Check(nil); finds != nil {
		t.Errorf("nil message: %v", finds)
	}
}

// Checkers are made once and shared; messages of one type may be checked from
// many goroutines at once.
func TestCheckConcurrently(t *testing.T) {
	good, bad := ruled(t, nil), ruled(t, kv{"ratio": 2, "gate": -1})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if f := Check(good); f != nil {
					t.Errorf("good: %v", f)
				}
				if f := Check(bad); len(f) != 1 {
					t.Errorf("bad: %v", f)
				}
			}
		})
	}
	wg.Wait()
}

func TestCompileRuleProblems(t *testing.T) {
	cases := []struct {
		kind protoreflect.Kind
		rule *option.Rule
		want string
	}{
		{protoreflect.StringKind, &option.Rule{Min: proto.Float64(1)}, "min and max need a number"},
		{protoreflect.Int32Kind, &option.Rule{Min: proto.Float64(2), Max: proto.Float64(1)}, "min must not be above max"},
		{protoreflect.Int32Kind, &option.Rule{Min: proto.Float64(math.NaN())}, "min must not be above max"},
		{protoreflect.Uint32Kind, &option.Rule{Max: proto.Float64(-1)}, "max below 0"},
		{protoreflect.StringKind, &option.Rule{Format: "ipv5"}, `format "ipv5"`},
		{protoreflect.Int32Kind, &option.Rule{Format: "ipv4"}, `format "ipv4"`},
		{protoreflect.StringKind, &option.Rule{PowerOfTwo: true}, "power_of_two needs an integer"},
		{protoreflect.BoolKind, &option.Rule{MaxLen: 1}, "max_len needs"},
		{protoreflect.Int32Kind, &option.Rule{OneOf: []string{"a"}}, `one_of value "a" is no number`},
		{protoreflect.BytesKind, &option.Rule{OneOf: []string{"a"}}, "one_of needs a number or a string"},
		{protoreflect.Int64Kind, &option.Rule{Min: proto.Float64(-1e19), Max: proto.Float64(1e19), PowerOfTwo: true}, ""},
	}
	for _, c := range cases {
		_, problem := compileRule(c.kind, c.rule)
		if c.want == "" && problem != "" || !strings.Contains(problem, c.want) {
			t.Errorf("%v %v: %q, want %q", c.kind, c.rule, problem, c.want)
		}
	}
}

// Bounds given as floating point must hold for integers that have no exact
// floating point value.
func TestRangeOfWideIntegers(t *testing.T) {
	c, problem := compileRule(protoreflect.Int64Kind, &option.Rule{Max: proto.Float64(1 << 53)})
	if problem != "" {
		t.Fatal(problem)
	}
	if msg, _ := c.value(protoreflect.ValueOfInt64(1<<53), true); msg != "" {
		t.Error(msg)
	}
	if msg, _ := c.value(protoreflect.ValueOfInt64(1<<53+1), true); msg == "" {
		t.Error("2^53+1 passed a maximum of 2^53")
	}
	c, _ = compileRule(protoreflect.Uint64Kind, &option.Rule{Min: proto.Float64(0.5), Max: proto.Float64(math.Inf(1))})
	if msg, _ := c.value(protoreflect.ValueOfUint64(0), true); msg == "" {
		t.Error("0 passed a minimum of 0.5")
	}
	if msg, _ := c.value(protoreflect.ValueOfUint64(math.MaxUint64), true); msg != "" {
		t.Error(msg)
	}
}
