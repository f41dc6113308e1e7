// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package scalar

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestInteger(t *testing.T) {
	type named uint16
	good := []struct {
		in   any
		want string
	}{
		{0, "0"}, {-5, "-5"}, {int64(math.MinInt64), "-9223372036854775808"}, {uint64(math.MaxUint64), "18446744073709551615"},
		{int8(-1), "-1"}, {named(7), "7"}, {1.0, "1"}, {-2.0, "-2"}, {float32(3), "3"}, {math.Copysign(0, -1), "0"},
		{"12", "12"}, {"-12", "-12"}, {"0x1F", "31"}, {"0x00ff", "255"}, {"0", "0"}, {"-0", "0"},
		{json.Number("10"), "10"}, {json.Number("1.0"), "1"}, {json.Number("1e3"), "1000"}, {json.Number("-1.5e1"), "-15"},
		{big.NewFloat(4096), "4096"}, {new(big.Float).SetUint64(math.MaxUint64), "18446744073709551615"},
		{new(big.Float).SetInt64(math.MinInt64), "-9223372036854775808"},
	}
	for _, c := range good {
		got, err := Integer(c.in)
		if err != nil || got.String() != c.want {
			t.Errorf("Integer(%v) = %v, %v; want %s", c.in, got, err, c.want)
		}
	}
	bad := []struct {
		in   any
		want error
	}{
		{1.5, errFraction}, {math.NaN(), errFraction}, {math.Inf(1), errFraction}, {1e20, errWide}, {float64(1 << 63 * 2), errWide},
		{"", errDigits}, {" 1", errDigits}, {"1 ", errDigits}, {"+1", errDigits}, {"--1", errDigits}, {"-", errDigits},
		{"0x", errDigits}, {"0x-1", errDigits}, {"0X1", errZeros}, {"1e3", errDigits}, {"1.0", errDigits}, {"1_0", errDigits},
		{"007", errZeros}, {"18446744073709551616", errWide}, {"abc", errDigits},
		{json.Number("1.5"), errFraction}, {json.Number("x"), errDigits}, {json.Number("0x1"), errDigits}, {json.Number(""), errDigits},
		{json.Number("1e400000000"), errWide}, {json.Number("true"), errDigits}, {json.Number("1e30"), errWide},
		{(*big.Float)(nil), errFraction}, {big.NewFloat(0.5), errFraction}, {new(big.Float).SetInf(false), errFraction},
		{new(big.Float).SetMantExp(big.NewFloat(1), math.MaxInt32-1), errWide},
	}
	for _, c := range bad {
		if got, err := Integer(c.in); !errors.Is(err, c.want) {
			t.Errorf("Integer(%v) = %v, %v; want %v", c.in, got, err, c.want)
		}
	}
	for _, v := range []any{nil, true, []any{}, map[string]any{}, []byte{1}, struct{}{}, Unknown{}} {
		if got, err := Integer(v); err == nil || !strings.Contains(err.Error(), "expected a whole number, got ") {
			t.Errorf("Integer(%v) = %v, %v", v, got, err)
		}
	}
}

func TestIntRanges(t *testing.T) {
	cases := []struct {
		in                 string
		i32, i64, u32, u64 bool
	}{
		{"0", true, true, true, true},
		{"2147483647", true, true, true, true}, {"2147483648", false, true, true, true},
		{"-2147483648", true, true, false, false}, {"-2147483649", false, true, false, false},
		{"4294967295", false, true, true, true}, {"4294967296", false, true, false, true},
		{"9223372036854775807", false, true, false, true}, {"9223372036854775808", false, false, false, true},
		{"-9223372036854775808", false, true, false, false}, {"-9223372036854775809", false, false, false, false},
		{"18446744073709551615", false, false, false, true},
	}
	for _, c := range cases {
		n, err := ParseInt(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		_, i32 := n.Int64(32)
		v, i64 := n.Int64(64)
		_, u32 := n.Uint64(32)
		_, u64 := n.Uint64(64)
		if i32 != c.i32 || i64 != c.i64 || u32 != c.u32 || u64 != c.u64 {
			t.Errorf("%s fits %v %v %v %v, want %v %v %v %v", c.in, i32, i64, u32, u64, c.i32, c.i64, c.u32, c.u64)
		}
		if i64 && FromInt64(v) != n {
			t.Errorf("%s: back and forth gives %v", c.in, FromInt64(v))
		}
	}
}

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		in   any
		want float64
	}{
		{1.5, 1.5}, {float32(0.5), 0.5}, {-3, -3}, {uint64(7), 7}, {"1.5e3", 1500}, {json.Number("2"), 2}, {big.NewFloat(2.5), 2.5},
		{"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
	} {
		if got, err := Float(c.in); err != nil || got != c.want {
			t.Errorf("Float(%v) = %v, %v; want %v", c.in, got, err, c.want)
		}
	}
	if f, err := Float("NaN"); err != nil || !math.IsNaN(f) {
		t.Errorf("NaN: %v, %v", f, err)
	}
	for _, v := range []any{nil, true, "", "x", "0x10", "inf", "nan", "1_0", "1e999", " 1", []any{}, (*big.Float)(nil)} {
		if got, err := Float(v); err == nil {
			t.Errorf("Float(%v) = %v without error", v, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"10.0.0.0/8", "10.0.0.0/8"}, {"10.1.2.3", "10.1.2.3/32"}, {"0.0.0.0/0", "0.0.0.0/0"}, {"10.0.0.1/24", "10.0.0.1/24"},
	} {
		if p, err := ParseCIDR4(c.in); err != nil || p.String() != c.want {
			t.Errorf("ParseCIDR4(%q) = %v, %v", c.in, p, err)
		}
	}
	for _, s := range []string{"10.0.0.0/40", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/99999999999999999999"} {
		if _, err := ParseCIDR4(s); err == nil || err.Error() != "prefix length must be 0..32" {
			t.Errorf("ParseCIDR4(%q): %v", s, err)
		}
	}
	for _, s := range []string{"hello", "", "/8", "10.0.0/8", "10.0.0.0.0", "010.0.0.1", " 10.0.0.1", "::1/64", "10.0.0.1 "} {
		if _, err := ParseCIDR4(s); err == nil || !strings.HasPrefix(err.Error(), "must be an IPv4 network") {
			t.Errorf("ParseCIDR4(%q): %v", s, err)
		}
	}
	checkCIDR(t)
	for _, s := range []string{"02:1e:67:9f:4d:ae", "2:1E:67:9F:4D:AE"} {
		if m, err := ParseMAC(s); err != nil || hex.EncodeToString(m[:]) != "021e679f4dae" {
			t.Errorf("ParseMAC(%q) = %x, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "02:1e:67:9f:4d", "02:1e:67:9f:4d:ae:00", "02:1e:67:9f:4d:ae:", "02-1e-67-9f-4d-ae",
		"002:1e:67:9f:4d:ae", "gg:1e:67:9f:4d:ae", "02:1e:67:9f:4d:ae x", ":::::", "+2:1e:67:9f:4d:ae", "021e679f4dae"} {
		if m, err := ParseMAC(s); err == nil {
			t.Errorf("ParseMAC(%q) = %x without error", s, m)
		}
	}
	if _, err := ParseIPv6("fe80::1"); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", "1.2.3.4", "::ffff:1.2.3.4", "fe80::1%0", "::1/64"} {
		if a, err := ParseIPv6(s); err == nil {
			t.Errorf("ParseIPv6(%q) = %v without error", s, a)
		}
	}
}

// checkCIDR: both families, with or without length; errors tell the limits of
// the family written.
func checkCIDR(t *testing.T) {
	t.Helper()
	for _, c := range []struct{ in, want string }{
		{"10.0.0.0/8", "10.0.0.0/8"}, {"10.1.2.3", "10.1.2.3/32"}, {"2001:db8::/32", "2001:db8::/32"}, {"2001:DB8::1", "2001:db8::1/128"},
		{"::/0", "::/0"}, {"2001:db8::1/64", "2001:db8::1/64"}, {"::ffff:0:0/96", "::ffff:0.0.0.0/96"}, {"::ffff:1.2.3.4", "::ffff:1.2.3.4/128"},
	} {
		if p, err := ParseCIDR(c.in); err != nil || p.String() != c.want {
			t.Errorf("ParseCIDR(%q) = %v, %v", c.in, p, err)
		}
	}
	for s, want := range map[string]string{
		"10.0.0.0/33": "0..32", "10.0.0.0/08": "0..32", "::/129": "0..128", "::/": "0..128", "::/-1": "0..128", "::/032": "0..128", "::/8/8": "0..128",
	} {
		if _, err := ParseCIDR(s); err == nil || err.Error() != "prefix length must be "+want {
			t.Errorf("ParseCIDR(%q): %v", s, err)
		}
	}
	for _, s := range []string{"hello", "", "/8", "10.0.0/8", "010.0.0.1", "2001:db8:/32", "fe80::1%eth0", "fe80::1%eth0/64", "1:2:3:4:5:6:7:8:9", "::g", ":", " ::1"} {
		if _, err := ParseCIDR(s); err == nil || !strings.HasPrefix(err.Error(), "must be an IPv4 or IPv6 network") {
			t.Errorf("ParseCIDR(%q): %v", s, err)
		}
	}
}

func TestParseHex(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"0x", ""}, {" 0xAB cd\n", "abcd"}, {"01:02", "0102"}, {"0102 0304", "01020304"},
	} {
		if p, err := ParseHex(c.in); err != nil || hex.EncodeToString(p) != c.want {
			t.Errorf("ParseHex(%q) = %x, %v", c.in, p, err)
		}
	}
	for _, s := range []string{"0", "0x1", "zz", "01 2", "0x0x01", "01-02", "1:2:3"} {
		if p, err := ParseHex(s); err == nil {
			t.Errorf("ParseHex(%q) = %x without error", s, p)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"src_ip", "dst_ip", "src_port", "dst_port", "drop", "established"}
	for _, c := range []struct{ in, want string }{
		{"srcIp", "src_ip"}, {"src-ip", "src_ip"}, {"SRC_IP", "src_ip"}, {"scr_ip", "src_ip"}, {"dst_prot", "dst_port"},
		{"src_prt", "src_port"}, {"dorp", "drop"}, {"drp", "drop"}, {"estabilshed", "established"},
		{"xyzzy", ""}, {"", ""}, {strings.Repeat("a", 10000), ""}, {"ip", ""}, {"drop", ""},
	} {
		if got := Suggest(c.in, names); got != c.want {
			t.Errorf("Suggest(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := DidYouMean("drp", names); got != `did you mean "drop"?` {
		t.Errorf("hint %q", got)
	}
	if got := DidYouMean("xyzzy", names); got != "" {
		t.Errorf("hint %q", got)
	}
}

func TestPath(t *testing.T) {
	p := NewPath("modules.fw")
	p.Field("rules")
	p.Index(3)
	p.Field("src_ip")
	if got := p.String(); got != "modules.fw.rules[3].src_ip" {
		t.Errorf("path %q", got)
	}
	p.Reset("")
	p.Field("limit")
	p.Key("pa\"cket")
	p.Field("x")
	if got := p.String(); got != `limit["pa\"cket"].x` {
		t.Errorf("path %q", got)
	}
	p.Pop()
	p.Pop()
	if got := p.String(); got != "limit" {
		t.Errorf("path %q", got)
	}
	if Join("a", "b") != "a.b" || Join("a", "[1]") != "a[1]" || Join("", "b") != "b" || Join("a", "") != "a" {
		t.Error("Join")
	}
}

func TestShowAndKind(t *testing.T) {
	huge := new(big.Float).SetMantExp(big.NewFloat(1), math.MaxInt32-1)
	for _, c := range []struct {
		in         any
		show, kind string
	}{
		{nil, "null", "null"}, {"a\"b", `"a\"b"`, "a string"}, {strings.Repeat("ä", 40), `"` + strings.Repeat("ä", 32) + `"…`, "a string"},
		{5, "5", "a number"}, {-1.5, "-1.5", "a number"}, {float32(0.5), "0.5", "a number"}, {uint8(7), "7", "a number"}, {true, "true", "a boolean"},
		{[]byte{1, 2}, "0x0102", "bytes"}, {make([]byte, 40), "0x" + strings.Repeat("00", 32) + "…", "bytes"},
		{json.Number("1e3"), "1e3", "a number"}, {json.Number(strings.Repeat("1", 70)), strings.Repeat("1", 64) + "…", "a number"},
		{big.NewFloat(2.5), "2.5", "a number"}, {(*big.Float)(nil), "null", "null"}, {huge, "(a number with a huge exponent)", "a number"},
		{map[string]any{"a": 1}, "{1 entries}", "a map"}, {map[int]int{}, "{0 entries}", "a map"},
		{[]any{1}, "[1 elements]", "a list"}, {[]int{}, "[0 elements]", "a list"}, {struct{}{}, "(struct {})", "a struct {}"},
		{Unknown{}, "(not known yet)", "a scalar.Unknown"},
	} {
		if got := Show(c.in); got != c.show {
			t.Errorf("Show(%v) = %s, want %s", c.in, got, c.show)
		}
		if got := Kind(c.in); got != c.kind {
			t.Errorf("Kind(%v) = %s, want %s", c.in, got, c.kind)
		}
	}
}

func TestMapsAndLists(t *testing.T) {
	if m, problem := AsMap(map[any]any{1: "a", true: "b", "c": "d"}); problem != "" || m["1"] != "a" || m["true"] != "b" || m["c"] != "d" {
		t.Errorf("AsMap: %v, %s", m, problem)
	}
	for _, c := range []struct {
		in   any
		want string
	}{
		{nil, "expected a map, got null"}, {5, "expected a map, got a number"},
		{map[any]any{1: "a", "1": "b"}, `two keys read as "1"`}, {map[any]any{1.5: "a"}, "map keys must be text, got a number"},
	} {
		if m, problem := AsMap(c.in); problem != c.want {
			t.Errorf("AsMap(%v) = %v, %q; want %q", c.in, m, problem, c.want)
		}
	}
	if l, ok := AsList([]string{"a"}); !ok || l[0] != "a" {
		t.Errorf("AsList: %v", l)
	}
	for _, v := range []any{nil, "a", []byte("a"), map[string]any{}} {
		if l, ok := AsList(v); ok {
			t.Errorf("AsList(%v) = %v", v, l)
		}
	}
	for _, v := range []any{nil, map[string]any(nil), []any(nil), (*big.Float)(nil), []string(nil), map[int]int(nil)} {
		if !IsNull(v) {
			t.Errorf("%T is not null", v)
		}
	}
	for _, v := range []any{"", 0, false, []any{}, map[string]any{}, big.NewFloat(0), struct{}{}, uint8(0)} {
		if IsNull(v) {
			t.Errorf("%T is null", v)
		}
	}
	if !HasUnknown([]any{map[string]any{"a": Unknown{}}}) || HasUnknown([]any{1, map[string]any{"a": nil}}) {
		t.Error("HasUnknown")
	}
}

func TestFindingString(t *testing.T) {
	f := Finding{Path: "rules[3].src_ip", Value: `"10.0.0.0/40"`, Msg: "prefix length must be 0..32", Hint: "use /32"}
	if got := f.String(); got != `rules[3].src_ip: "10.0.0.0/40": prefix length must be 0..32 (use /32)` {
		t.Error(got)
	}
	if got := Text([]Finding{{Msg: "a"}, {Path: "b", Msg: "c"}}); got != "a\nb: c" {
		t.Error(got)
	}
}
