// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bessform/terraform-provider-bess/appliance/api"
	"github.com/bessform/terraform-provider-bess/appliance/hook"
	"github.com/bessform/terraform-provider-bess/appliance/module"
	"github.com/bessform/terraform-provider-bess/appliance/port"
	"github.com/bessform/terraform-provider-bess/schemas"
)

// input is a tree with one complete unit of each kind. The messages are any
// that package api links.
func input() Input {
	return Input{
		Root: fstest.MapFS{
			"appliance/module/x/x.go":          {Data: []byte("package x\nvar Class = module.Class{Name: \"X\"}\n")},
			"appliance/module/x/x_test.go":     {Data: []byte("package x\n")},
			"appliance/module/x/example.txtar": {Data: []byte("module x X\n")},
			"appliance/port/y/y.go":            {Data: []byte("package y\nvar Driver = port.Driver{Name: \"YPort\"}\n")},
			"appliance/port/y/y_test.go":       {Data: []byte("package y\n")},
			"appliance/hook/z/z.go":            {Data: []byte("package z\nvar Class = hook.Class{Name: \"Z\"}\n")},
			"appliance/hook/z/z_test.go":       {Data: []byte("package z\n")},
		},
		Classes: []*module.Class{{
			Name: "X", Prefix: "x", Help: "does X", IGates: 1, OGates: module.MaxGates, Task: true, MaxWorkers: 3,
			StopsWorkers: true, Holds: true, Arg: (*api.Field)(nil),
			Attrs:    []module.AttrDoc{{Name: "<attr_name>", Size: "num_bytes", Mode: module.Update, Help: "what it is"}},
			Counters: []module.CounterDoc{{Name: "odd", Unit: "packets", Help: "odd ones"}},
			Commands: []module.Command{
				{Name: "put", Help: "puts", Rule: module.Quiesced, Arg: (*api.FieldData)(nil)},
				{Name: "get", Help: "gets", Rule: module.Concurrent, Arg: (*api.EmptyArg)(nil), Resp: (*api.Error)(nil)},
			},
		}},
		Drivers: []*port.Driver{{Name: "YPort", Prefix: "y", Help: "does Y", Arg: (*api.TrackArg)(nil)}},
		Hooks: []*hook.Class{{Name: "Z", Prefix: "z", Help: "does Z", Priority: 7, Arg: (*api.TrackArg)(nil),
			Commands: []hook.Command{{Name: "reset", Help: "starts over", Arg: (*api.EmptyArg)(nil)}}}},
	}
}

func TestRun(t *testing.T) {
	out, err := Run(input())
	if err != nil || len(out.Problems) > 0 {
		t.Fatalf("%v, %q", err, out.Problems)
	}
	for _, name := range []string{"schemas/classes.json", "schemas/drivers.json", "schemas/hooks.json",
		"schemas/json/X.json", "schemas/json/YPort.json", "schemas/json/Z.json",
		"appliance/module/x/README.md", "appliance/port/y/README.md", "appliance/hook/z/README.md",
		"appliance/module/README.md", "appliance/port/README.md", "appliance/hook/README.md"} {
		if len(out.Files[name]) == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	if len(out.Files) != 12 {
		t.Errorf("%d files", len(out.Files))
	}
	if list := string(out.Files["appliance/module/README.md"]); !strings.Contains(list, "| [X](x) | Does X. |") {
		t.Errorf("the list of classes:\n%s", list)
	}
	var classes []schemas.Class
	if err := json.Unmarshal(out.Files["schemas/classes.json"], &classes); err != nil {
		t.Fatal(err)
	}
	c := classes[0]
	if c.Name != "X" || c.Arg != "bess.pb.Field" || c.OGates != 8192 || c.MinWorkers != 1 || c.MaxWorkers != 3 || !c.Task ||
		!c.StopsWorkers || !c.Holds || !strings.HasPrefix(c.Doc, "A piece of every packet") || c.Example != "module x X" {
		t.Errorf("class: %+v", c)
	}
	wantCommands := []schemas.Command{
		{Name: "put", Help: "puts", Arg: "bess.pb.FieldData", Rule: "quiesced"},
		{Name: "get", Help: "gets", Arg: "bess.pb.EmptyArg", Response: "bess.pb.Error", Concurrent: true, Rule: "concurrent"},
	}
	if !slices.Equal(c.Commands, wantCommands) {
		t.Errorf("commands: %+v", c.Commands)
	}
	if !slices.Equal(c.Attrs, []schemas.Attr{{Name: "<attr_name>", Size: "num_bytes", Mode: "update", Help: "what it is"}}) ||
		!slices.Equal(c.Counters, []schemas.Counter{{Name: "odd", Unit: "packets", Help: "odd ones"}}) {
		t.Errorf("attributes, counters: %+v", c)
	}
}

func TestPages(t *testing.T) {
	out, err := Run(input())
	if err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][]string{
		"appliance/module/x/README.md": {"# X\n\nDoes X.\n", "| Output gates | 0 to 8191 |", "| up to 3 |", "`x0`",
			"| `num_bytes` | integer (bytes) | required | 1..8 | Length of the piece, 1 to 8. |",
			"| `put` | `FieldData` |  | quiesced | Puts. |", "### FieldData", "### Error",
			"| `&lt;attr_name>` | num_bytes | update | What it is. |", "| `odd` | packets | Odd ones. |", "```\nmodule x X\n```",
			"- [x_test.go](x_test.go)", "from x.go, example.txtar. DO NOT EDIT."},
		"appliance/port/y/README.md": {"# YPort\n", "called `y0`", "| `bits` | true or false | false |"},
		"appliance/hook/z/README.md": {"# Z\n", "that of this class is 7", "| `reset` |  |  | quiesced | Starts over. |"},
	} {
		for _, part := range parts {
			if !strings.Contains(string(out.Files[name]), part) {
				t.Errorf("%s lacks %q:\n%s", name, part, out.Files[name])
			}
		}
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"no example", func(in *Input) { delete(in.Root.(fstest.MapFS), "appliance/module/x/example.txtar") },
			"appliance/module/x: example.txtar is missing"},
		{"no tests", func(in *Input) { delete(in.Root.(fstest.MapFS), "appliance/hook/z/z_test.go") },
			"appliance/hook/z: there are no tests"},
		{"class help", func(in *Input) { in.Classes[0].Help = "" }, "appliance/module/x: X: a text"},
		{"command help", func(in *Input) { in.Classes[0].Commands[1].Help = "" }, "appliance/module/x: command get: a text"},
		{"counter unit", func(in *Input) { in.Classes[0].Counters[0].Unit = "" }, "appliance/module/x: counter odd: a text"},
		{"attribute help", func(in *Input) { in.Classes[0].Attrs[0].Help = "" }, "appliance/module/x: attribute <attr_name>: a text"},
		{"no doc", func(in *Input) { in.Classes[0].Arg = nil }, "appliance/module/x: X: a text"},
		{"driver prefix", func(in *Input) { in.Drivers[0].Prefix = "" }, "appliance/port/y: YPort: a text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input()
			tt.change(&in)
			out, err := Run(in)
			if err != nil || len(out.Problems) != 1 || !strings.HasPrefix(out.Problems[0], tt.want) {
				t.Errorf("got %v, %q; want %q", err, out.Problems, tt.want)
			}
		})
	}
}

func TestUndocumented(t *testing.T) {
	if got := undocumented(schemas.Message("bess.pb.ACLArg")); got != nil {
		t.Errorf("ACLArg: %q", got)
	}
	// What the set does not know has no comments.
	want := []string{"foreign.Arg: a", "foreign.Arg: b"}
	if got := undocumented(foreign(t)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunErrors(t *testing.T) {
	in := input()
	in.Root.(fstest.MapFS)["appliance/module/x/x.go"].Data = []byte("package x\nvar Class = build()\n")
	if _, err := Run(in); err == nil {
		t.Error("a class without literal should be an error")
	}
	in = input()
	in.Classes[0].Arg = dynamicpb.NewMessage(foreign(t))
	if _, err := Run(in); err == nil || !strings.Contains(err.Error(), "foreign.Arg is not in the descriptor set") {
		t.Errorf("unknown message: %v", err)
	}
}
