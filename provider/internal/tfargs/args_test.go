// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tfargs

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/schemas/args"
)

func class(name string) Owner {
	return Owner{Kind: "class", Name: name, Object: `module "m"`}
}

func dyn(v attr.Value) types.Dynamic { return types.DynamicValue(v) }

// rules is the argument of an ACL.
func rules(rs ...attr.Value) types.Dynamic {
	kinds := make([]attr.Type, len(rs))
	for i, r := range rs {
		kinds[i] = r.Type(context.Background())
	}
	return dyn(obj("rules", types.TupleValueMust(kinds, rs)))
}

func TestUnknownOwner(t *testing.T) {
	if d := class("Source").UnknownOwner(path.Root("class")); d != nil {
		t.Errorf("Source: %v", d)
	}
	d := class("Surce").UnknownOwner(path.Root("class"))
	if d == nil || !strings.Contains(d.Detail(), `there is no class "Surce". Did you mean "Source"?`) {
		t.Errorf("Surce: %v", d)
	}
	d = class("Teleporter").UnknownOwner(path.Root("class"))
	if d == nil || !strings.Contains(d.Detail(), "Known are ") {
		t.Errorf("Teleporter: %v", d)
	}
	if d := (Owner{Kind: "driver", Name: "PMDPort", Object: "x"}).UnknownOwner(path.Root("driver")); d != nil {
		t.Errorf("PMDPort: %v", d)
	}
	if d := (Owner{Kind: "driver", Name: "ACL", Object: "x"}).UnknownOwner(path.Root("driver")); d == nil {
		t.Error("a class is not a driver")
	}
}

// Terraform finds a line only for the attribute and one key below it.
func TestFindingsPointAtLines(t *testing.T) {
	for _, c := range []struct {
		class string
		args  types.Dynamic
		at    path.Path
		text  string
	}{
		{"ACL", rules(obj("src_ip", types.StringValue("10.0.0.0/40"))), path.Root("args").AtMapKey("rules"),
			`module "m": args.rules[0].src_ip: "10.0.0.0/40": prefix length must be 0..32`},
		{"ACL", dyn(obj("rulez", strs())), path.Root("args").AtMapKey("rulez"), `(did you mean "rules"?)`},
		{"Source", dyn(types.StringValue("60")), path.Root("args"), `args: "60": expected a map, got a string`},
		{"Source", dyn(obj("pkt_size", num(4000))), path.Root("args").AtMapKey("pkt_size"), `args.pkt_size: 4000: must be 0..2048`},
		{"Source", dyn(types.Int64Value(1)), path.Root("args"), "cannot be used here"},
	} {
		_, diags := class(c.class).Decode(c.args)
		if len(diags) != 1 {
			t.Errorf("%v: %d diagnostics: %v", c.args, len(diags), diags)
			continue
		}
		at, ok := diags[0].(diag.DiagnosticWithPath)
		if !ok || !at.Path().Equal(c.at) {
			t.Errorf("%v: points at %v, want %s", c.args, diags[0], c.at)
		}
		if !strings.Contains(diags[0].Detail(), c.text) {
			t.Errorf("%v: %q lacks %q", c.args, diags[0].Detail(), c.text)
		}
	}
}

func TestDecodeReportsEverything(t *testing.T) {
	_, diags := class("ACL").Decode(rules(
		obj("src_ip", types.StringValue("x"), "dst_ip", types.StringValue("y")), obj("src_port", num(70000)), types.StringValue("z")))
	if len(diags) != 4 {
		t.Errorf("%d diagnostics, want 4: %v", len(diags), diags)
	}
}

func TestUnknownPartsAreNoErrors(t *testing.T) {
	_, diags := class("ACL").Decode(rules(obj("src_ip", types.StringUnknown(), "src_port", num(1)), types.DynamicUnknown()))
	if len(diags) > 0 {
		t.Error(diags)
	}
}

func TestPlan(t *testing.T) {
	source := class("Source")
	sixty := dyn(obj("pkt_size", num(60)))
	sixtyText := dyn(obj("pkt_size", types.StringValue("60")))
	seventy := dyn(obj("pkt_size", num(70)))
	null := types.DynamicNull()
	none := dyn(obj("pkt_size", types.NumberNull()))
	open := dyn(obj("pkt_size", types.NumberUnknown()))
	for name, c := range map[string]struct{ config, state, want types.Dynamic }{
		"new":                  {sixty, null, sixty},
		"new without":          {null, null, Empty()},
		"new empty":            {Empty(), null, Empty()},
		"same":                 {sixty, sixty, sixty},
		"written otherwise":    {sixtyText, sixty, sixty},
		"changed":              {seventy, sixty, seventy},
		"removed":              {null, sixty, Empty()},
		"absent is empty":      {null, Empty(), Empty()},
		"null inside is empty": {none, Empty(), Empty()},
		"empty is null inside": {Empty(), none, none},
		"not known":            {types.DynamicUnknown(), sixty, types.DynamicUnknown()},
		"part not known":       {open, sixty, open},
		"state is of no use":   {sixty, dyn(obj("gone", num(1))), sixty},
	} {
		if got := source.Plan(c.config, c.state); !got.Equal(c.want) {
			t.Errorf("%s: planned %v, want %v", name, got, c.want)
		}
	}
	if got := class("Nobody").Plan(sixty, seventy); !got.Equal(sixty) {
		t.Errorf("unknown class: planned %v", got)
	}
}

func packed(t *testing.T, o Owner, v types.Dynamic) *anypb.Any {
	t.Helper()
	a, diags := o.Pack(v)
	if diags.HasError() {
		t.Fatal(diags)
	}
	return a
}

func TestPack(t *testing.T) {
	a := packed(t, class("Source"), dyn(obj("pkt_size", num(100))))
	if a.GetTypeUrl() != "type.googleapis.com/bess.pb.SourceArg" || string(a.GetValue()) != "\x08\x64" {
		t.Errorf("packed %v", a)
	}
	if a, diags := class("Source").Pack(dyn(obj("x", num(1)))); a != nil || !diags.HasError() {
		t.Errorf("packed %v, %v", a, diags)
	}
	if a := packed(t, class("Sink"), types.DynamicNull()); a.GetTypeUrl() == "" || len(a.GetValue()) > 0 {
		t.Errorf("packed %v", a)
	}
}

func TestRefresh(t *testing.T) {
	source := class("Source")
	mine := dyn(obj("pkt_size", types.StringValue("0x64")))
	running := packed(t, source, mine)
	if got, err := source.Refresh(mine, running); err != nil || !got.Equal(mine) {
		t.Errorf("what the user wrote is lost: %v, %v", got, err)
	}
	want := dyn(obj("pkt_size", num(100)))
	if got, err := source.Refresh(dyn(obj("pkt_size", num(7))), running); err != nil || !got.Equal(want) {
		t.Errorf("drift: %v, %v", got, err)
	}
	if got, err := source.Refresh(types.DynamicNull(), running); err != nil || !got.Equal(want) {
		t.Errorf("import: %v, %v", got, err)
	}
	for name, a := range map[string]*anypb.Any{
		"absent": nil, "empty": {}, "EmptyArg": {TypeUrl: "type.googleapis.com/bess.pb.EmptyArg"},
		"defaults": {TypeUrl: "x/bess.pb.SourceArg"},
	} {
		if got, err := source.Refresh(types.DynamicNull(), a); err != nil || !got.Equal(Empty()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if got, err := source.Refresh(dyn(obj()), a); err != nil || !got.Equal(dyn(obj())) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// What a daemon answers is not trusted.
func TestRefreshRefuses(t *testing.T) {
	mine := dyn(obj("pkt_size", num(7)))
	for _, c := range []struct {
		owner Owner
		a     *anypb.Any
		want  string
	}{
		{class("Source"), &anypb.Any{TypeUrl: "x/bess.pb.ACLArg"}, "argument of type bess.pb.ACLArg"},
		{class("Source"), &anypb.Any{TypeUrl: "x/bess.pb.SourceArg", Value: []byte{0xff}}, "cannot be decoded"},
		{class("Nobody"), &anypb.Any{}, `there is no class "Nobody"`},
	} {
		got, err := c.owner.Refresh(mine, c.a)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.a, err, c.want)
		}
		if !got.Equal(mine) {
			t.Errorf("%v: the prior value is lost: %v", c.a, got)
		}
	}
}

func TestHasUnknown(t *testing.T) {
	deep := []any{map[string]any{"a": []any{args.Unknown{}}}}
	if !HasUnknown(deep) || HasUnknown([]any{"a", map[string]any{"b": nil}}) || HasUnknown(nil) {
		t.Error("unknown parts are not found, or imagined")
	}
}
