// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

// pack makes the creation argument of a class.
func pack(t *testing.T, class string, v map[string]any) *anypb.Any {
	t.Helper()
	msg, findings := args.Decode(schemas.ModuleArg(class), v, args.Options{})
	if len(findings) > 0 {
		t.Fatal(args.Text(findings))
	}
	packed, err := anypb.New(msg)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// unpack returns a creation argument as JSON.
func unpack(t *testing.T, class string, a *anypb.Any) string {
	t.Helper()
	msg := dynamicpb.NewMessage(schemas.ModuleArg(class))
	if err := proto.Unmarshal(a.GetValue(), msg); err != nil {
		t.Fatal(err)
	}
	return args.JSON(msg)
}

// lines splits a text that is easier to read as one.
func lines(text string) []string { return strings.Split(text, "\n") }
