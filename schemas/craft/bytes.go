// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
)

// Bytes reads a byte string wherever one is expected (a packet template, a
// header to prepend):
//
//   - text: hex digits, with or without "0x", blanks, line ends and colons
//     allowed between bytes; or "base64:…", "text:…", "hex:…"
//   - a map {hex: …}, {base64: …}, {text: …}, {zero: n}, {repeat: n, …}
//   - a packet in layers, as Packet takes it
//   - []byte, as it is
//
// At most MaxLen bytes. The error is an *Error.
func Bytes(v any) ([]byte, error) {
	if isPlain(v) {
		p, finds := plain(v)
		if len(finds) > 0 {
			return nil, &Error{Findings: finds}
		}
		return p, nil
	}
	return Packet(v)
}

// plainKeys are the forms of a byte string written as a map.
var plainKeys = []string{"base64", "byte", "hex", "repeat", "text", "zero"}

func isPlain(v any) bool {
	switch v.(type) {
	case string, []byte:
		return true
	}
	m, problem := scalar.AsMap(v)
	if problem != "" {
		_, isList := scalar.AsList(v)
		return !isList // let plain say what is expected
	}
	for _, k := range plainKeys {
		if _, ok := m[k]; ok {
			return true
		}
	}
	return false
}

// plain reads every form but layers. Text is hex.
func plain(v any) ([]byte, []Finding) {
	fail := func(err error, hint string) ([]byte, []Finding) {
		return nil, []Finding{{Value: scalar.Show(v), Msg: err.Error(), Hint: hint}}
	}
	switch x := v.(type) {
	case []byte:
		return bytes.Clone(x), tooLong(len(x))
	case string:
		p, err := prefixed(x)
		if err != nil {
			return fail(err, hexHint(x))
		}
		return p, tooLong(len(p))
	}
	m, problem := scalar.AsMap(v)
	if problem != "" {
		return fail(errors.New("expected bytes, got "+scalar.Kind(v)), "write hex digits in quotes, for example \"0800\"")
	}
	b := &builder{}
	p := b.part("", m)
	return p, b.finds
}

func tooLong(n int) []Finding {
	if n <= MaxLen {
		return nil
	}
	return []Finding{{Msg: fmt.Sprintf("must be at most %d bytes, got %d", MaxLen, n)}}
}

func prefixed(s string) ([]byte, error) {
	switch {
	case strings.HasPrefix(s, "text:"):
		return []byte(s[5:]), nil
	case strings.HasPrefix(s, "base64:"):
		return decode64(s[7:])
	}
	return scalar.ParseHex(strings.TrimPrefix(s, "hex:"))
}

func decode64(s string) ([]byte, error) {
	p, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(s))
	if err != nil {
		return nil, errors.New("must be base64 (standard alphabet, padded)")
	}
	return p, nil
}

// hexHint helps who wrote text where bytes are expected.
func hexHint(s string) string {
	if strings.Trim(s, "0123456789abcdefABCDEFx: \n\t\r") == "" || len(s) > 32 ||
		strings.Contains(s, ":") {
		return ""
	}
	return "for text write \"text:" + s + "\""
}

// payload reads the payload layer: text, a map or a list of those.
func (b *builder) payload(path string, v any) []byte {
	l, isList := scalar.AsList(v)
	if !isList {
		return b.payloadPart(path, v)
	}
	var out []byte
	for i, e := range l {
		at := fmt.Sprintf("%s[%d]", path, i)
		out = append(out, b.payloadPart(at, e)...)
		if len(out) > MaxLen {
			b.missing(at, fmt.Sprintf("payload longer than %d bytes", MaxLen))
			return nil
		}
	}
	return out
}

func (b *builder) payloadPart(path string, v any) []byte {
	switch x := v.(type) {
	case string:
		return []byte(x)
	case []byte:
		return x
	}
	m, problem := scalar.AsMap(v)
	if problem != "" {
		b.find(path, v, "expected text or a map, got "+scalar.Kind(v), "for bytes write {hex: \"…\"}")
		return nil
	}
	return b.part(path, m)
}

// part reads {hex}, {base64}, {text}, {zero: n} or {repeat: n, hex/base64/
// text/byte}. {repeat: n} alone repeats a zero byte.
func (b *builder) part(path string, m map[string]any) []byte {
	r := &reader{b: b, path: path, vals: m}
	times, repeats := r.maybe(MaxLen, "count", "repeat")
	unit, n := r.unit()
	zeros, isZero := r.maybe(MaxLen, "length", "zero")
	r.done()
	switch {
	case n > 1, isZero && (n > 0 || repeats):
		b.missing(r.path, "more than one of hex, base64, text, byte and zero")
		return nil
	case isZero:
		return make([]byte, zeros)
	case !repeats && n == 1:
		return unit
	case !repeats:
		b.missing(r.path, "none of hex, base64, text, zero and repeat")
		return nil
	case n == 0:
		unit = []byte{0}
	}
	if uint64(len(unit))*times > MaxLen {
		b.missing(r.path, fmt.Sprintf("must be at most %d bytes", MaxLen))
		return nil
	}
	return bytes.Repeat(unit, int(times))
}

// unit reads the one content key and returns how many there were.
func (r *reader) unit() (p []byte, n int) {
	parsers := []struct {
		name  string
		parse func(string) ([]byte, error)
	}{
		{"hex", scalar.ParseHex},
		{"base64", decode64},
		{"text", func(s string) ([]byte, error) { return []byte(s), nil }},
	}
	for _, f := range parsers {
		if r.given(f.name) {
			n++
		}
		if got := text(r, nil, f.parse, f.name); got != nil {
			p = got
		}
	}
	if one, ok := r.maybe(255, "byte", "byte"); ok {
		p = []byte{byte(one)}
		n++
	}
	return p, n
}
