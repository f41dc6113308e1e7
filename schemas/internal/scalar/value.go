// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package scalar

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// Unknown stands for a value that is not known yet (a Terraform plan). It is
// accepted wherever a value is.
type Unknown struct{}

// showMax is the number of bytes of a string shown in a finding.
const showMax = 64

// Show renders a value for a finding: strings quoted and cut after 64 bytes,
// numbers and booleans plain, lists and maps by their size.
func Show(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		if len(x) > showMax {
			return strconv.Quote(strings.ToValidUTF8(x[:showMax], "")) + "…"
		}
		return strconv.Quote(x)
	case []byte:
		if len(x) > showMax/2 {
			return fmt.Sprintf("0x%x…", x[:showMax/2])
		}
		return fmt.Sprintf("0x%x", x)
	case bool:
		return strconv.FormatBool(x)
	case json.Number:
		return cut(string(x))
	case *big.Float:
		return bigText(x)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case Unknown:
		return "(not known yet)"
	}
	return showOther(v)
}

// cut shortens plain (unquoted) text.
func cut(s string) string {
	if len(s) > showMax {
		return strings.ToValidUTF8(s[:showMax], "") + "…"
	}
	return s
}

func showOther(v any) string {
	if x, ok := toInteger(v); ok {
		return x.String()
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Map:
		return fmt.Sprintf("{%d entries}", rv.Len())
	case reflect.Slice, reflect.Array:
		return fmt.Sprintf("[%d elements]", rv.Len())
	case reflect.Float32:
		return strconv.FormatFloat(rv.Float(), 'g', -1, 32)
	}
	return fmt.Sprintf("(%T)", v)
}

// bigText avoids printing the digits of a huge exponent.
func bigText(x *big.Float) string {
	if x == nil {
		return "null"
	}
	if e := x.MantExp(nil); e > 4096 || e < -4096 {
		return "(a number with a huge exponent)"
	}
	return x.Text('g', 20)
}

// Kind names the kind of a generic value for "expected …, got a string".
func Kind(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case []byte:
		return "bytes"
	case json.Number, float32, float64:
		return "a number"
	case *big.Float:
		if x == nil {
			return "null"
		}
		return "a number"
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	}
	if _, ok := toInteger(v); ok {
		return "a number"
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Map:
		return "a map"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a string"
	}
	return fmt.Sprintf("a %T", v)
}

// IsNull reports whether v is null: nil or a nil pointer, map or slice held
// in the interface. An empty list is not null.
func IsNull(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string, bool, int, int64, float64, json.Number, Unknown, []byte:
		return false
	case map[string]any:
		return x == nil
	case []any:
		return x == nil
	case *big.Float:
		return x == nil
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Map, reflect.Slice, reflect.Pointer:
		return rv.IsNil()
	}
	return false
}

// AsMap returns v as a map with text keys. Maps of other types are copied;
// integer and boolean keys become text, as YAML's `0: 1` needs. When v is no
// map, or two keys have the same text, problem says so.
func AsMap(v any) (m map[string]any, problem string) {
	if m, ok := v.(map[string]any); ok {
		return m, ""
	}
	rv := reflect.ValueOf(v)
	if v == nil || rv.Kind() != reflect.Map {
		return nil, "expected a map, got " + Kind(v)
	}
	m = make(map[string]any, rv.Len())
	for it := rv.MapRange(); it.Next(); {
		key, ok := keyText(it.Key().Interface())
		if !ok {
			return nil, "map keys must be text, got " + Kind(it.Key().Interface())
		}
		if _, dup := m[key]; dup {
			return nil, "two keys read as " + Show(key)
		}
		m[key] = it.Value().Interface()
	}
	return m, ""
}

func keyText(k any) (string, bool) {
	switch x := k.(type) {
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	}
	if i, ok := toInteger(k); ok {
		return i.String(), true
	}
	if rv := reflect.ValueOf(k); rv.Kind() == reflect.String {
		return rv.String(), true
	}
	return "", false
}

// AsList returns v as a list; slices of other types than []any (not []byte)
// are copied.
func AsList(v any) ([]any, bool) {
	if l, ok := v.([]any); ok {
		return l, true
	}
	if _, ok := v.([]byte); ok || v == nil {
		return nil, false
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Slice && rv.Kind() != reflect.Array {
		return nil, false
	}
	l := make([]any, rv.Len())
	for i := range l {
		l[i] = rv.Index(i).Interface()
	}
	return l, true
}

// Keys returns the keys of m in order, so that findings come in one order.
func Keys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// HasUnknown reports whether v is or contains Unknown. Nesting beyond depth
// 100 is not searched.
func HasUnknown(v any) bool { return hasUnknown(v, 100) }

func hasUnknown(v any, depth int) bool {
	switch x := v.(type) {
	case Unknown:
		return true
	case map[string]any:
		for _, e := range x {
			if depth > 0 && hasUnknown(e, depth-1) {
				return true
			}
		}
	case []any:
		for _, e := range x {
			if depth > 0 && hasUnknown(e, depth-1) {
				return true
			}
		}
	}
	return false
}
