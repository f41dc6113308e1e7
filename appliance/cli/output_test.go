// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestFlow(t *testing.T) {
	long := strings.Repeat("a b  ", 60)
	tests := []struct {
		v    any
		want string
	}{
		{object{{"src_ip", "10.0.0.0/8"}, {"drop", true}, {"num", 7}}, "{src_ip: 10.0.0.0/8, drop: true, num: 7}"},
		{object{{"s", "true"}, {"d", "2001-01-01"}, {"z", ""}, {"x", "0x00"}}, `{s: "true", d: "2001-01-01", z: "", x: "0x00"}`},
		{object{{"list", []any{object{{"a", 1}}, "b"}}, {"none", []any{}}}, "{list: [{a: 1}, b], none: []}"},
		{object{}, "{}"},
		{object{{"long", long}}, "{long: '" + long + "'}"},
		{object{{"max", uint64(math.MaxUint64)}}, "{max: 18446744073709551615}"},
		{object{{"q", `say "<&>"`}}, `{q: say "<&>"}`},
	}
	for _, tt := range tests {
		got := flow(tt.v)
		if got != tt.want {
			t.Errorf("flow(%v) = %s, want %s", tt.v, got, tt.want)
		}
		var back any
		if err := yaml.Unmarshal([]byte(got), &back); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

// YAML and JSON must say the same, in the same order.
func TestFormatsAgree(t *testing.T) {
	v := object{
		{"zeta", 1}, {"alpha", []any{object{{"b", "no"}, {"a", "12"}}, nil, 1.5}},
		{"text", "two\nlines"}, {"none", []any{}}, {"big", uint64(math.MaxUint64)}, {"tab", "a\tb\u2028\U0001f600"},
	}
	a := &app{output: asJSON}
	var js, ym bytes.Buffer
	a.Out = &js
	if err := a.emit(v, nil); err != nil {
		t.Fatal(err)
	}
	a.output, a.Out = asYAML, &ym
	if err := a.emit(v, nil); err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML any
	if err := json.Unmarshal(js.Bytes(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(ym.Bytes(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	var through any
	if err := json.Unmarshal(again, &through); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromJSON, through) {
		t.Errorf("JSON:\n%s\nYAML:\n%s", js.String(), ym.String())
	}
	if !strings.HasPrefix(ym.String(), "zeta: 1\nalpha:\n  - b: \"no\"\n    a: \"12\"\n") {
		t.Errorf("order or style of YAML:\n%s", ym.String())
	}
}

func TestTable(t *testing.T) {
	tb := newTable("NAME", ">COUNT", "NEVER", ">X")
	tb.row("a", "1", "", "9")
	tb.row("längst", "1,000")
	tb.row("evil\x1b[2J\nx", "", "", "7")
	want := []string{
		"NAME        COUNT  X",
		"a               1  9",
		"längst      1,000",
		"evil?[2J x         7",
	}
	for i, l := range tb.lines() {
		if l != want[i] {
			t.Errorf("line %d: %q, want %q", i, l, want[i])
		}
	}
	if tb.empty() || !newTable("A").empty() {
		t.Error("empty is wrong")
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567",
		math.MaxUint64: "18,446,744,073,709,551,615"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
	for f, want := range map[float64]string{0: "0", 1: "1", 12.5: "12.5", 0.25: "0.25", 100: "100", 64: "64", 999: "999", 999.94: "999.9", 999.96: "1 k",
		1000: "1 k", 10_000: "10 k", 100_000: "100 k", 1234: "1.234 k", 14880952: "14.88 M", 123456789: "123.5 M", 999999999: "1 G", 1e18: "1000 P",
		-1: "?", math.Inf(1): "?"} {
		if got := si(f); got != want {
			t.Errorf("si(%v) = %s, want %s", f, got, want)
		}
	}
	if got := si(math.NaN()); got != "?" {
		t.Errorf("si(NaN) = %s", got)
	}
	if got := withUnit(14880952, "pps") + ", " + withUnit(5, "packets"); got != "14.88 Mpps, 5 packets" {
		t.Error(got)
	}
	for f, want := range map[float64]string{0: "0.000", 14.88095: "14.881", 1234.5: "1,234.500", 0.9999: "1.000", -1: "?", 1e20: "100000000000000000000.000"} {
		if got := fixed(f, 3); got != want {
			t.Errorf("fixed(%v, 3) = %s, want %s", f, got, want)
		}
	}
	if got := fixed(1234567, 0); got != "1,234,567" {
		t.Error(got)
	}
	if got := plural(1, "rule") + plural(1200, "rule"); got != "1 rule1,200 rules" {
		t.Error(got)
	}
}
