// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/client"
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

func ptr(n int64) *int64 { return &n }

// tcRequest is a traffic class; a rate limit gets a thousand packets a second.
func tcRequest(name, policy, parent string, wid int64, priority *int64) *api.TrafficClass {
	tc := &api.TrafficClass{Name: name, Policy: policy, Parent: parent, Wid: wid}
	if policy == "rate_limit" {
		tc.Resource, tc.Limit = "packet", map[string]int64{"packet": 1000}
	}
	if priority != nil {
		tc.Arg = &api.TrafficClass_Priority{Priority: *priority}
	}
	return tc
}

// taskRequest places a module's task 0 below a traffic class.
func taskRequest(module, parent string) *api.TrafficClass {
	return &api.TrafficClass{LeafModuleName: module, Parent: parent, Wid: client.AnyWorker}
}
