// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bessform/terraform-provider-bess/schemas"
	"github.com/bessform/terraform-provider-bess/schemas/args"
)

func TestParseArgument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "arg.yaml")
	if err := os.WriteFile(file, []byte("# rules\nrules:\n  - src_ip: 10.0.0.0/8\n    drop: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rules := `{"rules":[{"drop":true,"src_ip":"10.0.0.0/8"}]}`
	tests := []struct{ message, words, in, want string }{
		{"ACLArg", `{rules: [{src_ip: 10.0.0.0/8, drop: true}]}`, "", rules},
		{"ACLArg", `{"rules":[{"src_ip":"10.0.0.0/8","drop":true}]}`, "", rules},
		{"ACLArg", "rules: [{src_ip: 10.0.0.0/8, drop: true}]", "", rules},
		{"ACLArg", `rules=[{src_ip: 10.0.0.0/8, drop: true}]`, "", rules},
		{"ACLArg", "@" + file, "", rules},
		{"ACLArg", "@-", "rules:\n- {src_ip: 10.0.0.0/8, drop: true}\n", rules},
		{"ACLArg", "rules=", "", `{}`},
		{"ACLArg", "{}", "", `{}`},
		{"ACLArg", "", "", `{}`}, // an empty word is an empty document
		{"SourceCommandSetBurstArg", "burst=32", "", `{"burst":32}`},
		{"SourceCommandSetBurstArg", "burst=0x20", "", `{"burst":32}`},
		{"QueueArg", "size=1024|prefetch=true", "", `{"prefetch":true,"size":1024}`},
		{"TimestampArg", "attr_name=1234", "", `{"attr_name":"1234"}`},
		{"TimestampArg", "attr_name=a=b", "", `{"attr_name":"a=b"}`},
		{"TimestampArg", "{attr_name: 2001-01-01}", "", `{"attr_name":"2001-01-01"}`},
		{"RewriteArg", "templates=[ffff, 0x0102]", "", `{"templates":["0xffff","0x0102"]}`},
	}
	for _, tt := range tests {
		a, err := parseArgument(argumentMessage(tt.message), strings.Split(tt.words, "|"), strings.NewReader(tt.in))
		if err != nil {
			t.Errorf("%s %q: %v", tt.message, tt.words, err)
			continue
		}
		m, err := a.UnmarshalNew()
		if err != nil {
			if m, err = unpackDynamic(a.GetValue(), tt.message); err != nil {
				t.Errorf("%s %q: %v", tt.message, tt.words, err)
				continue
			}
		}
		if got := args.JSON(m); got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.message, tt.words, got, tt.want)
		}
	}
	if a, err := parseArgument(argumentMessage("ACLArg"), nil, nil); a != nil || err != nil {
		t.Errorf("no words: %v, %v", a, err)
	}
}

func unpackDynamic(wire []byte, message string) (proto.Message, error) {
	mt, err := schemas.Types().FindMessageByName(argumentMessage(message).FullName())
	if err != nil {
		return nil, err
	}
	m := mt.New().Interface()
	return m, proto.Unmarshal(wire, m)
}

func TestParseArgumentRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	tests := []struct{ message, words, want string }{
		{"ACLArg", "{rules: [{src_ip: 10.0.0.0/40}]}", `rules[0].src_ip: "10.0.0.0/40": prefix length must be 0..32`},
		{"ACLArg", "{rulez: []}", `rulez: [0 elements]: unknown field (did you mean "rules"?)`},
		{"ACLArg", "{rules: [{dst_port: 70000}, {drop: yes}]}", `rules[1].drop: "yes": expected true or false, got a string; rules[0].dst_port: 70000: must be 0..65535`},
		{"ACLArg", "[1, 2]", "expected a map"},
		{"ACLArg", "{rules: [", "did not find expected node content"},
		{"ACLArg", "{a: 1, a: 2}", `"a" is given twice`},
		{"ACLArg", "rules: []\n---\nrules: []", "must be one YAML document"},
		{"ACLArg", "{rules: [&a {drop: true}, *a]}", "aliases (*a) are not possible here"},
		{"ACLArg", "{<<: {rules: []}}", "a key must be a plain word"},
		{"ACLArg", "{[a]: 1}", "a key must be a plain word"},
		{"ACLArg", "{rules: !!int x}", `"x" cannot be read`},
		{"ACLArg", "@" + missing, "no such file"},
		{"ACLArg", "rules|more", `argument "rules": several words must be key=value each`},
		{"SourceCommandSetBurstArg", "burst=65", "burst: 65: must be 0..64 packets"},
		{"SourceCommandSetBurstArg", "burst=1|burst=2", "burst is given twice"},
		{"SourceCommandSetBurstArg", "burst=1|two", `argument "two": must be key=value like the first word`},
		{"SourceCommandSetBurstArg", "burst=[", "burst: "},
		{"SourceCommandSetBurstArg", "brust=1", `brust: 1: unknown field (did you mean "burst"?)`},
		{"SourceCommandSetBurstArg", "burst=010", `burst: "010"`},
	}
	for _, tt := range tests {
		_, err := parseArgument(argumentMessage(tt.message), strings.Split(tt.words, "|"), strings.NewReader(""))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %q: %v, want one line with %q", tt.message, tt.words, err, tt.want)
		}
	}
}

func FuzzParseArgument(f *testing.F) {
	for _, s := range []string{"{rules: [{src_ip: 10.0.0.0/8}]}", "rules=[]", "templates=ff", "&a [*a]", "x: !!binary aa==", "a=b", "{<<: 1}", "- 1\n--- 2"} {
		f.Add(s)
	}
	desc := argumentMessage("ACLArg")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "@") {
			t.Skip()
		}
		a, err := parseArgument(desc, []string{text}, nil)
		if err == nil && text != "" && a == nil {
			t.Errorf("%q: neither argument nor error", text)
		}
	})
}
