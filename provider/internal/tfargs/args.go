// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tfargs

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// Attribute is the name of the attribute that holds arguments.
const Attribute = "args"

// emptyArg is accepted for every class and driver and means its defaults.
const emptyArg = "bess.pb.EmptyArg"

// Empty is `{}`, which means the same as no arguments at all.
func Empty() types.Dynamic { return types.DynamicValue(objectValue(nil)) }

// Owner is whose arguments are looked at, for texts and for the message.
type Owner struct {
	// Kind is "class" or "driver", Name its name.
	Kind, Name string
	// Object is what the user calls it, for example `module "fw"`.
	Object string
}

// Desc returns the message of the owner's arguments, or nil if the class or
// driver is unknown.
func (o Owner) Desc() protoreflect.MessageDescriptor {
	if o.Kind == "driver" {
		return schemas.DriverArg(o.Name)
	}
	return schemas.ModuleArg(o.Name)
}

// UnknownOwner returns the diagnostic for a class or driver that does not
// exist, or nil if it does. at is the attribute that names it.
func (o Owner) UnknownOwner(at path.Path) diag.Diagnostic {
	if o.Desc() != nil {
		return nil
	}
	names := o.siblings()
	hint := args.DidYouMean(o.Name, names)
	if hint == "" && len(names) > 0 {
		hint = "Known are " + strings.Join(names, ", ") + "."
	}
	text := fmt.Sprintf("%s: there is no %s %q.", o.Object, o.Kind, o.Name)
	if hint != "" {
		text += " " + upper(hint)
	}
	return diag.NewAttributeErrorDiagnostic(at, "Unknown "+o.Kind, text)
}

// siblings returns the names of all classes or drivers.
func (o Owner) siblings() []string {
	var names []string
	if o.Kind == "driver" {
		for _, d := range schemas.Drivers() {
			names = append(names, d.Name)
		}
		return names
	}
	for _, c := range schemas.Classes() {
		names = append(names, c.Name)
	}
	return names
}

// Decode makes the argument message out of the attribute and reports
// everything that is wrong with it. Values that are not known yet are left out.
func (o Owner) Decode(v attr.Value) (proto.Message, diag.Diagnostics) {
	var diags diag.Diagnostics
	generic, err := Generic(v)
	if err != nil {
		diags.AddAttributeError(path.Root(Attribute), o.summary(), o.Object+": args: "+err.Error())
		return nil, diags
	}
	msg, findings := args.Decode(o.Desc(), generic, args.Options{Prefix: Attribute})
	for _, f := range findings {
		diags.AddAttributeError(anchor(f.Path), o.summary(), o.Object+": "+f.String())
	}
	return msg, diags
}

func (o Owner) summary() string { return fmt.Sprintf("Invalid argument for %s %s", o.Kind, o.Name) }

// anchor returns the place that Terraform can find in the source: the
// attribute and at most one key below it.
func anchor(where string) path.Path {
	root := path.Root(Attribute)
	key := strings.TrimPrefix(strings.TrimPrefix(where, Attribute), ".")
	if i := strings.IndexAny(key, ".["); i >= 0 {
		key = key[:i]
	}
	if key == "" {
		return root
	}
	return root.AtMapKey(key)
}

// Pack returns the argument for a call. The class has been checked.
func (o Owner) Pack(v attr.Value) (*anypb.Any, diag.Diagnostics) {
	msg, diags := o.Decode(v)
	if diags.HasError() {
		return nil, diags
	}
	packed := &anypb.Any{}
	if err := anypb.MarshalFrom(packed, msg, proto.MarshalOptions{Deterministic: true}); err != nil {
		diags.AddAttributeError(path.Root(Attribute), o.summary(), o.Object+": args: "+err.Error())
	}
	return packed, diags
}

// Unpack turns what a daemon has into a message. An absent Any and EmptyArg
// mean the defaults.
func (o Owner) Unpack(a *anypb.Any) (proto.Message, error) {
	desc := o.Desc()
	if desc == nil {
		return nil, fmt.Errorf("%s: there is no %s %q in this provider's schemas", o.Object, o.Kind, o.Name)
	}
	msg := dynamicpb.NewMessage(desc)
	name := a.MessageName()
	if a.GetTypeUrl() == "" || name == emptyArg {
		return msg, nil
	}
	if name != desc.FullName() {
		return nil, fmt.Errorf("%s: the daemon has an argument of type %s, but %s %s takes %s",
			o.Object, name, o.Kind, o.Name, desc.FullName())
	}
	if err := proto.Unmarshal(a.GetValue(), msg); err != nil {
		return nil, fmt.Errorf("%s: the daemon's argument cannot be decoded: %w", o.Object, err)
	}
	return msg, nil
}

// Refresh returns the attribute for what a daemon has: the prior value, as the
// user wrote it, if it means the same, else one made from the message.
func (o Owner) Refresh(prior types.Dynamic, a *anypb.Any) (types.Dynamic, error) {
	actual, err := o.Unpack(a)
	if err != nil {
		return prior, err
	}
	if !prior.IsNull() && !prior.IsUnknown() {
		if msg, diags := o.Decode(prior); !diags.HasError() && args.Equal(msg, actual) {
			return prior, nil
		}
	}
	return types.DynamicValue(Value(args.Encode(actual))), nil
}

// Plan returns what to plan for a configured value: the state's value if both
// mean the same, so that there is nothing to do. Absent means empty.
func (o Owner) Plan(config, state types.Dynamic) types.Dynamic {
	if config.IsUnknown() || config.IsUnderlyingValueUnknown() {
		return config
	}
	want := config
	if want.IsNull() || want.IsUnderlyingValueNull() {
		want = Empty()
	}
	if state.IsNull() || o.Desc() == nil {
		return want
	}
	generic, err := Generic(want)
	if err != nil || HasUnknown(generic) {
		return want
	}
	a, diags := o.Decode(want)
	b, more := o.Decode(state)
	if diags.HasError() || more.HasError() || !args.Equal(a, b) {
		return want
	}
	return state
}

// HasUnknown reports whether a generic value has parts that are not known.
func HasUnknown(v any) bool {
	switch v := v.(type) {
	case args.Unknown:
		return true
	case map[string]any:
		for _, e := range v {
			if HasUnknown(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if HasUnknown(e) {
				return true
			}
		}
	}
	return false
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
