// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/schemas"
)

// explain runs without a daemon.
func explain(t *testing.T, args ...string) result {
	t.Helper()
	return runAt(context.Background(), nil, "", append([]string{"--address", "unix:/nonexistent", "explain"}, args...)...)
}

func explained(t *testing.T, args ...string) string {
	t.Helper()
	r := explain(t, args...)
	if r.code != 0 || r.err != "" {
		t.Fatalf("explain %v: %+v", args, r)
	}
	return r.out
}

func TestExplainList(t *testing.T) {
	text := explained(t)
	var list []summary
	if err := json.Unmarshal([]byte(explained(t, "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if n := len(schemas.Classes()) + len(schemas.Drivers()) + len(schemas.Hooks()); len(list) != n || n == 0 {
		t.Errorf("%d in the list, %d in the tables", len(list), n)
	}
	for _, s := range list {
		if !strings.Contains(text, "  "+s.Name+" ") || !strings.Contains(text, s.Help) || s.Help == "" {
			t.Errorf("%s is not in the list:\n%s", s.Name, text)
		}
	}
	if !strings.HasPrefix(text, "MODULE CLASSES\n  ") {
		t.Errorf("list begins with %.40q", text)
	}
}

// Every manual says all that the descriptors say, in full sentences, and every
// part of it can be asked for alone.
func TestExplainEverything(t *testing.T) {
	for _, m := range library() {
		text := flatten(explained(t, m.Name))
		for _, want := range []string{m.Help, m.Doc, m.Example} {
			if !strings.Contains(text, flatten(want)) {
				t.Errorf("%s lacks %q:\n%s", m.Name, want, text)
			}
		}
		for _, f := range m.Fields {
			if f.Help == "" || !strings.Contains(text, flatten(f.Help)) || !strings.Contains(text, f.Field+": "+flatten(f.facts())) {
				t.Errorf("%s: %s is not explained:\n%s", m.Name, f.Field, text)
			}
		}
		for _, part := range m.parts() {
			if out := explained(t, m.Name+"."+part); !strings.Contains(out, part) {
				t.Errorf("explain %s.%s: %s", m.Name, part, out)
			}
		}
		for _, c := range m.Commands {
			for _, f := range append(c.Fields, c.Response...) {
				if out := explained(t, m.Name+"."+c.Name+"."+f.Field); !strings.Contains(out, f.Field) {
					t.Errorf("explain %s.%s.%s: %s", m.Name, c.Name, f.Field, out)
				}
			}
		}
		var back manual
		dec := json.NewDecoder(strings.NewReader(explained(t, m.Name, "-o", "json")))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&back); err != nil || back.Name != m.Name || len(back.Fields) != len(m.Fields) {
			t.Errorf("%s in JSON: %v, %+v", m.Name, err, back)
		}
	}
}

// flatten undoes line breaks and indentation.
func flatten(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestExplainField(t *testing.T) {
	field := schemas.Message("bess.pb.ACLArg.Rule").Fields().ByName("src_ip")
	for _, path := range []string{"ACL.rules.src_ip", "acl.rules.src_ip", "ACL.rules[3].src_ip"} {
		out := explained(t, path)
		for _, want := range []string{"ACL.rules.src_ip: text, an IPv4 or IPv6 address or prefix (a.b.c.d/length or x:x::/length), default any\n", schemas.Comment(field)} {
			if !strings.Contains(flatten(out), flatten(want)) {
				t.Errorf("explain %s lacks %q:\n%s", path, want, out)
			}
		}
	}
	if out := explained(t, "ACL.rules"); !strings.Contains(out, "ACL.rules: list of object") || !strings.Contains(out, "\n  rules.dst_port: integer, 0..65535") {
		t.Errorf("explain ACL.rules:\n%s", out)
	}
	if out := explained(t, "Queue.set_burst"); !strings.Contains(out, "ARGUMENT") || !strings.Contains(out, "burst: integer (packets), 0..64") {
		t.Errorf("explain Queue.set_burst:\n%s", out)
	}
	if out := explained(t, "Queue.get_status"); !strings.Contains(out, "ANSWER") || !strings.Contains(out, "  enqueued: integer") {
		t.Errorf("explain Queue.get_status:\n%s", out)
	}
}

func TestExplainRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"Quue":                  `bessctl: "Quue": there is no such module class, port driver or gate hook (did you mean "Queue"?)`,
		"Zzzzzzzz":              `explain alone lists what there is`,
		"ACL.rulse":             `bessctl: ACL has no field, command or counter "rulse" (did you mean "rules"?)`,
		"ACL.rules.src_iq":      `(did you mean "rules.src_ip"?)`,
		"Queue.set_burst.brust": `bessctl: Queue.set_burst has no field, command or counter "brust" (did you mean "burst"?)`,
		"ACL.rules.src_ip.x":    `has no field`,
		"ACL.":                  `has no field`,
	} {
		r := explain(t, name)
		if r.code != 1 || r.out != "" || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("explain %s: %+v, want one line with %q", name, r, want)
		}
	}
	if r := explain(t, "ACL", "Queue"); r.code != 1 {
		t.Errorf("two names: %+v", r)
	}
}

func TestFieldFacts(t *testing.T) {
	for path, want := range map[string]string{
		"bess.pb.SourceArg.pkt_size":                  "integer (bytes), 0..2048, default 60",
		"bess.pb.SourceCommandSetPktSizeArg.pkt_size": "integer (bytes), 1..2048, required",
		"bess.pb.QueueArg.size":                       "integer (packets), 4..16384, a power of two, default 1024",
		"bess.pb.QueueArg.prefetch":                   "true or false, default false",
		"bess.pb.UpdateArg.fields":                    "list of object, up to 16 entries, default none",
		"bess.pb.UpdateArg.Field.size":                "integer (bytes), 1..8, required",
		"bess.pb.WorkerSplitArg.worker_gates":         "map from integer to integer, 0..63, keys: 0..63, default none",
		"bess.pb.TrackArg.bits":                       "true or false, default false",
	} {
		i := strings.LastIndex(path, ".")
		msg := schemas.Message(protoreflect.FullName(path[:i]))
		if msg == nil {
			t.Errorf("%s: no such message", path)
			continue
		}
		fd := msg.Fields().ByName(protoreflect.Name(path[i+1:]))
		m := manualOf("f", fd)
		if got := m.facts(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestDrawManual(t *testing.T) {
	m := &manual{
		Name: "Demo", Kind: kindClass, Help: "shows a manual", Prefix: "demo",
		Doc: "Demo has a paragraph that is long enough to be broken into two lines of eighty characters.\n\nAnd a list:\n" +
			"- the first item, which is long as well, so that its second line shows where it hangs\n- the second",
		Gates: &gatesManual{2, 0}, Workers: &workersManual{1, 1, true, true, true},
		Fields: []fieldManual{
			{Field: "size", Type: "integer", Unit: "bytes", Allowed: "1..8", Required: true, Help: "How long."},
			{Field: "a", Type: "text", Default: "empty", OneOf: []string{"a", "b"}, Help: "One.\n\nTwo."},
		},
		Commands: []commandManual{{Name: "add", Help: "adds", Workers: "concurrent", Fields: []fieldManual{{Field: "size"}, {Field: "size.x"}}}},
		Counters: []counterManual{{"odd", "packets", "odd ones"}}, Metadata: []attrManual{{"vlan", "2", "read", "the tag"}},
		Example: "# shown\n\nmodule d Demo {}",
	}
	var b bytes.Buffer
	drawManual(&b, m)
	golden(t, "manual.table", b.String())
}
