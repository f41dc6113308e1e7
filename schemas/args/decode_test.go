// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
)

type kv = map[string]any

// Every accepted way to write a value, seen through the canonical JSON.
func TestDecode(t *testing.T) {
	cases := []struct {
		name string
		in   any
		want string
	}{
		{"null", nil, `{}`},
		{"empty", kv{}, `{}`},
		{"null fields", kv{"b": nil, "ss": nil, "sub": nil, "m": nil, "left": nil, "right": 1}, `{"right":1}`},
		{"scalars", kv{"b": true, "i32": -1, "i64": int64(math.MinInt64), "u32": uint32(math.MaxUint32), "u64": uint64(math.MaxUint64), "f": 1.5, "d": -2.25, "s": "x"},
			`{"b":true,"d":-2.25,"f":1.5,"i32":-1,"i64":-9223372036854775808,"s":"x","u32":4294967295,"u64":18446744073709551615}`},
		{"1.0 is 1", kv{"i32": 1.0, "u32": json.Number("1.0"), "i64": big.NewFloat(-7), "u64": "0xff"}, `{"i32":1,"i64":-7,"u32":1,"u64":255}`},
		{"decimal strings", kv{"i32": "-5", "u64": "10", "s64": "-9", "x32": "7"}, `{"i32":-5,"s64":-9,"u64":10,"x32":7}`},
		{"defaults spelled out", kv{"b": false, "i32": 0, "s": "", "y": "", "f": 0, "ss": []any{}, "m": kv{}}, `{}`},
		{"floats", kv{"d": "1e3", "f": "Infinity"}, `{"d":1000,"f":"Infinity"}`},
		{"NaN", kv{"d": "NaN"}, `{"d":"NaN"}`},
		{"bytes", kv{"y": "0800", "ys": []any{"0x01", "base64:aGk=", "text:A", kv{"payload": "p"}, []byte{9}, ""}}, `{"y":"0x0800","ys":["0x01","0x6869","0x41","0x70","0x09","0x"]}`},
		{"enum", kv{"e": "GREEN"}, `{"e":"GREEN"}`},
		{"enum number", kv{"e": 1.0}, `{"e":"GREEN"}`},
		{"nested", kv{"sub": kv{"sub": kv{"s": "deep"}}, "subs": []any{kv{}, kv{"b": true}}}, `{"sub":{"sub":{"s":"deep"}},"subs":[{},{"b":true}]}`},
		{"lists of other types", kv{"ss": []string{"a", "b"}, "us": []int{1, 2}}, `{"ss":["a","b"],"us":[1,2]}`},
		{"oneof zero is set", kv{"right": 0}, `{"right":0}`},
		{"optional zero is set", kv{"opt": 0}, `{"opt":0}`},
		{"maps", kv{"m": map[any]any{1: 2, "0x10": 3.0}, "bm": kv{"true": kv{"s": "x"}, "false": nil}, "sm": kv{"a.b": -1, "": "3"}}, `{"bm":{"true":{"s":"x"}},"m":{"1":2,"16":3},"sm":{"":3,"a.b":-1}}`},
		{"field data", kv{"data": []any{1, "01", "0x0a00", kv{"value_int": "0x10"}, kv{"value_bin": "text:A"}, big.NewFloat(2), kv{}, 0, ""}},
			`{"data":[1,"0x01","0x0a00",16,"0x41",2,{},0,"0x"]}`},
		{"markup stays", kv{"s": "<&>"}, `{"s":"<&>"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			msg, finds := Decode(desc(t, "All"), c.in, Options{})
			if len(finds) > 0 {
				t.Fatalf("findings:\n%s", Text(finds))
			}
			if got := JSON(msg); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			back, finds := Decode(desc(t, "All"), Encode(msg), Options{})
			if len(finds) > 0 || !Equal(msg, back) {
				t.Errorf("Decode(Encode) gives %s, findings %v", JSON(back), finds)
			}
		})
	}
}

func TestDecodeFindings(t *testing.T) {
	cases := []struct {
		name string
		in   any
		want string
	}{
		{"no map", []any{1}, `[1 elements]: expected a map, got a list`},
		{"unknown field", kv{"i23": 1}, `i23: 1: unknown field (did you mean "i32"?)`},
		{"camel case", kv{"sub": kv{"Left": "x"}}, `sub.Left: "x": unknown field (did you mean "left"?)`},
		{"unknown field far off", kv{"data": []any{kv{"zzzzzz": nil}}}, `data[0].zzzzzz: null: unknown field (fields of Data are value_bin, value_int)`},
		{"bool", kv{"b": 1}, `b: 1: expected true or false, got a number`},
		{"bool text", kv{"b": "true"}, `b: "true": expected true or false, got a string (write it without quotes)`},
		{"string number", kv{"s": 5}, `s: 5: expected text, got a number (put it in quotes)`},
		{"string list", kv{"s": []any{}}, `s: [0 elements]: expected text, got a list`},
		{"utf-8", kv{"s": "\xff"}, `s: "\xff": must be valid UTF-8`},
		{"range i32", kv{"i32": 1 << 31}, `i32: 2147483648: must be -2147483648..2147483647 (int32)`},
		{"range u32", kv{"u32": -1}, `u32: -1: must be 0..4294967295 (uint32)`},
		{"range i64", kv{"i64": uint64(1 << 63)}, `i64: 9223372036854775808: must be -9223372036854775808..9223372036854775807 (int64)`},
		{"range u64", kv{"u64": "-1"}, `u64: "-1": must be 0..18446744073709551615 (uint64)`},
		{"range float", kv{"f": 1e300}, `f: 1e+300: does not fit into a 32-bit floating point number`},
		{"fraction", kv{"i32": 1.5}, `i32: 1.5: must be a whole number`},
		{"text for integer", kv{"i32": "12a"}, `i32: "12a": must be a number: decimal digits or "0x" and hex digits`},
		{"wide", kv{"u64": 1e30}, `u64: 1e+30: number does not fit into 64 bits`},
		{"bool for integer", kv{"u64": true}, `u64: true: expected a whole number, got a boolean`},
		{"text for float", kv{"d": "x"}, `d: "x": must be a number`},
		{"scalar for list", kv{"us": 5}, `us: 5: expected a list, got a number (write one value as [value])`},
		{"null in list", kv{"ss": []any{"a", nil}}, `ss[1]: null: expected text, got null`},
		{"null message in list", kv{"subs": []any{nil}}, `subs[0]: null: expected a map, got null`},
		{"text for message", kv{"sub": "x"}, `sub: "x": expected a map, got a string`},
		{"oneof twice", kv{"left": "a", "right": 1}, `right: 1: not together with left, which excludes it`},
		{"map key", kv{"m": kv{"x": 1}}, `m["x"]: "x": map key must be a number: decimal digits or "0x" and hex digits`},
		{"map key range", kv{"m": kv{"-1": 1}}, `m["-1"]: "-1": map key must be 0..4294967295 (uint32)`},
		{"map key twice", kv{"m": kv{"16": 1, "0x10": 2}}, `m["16"]: "16": map key given twice`},
		{"map key bool", kv{"bm": kv{"yes": kv{}}}, `bm["yes"]: "yes": map key must be true or false`},
		{"map key utf-8", kv{"sm": kv{"\xff": 1}}, `sm["\xff"]: "\xff": map key must be valid UTF-8`},
		{"map value", kv{"m": kv{"1": "x"}}, `m["1"]: "x": must be a number: decimal digits or "0x" and hex digits`},
		{"list for map", kv{"m": []any{}}, `m: [0 elements]: expected a map, got a list`},
		{"hex", kv{"y": "zz"}, `y: "zz": must be hex digits (for text write "text:zz")`},
		{"bytes number", kv{"ys": []any{"00", 5}}, `ys[1]: 5: expected bytes, got a number (write hex digits in quotes, for example "0800")`},
		{"layers", kv{"ys": []any{kv{"ip": kv{"src": "1.1.1.1", "dst": "1.1.1.2"}, "udp": kv{"src": 1, "dst": 70000}}}}, `ys[0].udp.dst: 70000: port must be 0..65535`},
		{"enum", kv{"e": "GREN"}, `e: "GREN": unknown value of Color (did you mean "GREEN"?)`},
		{"enum number", kv{"e": 7}, `e: 7: unknown value of Color (values are RED, GREEN)`},
		{"enum kind", kv{"e": true}, `e: true: expected the name of a value, got a boolean (values are RED, GREEN)`},
		{"field data fraction", kv{"data": []any{1.5}}, `data[0]: 1.5: must be a whole number`},
		{"field data text", kv{"data": []any{"5"}}, `data[0]: "5": odd number of hex digits in "5"`},
		{"field data negative", kv{"data": []any{-1}}, `data[0]: -1: must be 0..18446744073709551615 (uint64)`},
		{"field data bool", kv{"data": []any{true}}, `data[0]: true: expected a map, got a boolean`},
		{"several", kv{"b": 1, "subs": []any{kv{"s": 1}, kv{"u32": -1, "x": 1}}}, "b: 1: expected true or false, got a number\n" +
			"subs[0].s: 1: expected text, got a number (put it in quotes)\nsubs[1].u32: -1: must be 0..4294967295 (uint32)\n" +
			`subs[1].x: 1: unknown field (did you mean "b"?)`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, finds := Decode(desc(t, "All"), c.in, Options{})
			if got := Text(finds); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestDecodeDepth(t *testing.T) {
	v := kv{}
	for range 10000 {
		v = kv{"sub": v}
	}
	_, finds := Decode(desc(t, "All"), v, Options{})
	if len(finds) != 1 || finds[0].Msg != "nested too deep" {
		t.Fatalf("findings %.300s", Text(finds))
	}
}

func TestDecodePrefix(t *testing.T) {
	_, finds := Decode(desc(t, "Ruled"), kv{"gate": 9000, "gaet": 1, "name": "n", "macs": []any{"x"}, "need": 1, "offset": 1}, Options{Prefix: "modules.fw.args"})
	want := "modules.fw.args.gaet: 1: unknown field (did you mean \"gate\"?)\n" +
		"modules.fw.args.gate: 9000: must be 0..8192\nmodules.fw.args.macs[0]: \"x\": must be a MAC address (aa:bb:cc:dd:ee:ff)"
	if got := Text(finds); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, finds = Decode(desc(t, "Ruled"), 5, Options{Prefix: "args"})
	if got := Text(finds); got != "args: 5: expected a map, got a number" {
		t.Errorf("got %s", got)
	}
}

// What is wrong or unknown is not reported once more by the rules of the field
// it should have filled.
func TestDecodeReportsOnce(t *testing.T) {
	whole := kv{"name": "n", "macs": []any{"02:00:00:00:00:01"}, "need": 1, "offset": 1}
	with := func(k string, v any) kv {
		m := kv{}
		for key, val := range whole {
			m[key] = val
		}
		m[k] = v
		return m
	}
	cases := []struct {
		name string
		in   any
		want string
	}{
		{"fine", whole, ""},
		{"required of the wrong type", with("name", 5), `name: 5: expected text, got a number (put it in quotes)`},
		{"required unknown", with("name", Unknown{}), ""},
		{"list of the wrong type", with("macs", "x"), `macs: "x": expected a list, got a string (write one value as [value])`},
		{"list unknown", with("macs", Unknown{}), ""},
		{"element unknown", with("macs", []any{Unknown{}}), ""},
		{"element wrong, too many", with("macs", []any{1, "02:00:00:00:00:01", "z"}),
			"macs[0]: 1: expected text, got a number (put it in quotes)\nmacs: must have at most 2 elements, got 3\nmacs[2]: \"z\": must be a MAC address (aa:bb:cc:dd:ee:ff)"},
		{"choice unknown", kv{"name": "n", "macs": whole["macs"], "need": 1, "attr": Unknown{}}, ""},
		{"choice wrong", with("offset", "q"), `offset: "q": must be a number: decimal digits or "0x" and hex digits`},
		{"map value unknown", with("limit", kv{"bit": Unknown{}}), ""},
		{"message unknown", with("inner", Unknown{}), ""},
		{"message wrong", with("inner", 1), "inner: 1: expected a map, got a number"},
		{"packet with an unknown inside", with("blob", kv{"payload": Unknown{}}), ""},
		{"all unknown", Unknown{}, ""},
		{"nothing", nil, "macs: must have at least 1 element, got 0\nname: must be set\nneed: must be set\nposition: one of attr, offset must be set"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, finds := Decode(desc(t, "Ruled"), c.in, Options{})
			if got := Text(finds); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	if _, finds := Decode(desc(t, "Ruled"), nil, Options{NoRules: true}); len(finds) > 0 {
		t.Errorf("with NoRules: %s", Text(finds))
	}
}

func TestSuggest(t *testing.T) {
	if got := Suggest("Bypas", []string{"Buffer", "Bypass"}); got != "Bypass" {
		t.Errorf("Suggest: %q", got)
	}
	if got := DidYouMean("Bypas", []string{"Buffer", "Bypass"}); got != `did you mean "Bypass"?` {
		t.Errorf("DidYouMean: %q", got)
	}
}
