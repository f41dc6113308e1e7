// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"sort"
	"sync"

	"github.com/bessform/terraform-provider-bess/schemas/internal/scalar"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Check applies the rules that the .proto files attach to fields to a message
// and everything below it, and returns what breaks them; nil when all is well. A
// nil message has nothing to check. It is made for bulk: what a type needs is
// worked out once, types without rules cost nothing, and text is made only for
// findings. (Protobuf's reflection copies the header of each string it reads from
// a generated message: 16 bytes for a string that is set and has a rule.)
func Check(msg proto.Message) []Finding { return CheckAt("", msg) }

// CheckAt is Check with a prefix for every path, for example "acl fw".
func CheckAt(prefix string, msg proto.Message) []Finding {
	if msg == nil {
		return nil
	}
	return checkAt(prefix, msg.ProtoReflect())
}

func checkAt(prefix string, m protoreflect.Message) []Finding {
	c := checkerFor(m.Descriptor())
	if len(c.fields) == 0 && len(c.choices) == 0 {
		return nil
	}
	w := walkers.Get().(*walker)
	w.path.Reset(prefix)
	w.message(c, m)
	finds := w.finds
	w.finds = nil
	walkers.Put(w)
	return finds
}

// walker walks a message.
type walker struct {
	path  scalar.Path
	finds []Finding
}

var walkers = sync.Pool{New: func() any { return &walker{path: scalar.NewPath("")} }}

func (w *walker) find(value, msg, hint string) {
	w.finds = append(w.finds, Finding{Path: w.path.String(), Value: value, Msg: msg, Hint: hint})
}

func (w *walker) message(c *checker, m protoreflect.Message) {
	for i := range c.fields {
		f := &c.fields[i]
		w.path.Field(f.name)
		switch {
		case f.fd.IsMap():
			w.mapField(f, m.Get(f.fd).Map())
		case f.fd.IsList():
			w.list(f, m.Get(f.fd).List())
		default:
			w.single(f, m)
		}
		w.path.Pop()
	}
	for i := range c.choices {
		if ch := &c.choices[i]; m.WhichOneof(ch.group) == nil {
			w.path.Field(ch.name)
			w.find("", ch.msg, "")
			w.path.Pop()
		}
	}
}

// single checks a field that is neither list nor map. A member of a oneof and
// a message count only when set; plain fields always have a value.
func (w *walker) single(f *fieldCheck, m protoreflect.Message) {
	has := m.Has(f.fd)
	if f.rule != nil && f.rule.required && !f.given(m, has) {
		w.find("", "must be set", "")
		return
	}
	if !has && (f.fd.HasPresence() || f.rule != nil && (f.rule.fam == famString || f.rule.fam == famBytes)) {
		return // empty text and bytes mean "not given"
	}
	w.value(f, m.Get(f.fd), true)
}

// given reports whether a required field has a value. Which member of a oneof
// is set is a matter of the oneof, but the one that is set must not be empty.
func (f *fieldCheck) given(m protoreflect.Message, has bool) bool {
	if group := f.fd.ContainingOneof(); !has && group != nil && !group.IsSynthetic() {
		return true
	}
	switch f.rule.fam {
	case famString:
		return has && m.Get(f.fd).String() != ""
	case famBytes:
		return has && len(m.Get(f.fd).Bytes()) > 0
	}
	return has
}

func (w *walker) value(f *fieldCheck, v protoreflect.Value, lone bool) {
	if f.rule != nil {
		if msg, hint := f.rule.value(v, lone); msg != "" {
			w.find(scalar.Show(v.Interface()), msg, hint)
		}
	}
	if f.sub != nil {
		w.message(f.sub, v.Message())
	}
}

func (w *walker) list(f *fieldCheck, l protoreflect.List) {
	n := l.Len()
	if f.rule != nil {
		if msg := f.rule.items(n); msg != "" {
			w.find("", msg, "")
		}
	}
	for i := range n {
		w.path.Index(i)
		w.value(f, l.Get(i), false)
		w.path.Pop()
	}
}

func (w *walker) mapField(f *fieldCheck, mp protoreflect.Map) {
	if f.rule != nil {
		if msg := f.rule.items(mp.Len()); msg != "" {
			w.find("", msg, "")
		}
	}
	first := len(w.finds)
	mp.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		w.path.Key(k.String())
		if f.keys != nil {
			if msg, hint := f.keys.value(k.Value(), false); msg != "" {
				w.find(scalar.Show(k.Interface()), "map key "+msg, hint)
			}
		}
		w.value(f, v, false)
		w.path.Pop()
		return true
	})
	// Maps have no order; findings must.
	added := w.finds[first:]
	sort.SliceStable(added, func(i, j int) bool { return added[i].Path < added[j].Path })
}
