// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	"github.com/bessform/terraform-provider-bess/appliance/module/exactmatch"
	"github.com/bessform/terraform-provider-bess/appliance/module/iplookup"
	"github.com/bessform/terraform-provider-bess/appliance/module/source"
)

// A module that takes an argument in place is built again with what commands
// made of it and the argument does not say, and with nothing else.
func TestCommandsThatOutliveTheArgument(t *testing.T) {
	e := newEngine(t, iplookup.Class, exactmatch.Class)
	build(t, e, "src", "Source")
	field := []*api.Field{{Position: &api.Field_Offset{Offset: 0}, NumBytes: 1}}
	_, err := e.CreateModule("r", "IPLookup", arg(t, &iplookup.IPLookupArg{MaxRules: 10}))
	must(t, err)
	_, err = e.CreateModule("m", "ExactMatch", arg(t, &exactmatch.ExactMatchArg{Fields: field, Entries: 10}))
	must(t, err)
	for _, k := range []struct {
		module, command string
		arg             proto.Message
	}{
		{"src", "set_pkt_size", &source.SourceCommandSetPktSizeArg{PktSize: 200}},
		{"src", "set_burst", &source.SourceCommandSetBurstArg{Burst: 3}},
		{"r", "add", &iplookup.IPLookupCommandAddArg{Prefix: "10.0.0.0", PrefixLen: 8, Gate: 1}},
		{"m", "add", &exactmatch.ExactMatchCommandAddArg{Gate: 1, Fields: []*api.FieldData{{Encoding: &api.FieldData_ValueInt{ValueInt: 7}}}}},
	} {
		_, err := e.Command(k.module, k.command, arg(t, k.arg))
		must(t, err)
	}
	calls := func() (all []string) {
		_, r := e.Snapshot()
		for _, m := range r.Calls {
			for _, k := range m.Calls {
				all = append(all, m.Module+" "+k.Command)
			}
		}
		return all
	}
	before := []string{"m set_runtime_config", "r add", "src set_pkt_size", "src set_burst"}
	if got := calls(); !slices.Equal(got, before) {
		t.Fatalf("%q", got)
	}
	update := func(tx *engine.Tx) {
		for name, a := range map[string]proto.Message{
			"src": &source.SourceArg{PktSize: 100},
			"r":   &iplookup.IPLookupArg{MaxRules: 20},
			"m":   &exactmatch.ExactMatchArg{Fields: field, Entries: 20},
		} {
			how, err := tx.UpdateModule(name, arg(t, a))
			if err != nil || how != engine.InPlace {
				t.Fatalf("%s: %v %v", name, how, err)
			}
		}
	}
	if err := e.Transaction(func(tx *engine.Tx) error { update(tx); return errBoom }); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	if got := calls(); !slices.Equal(got, before) {
		t.Errorf("undone: %q", got)
	}
	must(t, e.Transaction(func(tx *engine.Tx) error { update(tx); return nil }))
	if got, want := calls(), []string{"m set_runtime_config", "r add", "src set_burst"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
