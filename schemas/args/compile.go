// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package args

import (
	"strings"
	"sync"

	"github.com/bessform/terraform-provider-bess/appliance/api/option"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// checker is what has to be checked in messages of one type. Fields without a
// rule in or below them are left out.
type checker struct {
	fields  []fieldCheck
	choices []choiceCheck
}

type fieldCheck struct {
	fd   protoreflect.FieldDescriptor
	name string
	rule *rule    // nil: none
	keys *rule    // of a map
	sub  *checker // of a message, or of the messages in a list or map
}

// choiceCheck is a oneof of which one member must be set.
type choiceCheck struct {
	group protoreflect.OneofDescriptor
	name  string
	msg   string
}

// checkers maps a protoreflect.MessageDescriptor to its *checker.
var checkers sync.Map

func checkerFor(desc protoreflect.MessageDescriptor) *checker {
	if c, ok := checkers.Load(desc); ok {
		return c.(*checker)
	}
	set := map[protoreflect.MessageDescriptor]*checker{}
	compile(desc, set)
	prune(set)
	for d, c := range set {
		checkers.LoadOrStore(d, c)
	}
	c, _ := checkers.Load(desc)
	return c.(*checker)
}

// compile makes the checkers of desc and of all messages below it. Types may
// contain themselves, hence the set.
func compile(desc protoreflect.MessageDescriptor, set map[protoreflect.MessageDescriptor]*checker) *checker {
	if c, ok := set[desc]; ok {
		return c
	}
	c := &checker{}
	set[desc] = c
	for i := range desc.Fields().Len() {
		fd := desc.Fields().Get(i)
		f := fieldCheck{fd: fd, name: string(fd.Name())}
		f.rule, f.keys, _ = fieldRules(fd)
		elem := fd
		if fd.IsMap() {
			elem = fd.MapValue()
		}
		if elem.Message() != nil {
			f.sub = compile(elem.Message(), set)
		}
		if f.rule != nil || f.keys != nil || f.sub != nil {
			c.fields = append(c.fields, f)
		}
	}
	for i := range desc.Oneofs().Len() {
		if group := desc.Oneofs().Get(i); choiceOf(group).GetRequired() {
			c.choices = append(c.choices, newChoice(group))
		}
	}
	return c
}

func newChoice(group protoreflect.OneofDescriptor) choiceCheck {
	names := make([]string, group.Fields().Len())
	for i := range names {
		names[i] = string(group.Fields().Get(i).Name())
	}
	return choiceCheck{group: group, name: string(group.Name()), msg: "one of " + strings.Join(names, ", ") + " must be set"}
}

// prune drops the ways to checkers that have nothing to check.
func prune(set map[protoreflect.MessageDescriptor]*checker) {
	useful := map[*checker]bool{}
	for changed := true; changed; {
		changed = false
		for _, c := range set {
			if !useful[c] && c.anyUse(useful) {
				useful[c], changed = true, true
			}
		}
	}
	for _, c := range set {
		kept := c.fields[:0]
		for _, f := range c.fields {
			if !useful[f.sub] {
				f.sub = nil
			}
			if f.rule != nil || f.keys != nil || f.sub != nil {
				kept = append(kept, f)
			}
		}
		c.fields = kept
	}
}

func (c *checker) anyUse(useful map[*checker]bool) bool {
	if len(c.choices) > 0 {
		return true
	}
	for _, f := range c.fields {
		if f.rule != nil || f.keys != nil || useful[f.sub] {
			return true
		}
	}
	return false
}

// fieldRules reads the rule of a field and, for a map, that of its keys.
// problem tells what is wrong with the rule itself.
func fieldRules(fd protoreflect.FieldDescriptor) (r, keys *rule, problem string) {
	src := ruleOf(fd)
	if src == nil {
		return nil, nil, ""
	}
	elem := fd
	if fd.IsMap() {
		elem = fd.MapValue()
	}
	r, problem = compileRule(elem.Kind(), src)
	if k := src.GetKeys(); k != nil {
		if !fd.IsMap() {
			return r, nil, "keys needs a map"
		}
		var p string
		keys, p = compileRule(fd.MapKey().Kind(), k)
		if problem == "" {
			problem = p
		}
	}
	return r, keys, problem
}

// ruleOf returns the rule option of a field, or nil.
func ruleOf(fd protoreflect.FieldDescriptor) *option.Rule {
	opts := &descriptorpb.FieldOptions{}
	if !reread(fd.Options(), opts) || !proto.HasExtension(opts, option.E_Rule) {
		return nil
	}
	r, _ := proto.GetExtension(opts, option.E_Rule).(*option.Rule)
	return r
}

func choiceOf(group protoreflect.OneofDescriptor) *option.Choice {
	opts := &descriptorpb.OneofOptions{}
	if !reread(group.Options(), opts) || !proto.HasExtension(opts, option.E_Choice) {
		return nil
	}
	c, _ := proto.GetExtension(opts, option.E_Choice).(*option.Choice)
	return c
}

// reread copies options through their bytes. In descriptors that were loaded
// from a file our options may be unknown fields or dynamic messages; only
// after this are they of the generated type.
func reread(from proto.Message, to proto.Message) bool {
	wire, err := proto.Marshal(from)
	return err == nil && len(wire) > 0 && proto.Unmarshal(wire, to) == nil
}
