// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package tfargs connects Terraform's dynamic attributes with the argument
// messages of the API: it checks what a user wrote against the message of a
// class or driver without a daemon, points at the line that is wrong, and
// compares values as the daemon would, so that 1 and 1.0, null and absent, or
// another order of keys never show up as a change.
package tfargs

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// Generic turns a value of any Terraform type into what package args reads:
// nil, bool, *big.Float, string, []any, map[string]any, and args.Unknown for
// what is not known before apply.
func Generic(v attr.Value) (any, error) {
	switch {
	case v == nil || v.IsNull():
		return nil, nil
	case v.IsUnknown():
		return args.Unknown{}, nil
	}
	switch v := v.(type) {
	case types.Dynamic:
		return Generic(v.UnderlyingValue())
	case types.Bool:
		return v.ValueBool(), nil
	case types.Number:
		return v.ValueBigFloat(), nil
	case types.String:
		return v.ValueString(), nil
	case types.Object:
		return genericMap(v.Attributes())
	case types.Map:
		return genericMap(v.Elements())
	case types.List:
		return genericList(v.Elements())
	case types.Tuple:
		return genericList(v.Elements())
	case types.Set:
		return genericList(v.Elements())
	}
	return nil, fmt.Errorf("a value of type %s cannot be used here", v.Type(context.Background()))
}

func genericMap(elems map[string]attr.Value) (any, error) {
	out := make(map[string]any, len(elems))
	for k, e := range elems {
		v, err := Generic(e)
		if err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, nil
}

func genericList(elems []attr.Value) (any, error) {
	out := make([]any, len(elems))
	for i, e := range elems {
		v, err := Generic(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// Value turns what args.Encode returns into a Terraform value: maps become
// objects and lists tuples, as if a user had written them.
func Value(v any) attr.Value {
	switch v := v.(type) {
	case bool:
		return types.BoolValue(v)
	case string:
		return types.StringValue(v)
	case int64:
		return types.NumberValue(new(big.Float).SetInt64(v))
	case uint64:
		return types.NumberValue(new(big.Float).SetUint64(v))
	case float64:
		return types.NumberValue(big.NewFloat(v))
	case map[string]any:
		return objectValue(v)
	case []any:
		return tupleValue(v)
	}
	return types.DynamicNull()
}

func objectValue(m map[string]any) attr.Value {
	attrTypes, values := map[string]attr.Type{}, map[string]attr.Value{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		values[k] = Value(m[k])
		attrTypes[k] = values[k].Type(context.Background())
	}
	return types.ObjectValueMust(attrTypes, values)
}

func tupleValue(l []any) attr.Value {
	elemTypes, values := make([]attr.Type, len(l)), make([]attr.Value, len(l))
	for i, e := range l {
		values[i] = Value(e)
		elemTypes[i] = values[i].Type(context.Background())
	}
	return types.TupleValueMust(elemTypes, values)
}
