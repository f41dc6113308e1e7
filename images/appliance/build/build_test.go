// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/appliance/gpt"
	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

func TestPins(t *testing.T) {
	text, err := os.ReadFile("../packages.list")
	if err != nil {
		t.Fatal(err)
	}
	pins, err := parsePins(string(text))
	if err != nil || len(pins) != 3 {
		t.Fatal(pins, err)
	}
	for _, role := range []string{"kernel-cloud", "kernel-full", "boot"} {
		if !pins[role].Pinned || pins[role].Role != role {
			t.Errorf("%s: %+v", role, pins[role])
		}
	}
	if f := (deb{Name: "n", Version: "1:2~x"}).file(); f != "n_1%3a2~x_amd64.deb" {
		t.Error(f)
	}
	sum := strings.Repeat("0", 64)
	for _, bad := range []string{"a b c\n", "a b c d\n", "# x\na b c " + sum + "\na b c " + sum + "\n"} {
		if _, err := parsePins(bad); err == nil || !strings.Contains(err.Error(), pinFile+":") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestModulePatterns(t *testing.T) {
	got, err := parseModules("# c\nall a/\ncloud b.ko # d\nfull c.ko\n", "cloud")
	if err != nil || !slices.Equal(got, []string{"kernel/a/", "kernel/b.ko"}) {
		t.Fatal(got, err)
	}
	if _, err := parseModules("some x\n", "cloud"); err == nil || !strings.Contains(err.Error(), moduleFile+":1") {
		t.Fatal(err)
	}
}

func TestThePlanFitsADisk(t *testing.T) {
	b := &builder{config: &config{version: "v", kernel: "cloud", epoch: 1}}
	p := plan(b.seedOf, leastESP)
	if err := p.Write(discard{}); err != nil {
		t.Fatal(err)
	}
	if p.Partitions[0].First != 2048 || p.Partitions[1].Sectors()*gpt.Sector != dataSize || p.Partitions[0].ID == p.Partitions[1].ID {
		t.Fatalf("%+v", p)
	}
	if again := plan(b.seedOf, leastESP); again.ID != p.ID {
		t.Fatal("the same version has another identity")
	}
	b.version = "w"
	if other := plan(b.seedOf, leastESP); other.ID == p.ID {
		t.Fatal("another version has the same identity")
	}
}

type discard struct{}

func (discard) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

func TestSignaturesAndDamage(t *testing.T) {
	dir := t.TempDir()
	b := &builder{config: &config{keys: filepath.Join(dir, "keys")}}
	k, s, err := b.signingKey()
	if err != nil || !s.Development || s.Note == "" {
		t.Fatal(s, err)
	}
	again, _, err := b.signingKey()
	if err != nil || !k.private.Equal(again.private) {
		t.Fatal("another key the second time:", err)
	}
	out := filepath.Join(dir, "out")
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(out, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	write("disk", []byte("content"))
	pub := filepath.Join(out, publicFile)
	if err := k.writePublic(pub); err != nil {
		t.Fatal(err)
	}
	files, err := listFiles(out)
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	text, _ := json.Marshal(manifest{Name: "x", Files: files})
	write(manifestFile, text)
	write(signatureFile, k.sign(text))
	if m, err := verify(out, pub); err != nil || m.Name != "x" {
		t.Fatal(m, err)
	}
	write("disk", []byte("contenT"))
	if _, err := verify(out, pub); err == nil || !strings.Contains(err.Error(), "disk: 7 bytes, SHA-256") {
		t.Fatal(err)
	}
	write(manifestFile, append(text, ' '))
	if _, err := verify(out, pub); err == nil || !strings.Contains(err.Error(), "the signature is not by the key") {
		t.Fatal(err)
	}
	b.signKey = filepath.Join(out, "disk")
	if _, _, err := b.signingKey(); err == nil || !strings.Contains(err.Error(), "no PEM") {
		t.Fatal(err)
	}
}

func TestOpensslAgrees(t *testing.T) {
	need.Programs(t, "openssl")
	dir := t.TempDir()
	private := filepath.Join(dir, "key")
	if out, err := exec.Command("openssl", "genpkey", "-algorithm", "ed25519", "-out", private).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b := &builder{config: &config{signKey: private}}
	k, s, err := b.signingKey()
	if err != nil || s.Development {
		t.Fatal(s, err)
	}
	for name, text := range map[string][]byte{"text": []byte("x"), "sig": k.sign([]byte("x"))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.writePublic(filepath.Join(dir, "pub")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pub", "-rawin", "-in", "text", "-sigfile", "sig")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestBadConfigurations(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-kernel", "huge", "-epoch", "1000000000"}, `-kernel: "huge"`},
		{[]string{"-epoch", "0"}, "-epoch: 0"},
		{[]string{"stray"}, `"stray"`},
	} {
		if err := buildCommand(c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
