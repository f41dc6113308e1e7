// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package declare

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	scalars "github.com/bessform/terraform-provider-bess/schemas/args"
)

// fields are the keys of a record, with what reads their values.
type fields map[string]func(v *yaml.Node, w *where)

// record reads a map with the given keys, of which none is required, and
// returns where their values are. Null is an empty record.
func (s *source) record(n *yaml.Node, w *where, known fields) places {
	var found places
	ok := s.each(n, w, func(e entry) {
		if f := known[e.key]; f != nil {
			found = append(found, valueAt{e.key, s.pos(e.val)})
			f(e.val, w.key(e.key))
			return
		}
		names := slices.Sorted(maps.Keys(known))
		hint := scalars.DidYouMean(e.key, names)
		if hint == "" {
			hint = "known are " + strings.Join(names, ", ")
		}
		s.field(e.keyAt, w.object, w.field(), hint, "unknown key %s", show(e.key))
	})
	if !ok {
		found = append(found, valueAt{unreadable, s.pos(n)})
	}
	return found
}

// places says where the values of a record are.
type places []valueAt

type valueAt struct {
	key string
	at  Position
}

// unreadable is the key in places that stands for all that could not be read.
const unreadable = ""

// missing reports whether the value of key, which is empty, is to be called
// missing: not if something about it has been reported.
func (r *report) missing(p places, key string) bool {
	for _, v := range p {
		if v.key == unreadable || v.key == key && r.bad[v.at] {
			return false
		}
	}
	return true
}

// of returns where the value of key is, or else if it is missing.
func (p places) of(key string, other Position) Position {
	for _, v := range p {
		if v.key == key {
			return v.at
		}
	}
	return other
}

// each calls f for every entry of a map. Null is an empty map. The result
// tells whether it was one.
func (s *source) each(n *yaml.Node, w *where, f func(e entry)) bool {
	defer s.leave(n)
	in := s.enter(n, w)
	switch {
	case in == nil:
		return false
	case isNull(in):
		return true
	case in.Kind != yaml.MappingNode:
		s.fail(n, w, "", "expected a map, got %s", kindOf(in))
		return false
	}
	list, ok := s.pairs(in, w)
	for _, e := range list {
		f(e)
	}
	return ok
}

// single reads a scalar. Null and what is wrong are nil. variable is set if
// the text, which is then in raw, came from a variable.
func (s *source) single(n *yaml.Node, w *where, want string) (v any, raw string, variable bool) {
	defer s.leave(n)
	in := s.enter(n, w)
	if in == nil {
		return nil, "", false
	}
	if in.Kind != yaml.ScalarNode {
		s.fail(n, w, "", "expected %s, got %s", want, kindOf(in))
		return nil, "", false
	}
	read, ok := s.expanded(in, w)
	if !ok {
		return nil, "", false
	}
	v, _ = s.scalar(read, w)
	return v, read.Value, read != in
}

// text reads a string; "" if it is missing or wrong.
func (s *source) text(n *yaml.Node, w *where) string {
	v, raw, variable := s.single(n, w, "text")
	text, ok := v.(string)
	switch {
	case variable:
		return raw
	case !ok && v != nil:
		s.fail(n, w, "put it in quotes", "expected text, got %s", showValue(v))
	}
	return text
}

// texter returns a reader of a string into dst.
func (s *source) texter(dst *string) func(*yaml.Node, *where) {
	return func(n *yaml.Node, w *where) { *dst = s.text(n, w) }
}

// whole reads a whole number within limits; ok is false if it is missing or
// wrong.
func (s *source) whole(n *yaml.Node, w *where, low, high int64) (i int64, ok bool) {
	v, raw, variable := s.single(n, w, "a number")
	if v == nil {
		return 0, false
	}
	i, ok = toWhole(v)
	if variable && !ok {
		var err error
		i, err = strconv.ParseInt(raw, 10, 64)
		ok = err == nil
	}
	if !ok {
		s.fail(n, w, "", "expected a whole number, got %s", showValue(v))
		return 0, false
	}
	if i < low || i > high {
		s.fail(n, w, "", "%s: must be %d..%d", showValue(v), low, high)
		return 0, false
	}
	return i, true
}

// toWhole converts a scalar that is a whole number. What does not fit is cut
// to the nearest that does.
func toWhole(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case uint64:
		return int64(min(x, math.MaxInt64)), true
	case float64:
		if x != math.Trunc(x) { // NaN too
			return 0, false
		}
		switch {
		case x >= math.MaxInt64:
			return math.MaxInt64, true
		case x <= math.MinInt64:
			return math.MinInt64, true
		}
		return int64(x), true
	}
	return 0, false
}
