// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bessform/terraform-provider-bess/schemas"
)

func TestRows(t *testing.T) {
	find := func(msg protoreflect.FullName, path string) row {
		for _, r := range rows(schemas.Message(msg)) {
			if r.path == path {
				return r
			}
		}
		t.Errorf("%s has no row %s", msg, path)
		return row{}
	}
	tests := []struct {
		msg                           protoreflect.FullName
		path, kind, fallback, allowed string
	}{
		{"bess.pb.SourceArg", "pkt_size", "integer (bytes)", "60", "0..2048"},
		{"bess.pb.ACLArg", "rules", "list of objects", "none", ""},
		{"bess.pb.ACLArg", "rules[].src_ip", "text", "any", "IPv4 or IPv6 address or prefix"},
		{"bess.pb.ACLArg", "rules[].drop", "true or false", "false", ""},
		{"bess.pb.QueueArg", "size", "integer (packets)", "1024", "4..16384, a power of two"},
		{"bess.pb.SplitArg", "size", "integer (bytes)", "required", "1..8"},
		{"bess.pb.SplitArg", "offset", "integer (bytes)", "", "0..1024"},
		{"bess.pb.ExactMatchArg", "fields[].num_bytes", "integer (bytes)", "required", "1..8"},
		{"bess.pb.ExactMatchArg", "masks", "list of numbers or byte strings", "none", "up to 8 entries"},
		{"bess.pb.ExactMatchArg", "fields", "list of objects", "required", "1..8 entries"},
		{"bess.pb.SetMetadataArg", "attrs", "list of objects", "required", "at least one entry"},
		{"bess.pb.GenericEncapArg", "fields[].value", "number or bytes", "", ""},
		{"bess.pb.RewriteArg", "templates", "list of byte strings (bytes)", "none", "up to 1536 bytes, up to 64 entries"},
		{"bess.pb.MetadataTestArg", "read", "map from text to integer (bytes)", "none", "1..32, keys: 1..255 bytes"},
		{"bess.pb.RoundRobinArg", "mode", "text", "batch", "`packet`, `batch`"},
		{"bess.pb.StaticNATArg", "pairs[].int_range.start", "text", "required", "IPv4 address"},
		{"bess.pb.DRRQuantumArg", "quantum", "integer (bytes)", "required", "at least 1"},
		{"bess.pb.RandomSplitArg", "drop_rate", "number", "0", "0..1"},
		{"bess.pb.UrlFilterArg", "blacklist[].host", "text", "empty", ""},
	}
	for _, tt := range tests {
		r := find(tt.msg, tt.path)
		if r.kind != tt.kind || r.fallback != tt.fallback || r.allowed != tt.allowed {
			t.Errorf("%s %s: got %q, %q, %q; want %q, %q, %q", tt.msg, tt.path, r.kind, r.fallback, r.allowed, tt.kind, tt.fallback, tt.allowed)
		}
	}
	if doc := find("bess.pb.SplitArg", "attribute").doc; !strings.HasSuffix(doc, "(at most one of `attribute`, `offset`)") {
		t.Errorf("oneof: %q", doc)
	}
	if doc := find("bess.pb.PMDPortArg", "pci").doc; !strings.HasSuffix(doc, "(one of `port_id`, `pci`, `vdev`)") {
		t.Errorf("required oneof: %q", doc)
	}
}

func TestTitle(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"# First\n# second\n", "First"},
		{"# SPDX-License-Identifier: x\n#\n\n# After the licence\nmodule a B\n", "After the licence"},
		{"module a B\n# late\n", ""},
	}
	for _, tt := range tests {
		if got := title(tt.in); got != tt.want {
			t.Errorf("title(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	if got, want := cell("a|b <c>\n- d\n\ne"), `a\|b &lt;c><br>- d<br>e`; got != want {
		t.Errorf("cell: %q, want %q", got, want)
	}
	for in, want := range map[string]string{"": "", "do it": "Do it.", "Done.": "Done.", "a <b>": "A &lt;b>."} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
	for n, want := range map[int]string{0: "none", 1: "0", 2: "0 to 1", 8192: "0 to 8191"} {
		if got := gates(n); got != want {
			t.Errorf("gates(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestReadUnit(t *testing.T) {
	fsys := fstest.MapFS{
		"appliance/module/x/x.go":              {Data: []byte("// Package x is X.\n//\n// More about\n// it.\npackage x\n")},
		"appliance/module/x/x_test.go":         {Data: []byte("package x")},
		"appliance/module/x/example.txtar":     {Data: []byte("# Shown\n")},
		"appliance/module/x/testdata/b.txtar":  {Data: []byte("# Second\n")},
		"appliance/module/x/testdata/a.txtar":  {Data: []byte("run\n")},
		"appliance/module/x/testdata/notes.md": {Data: []byte("no test")},
	}
	u, err := readUnit(fsys, "appliance/module", "x")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(u.sources, []string{"x.go", "example.txtar"}) || u.example != "# Shown\n" {
		t.Errorf("%+v", u)
	}
	want := []test{{"x_test.go", ""}, {"testdata/a.txtar", ""}, {"testdata/b.txtar", "Second"}}
	if !slices.Equal(u.tests, want) {
		t.Errorf("tests: %v", u.tests)
	}
	if got := u.doc(emptyArg); got != "More about\nit." {
		t.Errorf("doc from the package: %q", got)
	}
	if got := u.doc("bess.pb.SinkArg"); !strings.HasPrefix(got, "Sink takes packets") {
		t.Errorf("doc from the message: %q", got)
	}
	u.dir = "appliance/module/mplspop"
	if got := u.doc(emptyArg); !strings.HasPrefix(got, "MPLSPop removes") {
		t.Errorf("doc from the folder's messages: %q", got)
	}
	fsys["appliance/module/x/x.go"].Data = []byte("pack")
	if _, err := readUnit(fsys, "appliance/module", "x"); err == nil {
		t.Error("broken Go should be an error")
	}
}
