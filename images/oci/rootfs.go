// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// accounts names the user, for programs that ask.
const (
	passwd = "root:x:0:0:root:/:/nonexistent\nbess:x:65532:65532:BESS packet engine:/var/lib/bess:/nonexistent\n"
	group  = "root:x:0:\nbess:x:65532:\n"
)

// entry is a file, or with a nil body a folder.
type entry struct {
	name  string
	mode  int64
	owner int
	body  []byte
}

// rootfs returns the files of the image as a tar archive.
func (r *release) rootfs(arch string) ([]byte, error) {
	entries := []entry{
		{"etc/", 0o755, 0, nil},
		{"etc/bess/", 0o755, 0, nil},
		{"etc/group", 0o644, 0, []byte(group)},
		{"etc/passwd", 0o644, 0, []byte(passwd)},
		{"run/", 0o755, 0, nil},
		{"run/bess/", 0o755, user, nil},
		{"tmp/", 0o1777, 0, nil},
		{"usr/", 0o755, 0, nil},
		{"usr/bin/", 0o755, 0, nil},
		{"usr/share/", 0o755, 0, nil},
		{"usr/share/licenses/", 0o755, 0, nil},
		{"usr/share/licenses/bess/", 0o755, 0, nil},
		{"var/", 0o755, 0, nil},
		{"var/lib/", 0o755, 0, nil},
		{"var/lib/bess/", 0o750, user, nil},
	}
	for _, f := range []struct {
		name, from string
		mode       int64
	}{
		{"usr/bin/bessctl", filepath.Join(r.programs, arch, "bessctl"), 0o755},
		{"usr/bin/bessd", filepath.Join(r.programs, arch, "bessd"), 0o755},
		{"usr/share/licenses/bess/LICENSE", r.licence, 0o644},
	} {
		body, err := os.ReadFile(f.from)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{f.name, f.mode, 0, body})
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := r.add(w, e); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return b.Bytes(), w.Close()
}

func (r *release) add(w *tar.Writer, e entry) error {
	h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(e.body)),
		ModTime: r.created, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
	if e.body == nil {
		h.Typeflag = tar.TypeDir
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(e.body)
	return err
}
