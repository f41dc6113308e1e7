// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestTablesSorted(t *testing.T) {
	check := func(table string, names []string) {
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s: not sorted, or a name twice: %q", table, names)
		}
	}
	check("classes", names(Classes(), func(c Class) string { return c.Name }))
	check("drivers", names(Drivers(), func(d Driver) string { return d.Name }))
	check("hooks", names(Hooks(), func(h Hook) string { return h.Name }))
}

func names[T any](list []T, name func(T) string) []string {
	var all []string
	for _, v := range list {
		all = append(all, name(v))
	}
	return all
}

// What the Go declarations say must agree with what the messages say.
func TestTablesMatchMessages(t *testing.T) {
	for _, c := range Classes() {
		if m := ModuleArg(c.Name); m == nil || m.FullName() != c.Arg && m.Fields().Len() > 0 {
			t.Errorf("class %s takes %s, but by name it should take %v", c.Name, c.Arg, m)
		}
		if ClassByName(c.Name) == nil || ClassByName(c.Name).Name != c.Name {
			t.Errorf("class %s is not found by name", c.Name)
		}
		checkCommands(t, c.Name, c.Commands)
	}
	for _, d := range Drivers() {
		if m := DriverArg(d.Name); m == nil || m.FullName() != d.Arg {
			t.Errorf("driver %s takes %s, but by name it should take %s", d.Name, d.Arg, m.FullName())
		}
	}
	for _, h := range Hooks() {
		if m := HookArg(h.Name); m == nil || m.FullName() != h.Arg {
			t.Errorf("hook %s takes %s, but by name it should take %v", h.Name, h.Arg, m)
		}
		checkCommands(t, h.Name, h.Commands)
	}
}

func checkCommands(t *testing.T, owner string, cmds []Command) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range cmds {
		if seen[c.Name] {
			t.Errorf("%s: command %s twice", owner, c.Name)
		}
		seen[c.Name] = true
		for _, m := range []protoreflect.FullName{c.Arg, c.Response} {
			if m != "" && Message(m) == nil {
				t.Errorf("%s: command %s: message %s is unknown", owner, c.Name, m)
			}
		}
		if c.Arg == "" || c.Help == "" || c.Rule == "" {
			t.Errorf("%s: command %s: argument, help or rule missing: %+v", owner, c.Name, c)
		}
		if c.Concurrent != (c.Rule == "concurrent") {
			t.Errorf("%s: command %s: concurrent is %v but the rule is %s", owner, c.Name, c.Concurrent, c.Rule)
		}
	}
}

func TestFind(t *testing.T) {
	c := Class{Commands: []Command{{Name: "add"}, {Name: "clear"}}}
	if got := c.Command("clear"); got != &c.Commands[1] {
		t.Errorf("clear: %v", got)
	}
	if got := c.Command("Clear"); got != nil {
		t.Errorf("Clear: %v", got)
	}
	h := Hook{Commands: []Command{{Name: "reset"}}}
	if got := h.Command("reset"); got != &h.Commands[0] {
		t.Errorf("reset: %v", got)
	}
	if ClassByName("") != nil || DriverByName("none") != nil || HookByName("none") != nil {
		t.Error("found what does not exist")
	}
}

func TestLoadDamaged(t *testing.T) {
	defer func() {
		if msg, ok := recover().(string); !ok || !strings.Contains(msg, "x.json") {
			t.Errorf("the panic should name the file, got %v", msg)
		}
	}()
	load[Class]("x.json", []byte("["))
}

func TestJSONSchema(t *testing.T) {
	var all []string
	all = append(all, names(Classes(), func(c Class) string { return c.Name })...)
	all = append(all, names(Drivers(), func(d Driver) string { return d.Name })...)
	all = append(all, names(Hooks(), func(h Hook) string { return h.Name })...)
	if len(all) == 0 {
		t.Fatal("the tables are empty")
	}
	for _, name := range all {
		text, err := JSONSchema(name)
		if err != nil {
			t.Error(err)
			continue
		}
		var s struct {
			ID   string `json:"$id"`
			Type string
		}
		if err := json.Unmarshal(text, &s); err != nil || s.ID != name+".json" || s.Type != "object" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, name := range []string{"", "Nothing", "../classes", "ACL.json", "a/b"} {
		if _, err := JSONSchema(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
