// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package tfargs

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/schemas/args"
)

func num(f float64) types.Number { return types.NumberValue(big.NewFloat(f)) }

// strs is a tuple of texts.
func strs(values ...string) types.Tuple {
	elems, kinds := []attr.Value{}, []attr.Type{}
	for _, v := range values {
		elems, kinds = append(elems, types.StringValue(v)), append(kinds, types.StringType)
	}
	return types.TupleValueMust(kinds, elems)
}

// obj is an object of pairs name, value.
func obj(pairs ...any) types.Object {
	values, kinds := map[string]attr.Value{}, map[string]attr.Type{}
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1].(attr.Value)
		values[pairs[i].(string)], kinds[pairs[i].(string)] = v, v.Type(context.Background())
	}
	return types.ObjectValueMust(kinds, values)
}

func TestGeneric(t *testing.T) {
	for name, c := range map[string]struct {
		in   attr.Value
		want any
	}{
		"null":            {types.DynamicNull(), nil},
		"nothing":         {nil, nil},
		"null inside":     {types.DynamicValue(types.StringNull()), nil},
		"unknown":         {types.DynamicUnknown(), args.Unknown{}},
		"unknown inside":  {types.DynamicValue(types.StringUnknown()), args.Unknown{}},
		"bool":            {types.BoolValue(true), true},
		"text":            {types.StringValue("x"), "x"},
		"tuple":           {strs("a", "b"), []any{"a", "b"}},
		"list":            {types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a")}), []any{"a"}},
		"set":             {types.SetValueMust(types.StringType, []attr.Value{types.StringValue("a")}), []any{"a"}},
		"map":             {types.MapValueMust(types.BoolType, map[string]attr.Value{"k": types.BoolValue(false)}), map[string]any{"k": false}},
		"object":          {obj("a", strs(), "b", types.StringNull()), map[string]any{"a": []any{}, "b": nil}},
		"unknown element": {obj("a", types.StringUnknown()), map[string]any{"a": args.Unknown{}}},
		"empty object":    {obj(), map[string]any{}},
	} {
		got, err := Generic(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, %v, want %#v", name, got, err, c.want)
		}
	}
	// Numbers keep all their digits: a 64-bit number is not a float64.
	large, _ := new(big.Float).SetPrec(512).SetString("18446744073709551615")
	got, err := Generic(types.NumberValue(large))
	if f, ok := got.(*big.Float); err != nil || !ok || f.Cmp(large) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestGenericRefusesOtherTypes(t *testing.T) {
	for _, v := range []attr.Value{
		types.Int64Value(1),
		strs2(types.Int64Value(1)),
		obj("a", types.Float64Value(1)),
	} {
		if got, err := Generic(v); err == nil {
			t.Errorf("%v: got %v, want an error", v, got)
		}
	}
}

func strs2(v attr.Value) types.List {
	return types.ListValueMust(v.Type(context.Background()), []attr.Value{v})
}

func TestValue(t *testing.T) {
	for _, v := range []any{
		true, "text", map[string]any{}, []any{},
		map[string]any{"a": []any{"x", false, map[string]any{"b": "c"}}, "d": []any{}},
	} {
		got, err := Generic(Value(v))
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v came back as %#v, %v", v, got, err)
		}
	}
	for _, c := range []struct {
		in   any
		want string
	}{
		{uint64(math.MaxUint64), "18446744073709551615"}, {int64(math.MinInt64), "-9223372036854775808"},
		{int64(0), "0"}, {0.25, "0.25"}, {nil, "<null>"},
	} {
		v := Value(c.in)
		text := "<null>"
		if n, ok := v.(types.Number); ok {
			text = n.ValueBigFloat().Text('f', -1)
		}
		if text != c.want {
			t.Errorf("%v became %s", c.in, text)
		}
	}
}

func ExampleGeneric() {
	v, _ := Generic(obj("gates", strs("0", "1"), "drop", types.BoolValue(true)))
	fmt.Println(v)
	// Output: map[drop:true gates:[0 1]]
}
