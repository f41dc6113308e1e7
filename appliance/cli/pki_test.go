// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPKI(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) result { return at(append(append([]string{"pki"}, args...), "--dir", dir)...) }
	if r := run("client", "--role", "admin", "--name", "ann"); r.code != 1 || !strings.Contains(r.err, "`bessctl pki init` makes an authority") {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct{ args, want string }{
		{"init", "authority bess authority"},
		{"server --host a.example,b.example --ip 192.0.2.1,2001:db8::1", "for          2001:db8::1"},
		{"client --role operator --name terraform", "client terraform, role operator"},
		{"client --role reader --name ann --key-type ed25519 --days 7", "client ann, role reader"},
		{"client --role reader --name ann --force", "client ann, role reader"},
	} {
		if r := run(strings.Fields(c.args)...); r.code != 0 || !strings.Contains(r.out, c.want) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
	before, err := os.ReadFile(filepath.Join(dir, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"init", "ca.key exists; --force replaces it"},
		{"server --name other", "--host and --ip: give the names"},
		{"server --host x", "server.key exists"},
		{"client --role root --name x", `--role "root": must be reader, operator or admin`},
		{"client --role reader --name local", `--name "local": is what the daemon calls`},
		{"client --role reader --name ca", `--name "ca": must be a file name`},
		{"client --role reader --name x --days 0", "--days 0: must be"},
		{"client --role reader --name x --key-type dsa", `key type "dsa": must be ecdsa or ed25519`},
	} {
		if r := run(strings.Fields(c.args)...); r.code != 1 || !strings.Contains(r.err, c.want) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "ca.key")); string(after) != string(before) {
		t.Error("the authority's key was overwritten")
	}
	for _, name := range []string{"ca.key", "server.key", "terraform.key", "ann.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	r := at("pki", "show", filepath.Join(dir, "server.crt"), filepath.Join(dir, "terraform.crt"), "-o", "json")
	for _, want := range []string{`"kind": "daemon"`, `"role": "operator"`, `"a.example"`, `"issuer": "bess authority"`, `"problem": ""`} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("lacks %s: %+v", want, r)
		}
	}
	if r := at("pki", "show", filepath.Join(dir, "ann.key")); r.code != 1 || !strings.Contains(r.err, "no PEM block CERTIFICATE") {
		t.Errorf("%+v", r)
	}
}

// Keys in the environment do not show up in the help.
func TestHelpHidesTexts(t *testing.T) {
	t.Setenv("BESS_KEY", "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n")
	if r := at("--help"); r.code != 0 || strings.Contains(r.out, "secret") || !strings.Contains(r.out, "from the environment") {
		t.Errorf("%+v", r)
	}
}

func TestEnrollChecksFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "client.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fp := strings.Repeat("0", 64)
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--token and --fingerprint"},
		{[]string{"--token", "x", "--fingerprint", "y"}, `--fingerprint "y": must be a SHA-256`},
		{[]string{"--token", "x", "--fingerprint", fp, "--name", "a b"}, `--name "a b": must be`},
		{[]string{"--token", "x", "--fingerprint", fp, "--dir", dir}, "client.key exists; --force"},
	} {
		if r := at(append([]string{"enroll"}, c.args...)...); r.code != 1 || !strings.Contains(r.err, c.want) {
			t.Errorf("%v: %+v", c.args, r)
		}
	}
	if r := at("token", "--role", "nobody"); r.code != 1 || !strings.Contains(r.err, `--role "nobody": must be`) {
		t.Errorf("%+v", r)
	}
}
