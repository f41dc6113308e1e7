// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package cpio

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bessform/terraform-provider-bess/images/internal/need"
)

func TestCpioIsReadByCpio(t *testing.T) {
	a := New(1000000000)
	a.File("dir/file", 0o755, []byte("hello"))
	a.Dir("dir")
	a.Link("link", "/dir/file")
	text := a.Bytes()
	if !bytes.Equal(text, a.Bytes()) {
		t.Fatal("not the same twice")
	}
	if len(text)%4 != 0 || !bytes.HasPrefix(text, []byte("070701")) || strings.Count(string(text), "070701") != 4 {
		t.Fatalf("%q", text)
	}
	need.Programs(t, "cpio")
	dir := t.TempDir()
	cmd := exec.Command("cpio", "-idm", "--quiet")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(dir, "dir/file"))
	if err != nil || info.Mode() != 0o755 || info.ModTime().Unix() != 1000000000 {
		t.Fatal(info, err)
	}
}
