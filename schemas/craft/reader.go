// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package craft

import (
	"fmt"
	"net"
	"sort"
	"strings"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
)

// reader takes the fields out of one layer. Every accessor records the names
// it knows, so that done can report the others.
type reader struct {
	b     *builder
	path  string
	vals  map[string]any
	known []string
	bad   bool // the layer is no map: everything else would only be noise
}

func (b *builder) reader(path string, v any, bare string) *reader {
	r := &reader{b: b, path: path}
	if _, err := scalar.Integer(v); err == nil && bare != "" {
		r.vals = map[string]any{bare: v}
		return r
	}
	m, problem := scalar.AsMap(v)
	if problem != "" {
		b.find(path, v, problem, "")
		r.bad = true
	}
	r.vals = m
	return r
}

func (r *reader) at(name string) string { return scalar.Join(r.path, name) }

func (r *reader) note(names ...string) { r.known = append(r.known, names...) }

// given reports whether one of the names of a field is present.
func (r *reader) given(names ...string) bool {
	for _, n := range names {
		if v, ok := r.vals[n]; ok && !scalar.IsNull(v) {
			return true
		}
	}
	return false
}

// get returns the value of a field with several names and the name used.
func (r *reader) get(names ...string) (name string, v any, ok bool) {
	r.note(names...)
	for _, n := range names {
		x, present := r.vals[n]
		if !present || scalar.IsNull(x) {
			continue
		}
		if ok {
			r.fail(n, x, "not together with "+name, "")
			continue
		}
		name, v, ok = n, x, true
	}
	return name, v, ok
}

func (r *reader) fail(name string, v any, msg, hint string) {
	r.b.find(r.at(name), v, msg, hint)
}

// require reports a missing field unless the layer as a whole is unreadable.
func (r *reader) require(what string, names ...string) {
	if !r.bad {
		r.b.missing(r.at(names[0]), "missing: "+what)
	}
}

// done reports fields nobody asked for.
func (r *reader) done() {
	for _, k := range scalar.Keys(r.vals) {
		found := false
		for _, n := range r.known {
			found = found || n == k
		}
		if !found {
			hint := scalar.DidYouMean(k, r.known)
			if hint == "" {
				names := append([]string(nil), r.known...)
				sort.Strings(names)
				hint = "fields are " + strings.Join(names, ", ")
			}
			r.fail(k, r.vals[k], "unknown field", hint)
		}
	}
}

// number reads 0..limit; what names the field's meaning in the error.
func (r *reader) number(def, limit uint64, what string, names ...string) uint64 {
	name, v, ok := r.get(names...)
	if !ok {
		return def
	}
	n, err := scalar.Integer(v)
	if err != nil || n.Neg || n.Mag > limit {
		r.fail(name, v, fmt.Sprintf("%s must be 0..%d", what, limit), "")
		return def
	}
	return n.Mag
}

// need reads 0..limit and reports absence.
func (r *reader) need(limit uint64, what string, names ...string) uint64 {
	if !r.given(names...) {
		r.require(fmt.Sprintf("%s 0..%d", what, limit), names...)
	}
	return r.number(0, limit, what, names...)
}

// maybe reads 0..limit and reports presence.
func (r *reader) maybe(limit uint64, what string, names ...string) (uint64, bool) {
	return r.number(0, limit, what, names...), r.given(names...)
}

// named reads a number or one of the names.
func (r *reader) named(table map[string]uint64, limit uint64, names ...string) uint64 {
	name, v, _ := r.get(names...)
	if s, ok := v.(string); ok {
		if n, ok := table[strings.ToLower(s)]; ok {
			return n
		}
		if _, err := scalar.ParseInt(s); err != nil {
			r.fail(name, v, fmt.Sprintf("must be a number 0..%d or a known name", limit), didYouMean(s, table))
			return 0
		}
	}
	return r.number(0, limit, name, name)
}

func didYouMean(word string, table map[string]uint64) string {
	names := make([]string, 0, len(table))
	for n := range table {
		names = append(names, n)
	}
	sort.Strings(names)
	if hint := scalar.DidYouMean(word, names); hint != "" {
		return hint
	}
	return "names are " + strings.Join(names, ", ")
}

func (r *reader) boolean(name string) bool {
	_, v, ok := r.get(name)
	if !ok {
		return false
	}
	b, isBool := v.(bool)
	if !isBool {
		r.fail(name, v, "must be true or false", "")
	}
	return b
}

// text reads a string and hands it to parse.
func text[T any](r *reader, zero T, parse func(string) (T, error), names ...string) T {
	name, v, ok := r.get(names...)
	if !ok {
		return zero
	}
	s, isText := v.(string)
	if !isText {
		r.fail(name, v, "must be text, got "+scalar.Kind(v), "")
		return zero
	}
	t, err := parse(s)
	if err != nil {
		r.fail(name, v, err.Error(), "")
		return zero
	}
	return t
}

// mac reads an address; without one def is used, and if def is nil the field
// is required.
func (r *reader) mac(def net.HardwareAddr, name string) net.HardwareAddr {
	if def == nil && !r.given(name) {
		r.require("a MAC address", name)
	}
	if def == nil {
		def = make(net.HardwareAddr, 6)
	}
	return text(r, def, func(s string) (net.HardwareAddr, error) {
		m, err := scalar.ParseMAC(s)
		return m[:], err
	}, name)
}

func (r *reader) ipv4(name string) net.IP {
	if !r.given(name) {
		r.require("an IPv4 address", name)
	}
	return text(r, net.IP{0, 0, 0, 0}, func(s string) (net.IP, error) {
		a, err := scalar.ParseIPv4(s)
		return net.IP(a.AsSlice()), err
	}, name)
}

func (r *reader) ipv6(name string) net.IP {
	if !r.given(name) {
		r.require("an IPv6 address", name)
	}
	return text(r, make(net.IP, 16), func(s string) (net.IP, error) {
		a, err := scalar.ParseIPv6(s)
		return net.IP(a.AsSlice()), err
	}, name)
}

// bytesUpTo reads a byte string of at most limit bytes.
func (r *reader) bytesUpTo(limit int, name string) []byte {
	_, v, ok := r.get(name)
	if !ok {
		return nil
	}
	p, finds := plain(v)
	for _, f := range finds {
		f.Path = scalar.Join(r.at(name), f.Path)
		r.b.finds = append(r.b.finds, f)
	}
	if len(p) > limit {
		r.fail(name, v, fmt.Sprintf("must be at most %d bytes, got %d", limit, len(p)), "")
		return nil
	}
	return p
}

// flag is one bit with a letter (or 0) and a name.
type flag struct {
	name   string
	letter byte
	bit    uint16
}

// flags reads a number, a name, letters, a list of names or a map of booleans.
func (r *reader) flags(def uint16, table []flag) uint16 {
	_, v, ok := r.get("flags")
	if !ok {
		return def
	}
	all := uint16(0)
	for _, f := range table {
		all |= f.bit
	}
	if s, isText := v.(string); isText {
		return r.flagText("flags", s, table)
	}
	if l, isList := scalar.AsList(v); isList {
		bits := uint16(0)
		for i, e := range l {
			s, _ := e.(string)
			bits |= r.flagName(fmt.Sprintf("flags[%d]", i), s, e, table)
		}
		return bits
	}
	if _, notMap := scalar.AsMap(v); notMap == "" {
		return r.flagMap(v, table)
	}
	return uint16(r.number(uint64(def), uint64(all), "flags", "flags"))
}

func (r *reader) flagMap(v any, table []flag) uint16 {
	m, _ := scalar.AsMap(v)
	bits := uint16(0)
	for _, k := range scalar.Keys(m) {
		bit := r.flagName("flags."+k, k, m[k], table)
		on, isBool := m[k].(bool)
		if !isBool && !scalar.IsNull(m[k]) {
			r.fail("flags."+k, m[k], "must be true or false", "")
		}
		if on {
			bits |= bit
		}
	}
	return bits
}

// flagName finds one flag by its name.
func (r *reader) flagName(at, name string, shown any, table []flag) uint16 {
	names := make([]string, len(table))
	for i, f := range table {
		if strings.EqualFold(f.name, name) {
			return f.bit
		}
		names[i] = f.name
	}
	hint := scalar.DidYouMean(name, names)
	if hint == "" {
		hint = "flags are " + strings.Join(names, ", ")
	}
	r.fail(at, shown, "unknown flag", hint)
	return 0
}

// flagText reads one name, or letters where the table has them. Names come
// first: "ece" is one flag, not E and C.
func (r *reader) flagText(at, s string, table []flag) uint16 {
	bits := uint16(0)
	for i := range len(s) {
		bit := uint16(0)
		for _, f := range table {
			if strings.EqualFold(f.name, s) {
				return f.bit
			}
			if f.letter != 0 && f.letter == s[i]&^0x20 {
				bit = f.bit
			}
		}
		if bit == 0 {
			return r.flagName(at, s, s, table)
		}
		bits |= bit
	}
	return bits
}
