// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package boottest

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// There is no shell in the image, nor anything else to run but what it is
// for. The list is that of the archive that the kernel starts with, which is
// the whole file system of the box.
func TestExecutables(t *testing.T) {
	out, err := exec.Command("zstd", "-dcq", image(t).File("initrd.img")).Output()
	if err != nil {
		t.Fatal(err)
	}
	members, err := readArchive(out)
	if err != nil {
		t.Fatal(err)
	}
	var executables []string
	for name, m := range members {
		if m.mode&0o170000 == 0o100000 && m.mode&0o111 != 0 || strings.HasPrefix(m.head, "\x7fELF") && path.Ext(name) != ".ko" || strings.HasPrefix(m.head, "#!") {
			executables = append(executables, name)
		}
		if slices.Contains([]string{"sh", "ash", "bash", "dash", "busybox", "toybox"}, path.Base(name)) {
			t.Errorf("a shell: %s", name)
		}
		if m.mode&(0o6000|0o002) != 0 && m.mode&0o170000 != 0o120000 {
			t.Errorf("%s has mode %o", name, m.mode)
		}
	}
	slices.Sort(executables)
	if got := fmt.Sprint(executables); got != "[bin/bessd init]" {
		t.Errorf("executables %s", got)
	}
	t.Logf("%d files and folders, executables %v", len(members), executables)
}

// member is one of an archive: its mode and first bytes.
type member struct {
	mode uint64
	head string
}

// readArchive reads cpio archives of the form "newc", one behind another
// (Documentation/driver-api/early-userspace/buffer-format.rst).
func readArchive(b []byte) (map[string]member, error) {
	const header = 110
	members := map[string]member{}
	text, at := string(b), 0
	for at < len(text) {
		if text[at] == 0 { // between archives
			at++
			continue
		}
		if len(text)-at < header || text[at:at+6] != "070701" {
			return nil, fmt.Errorf("offset %d: no header: %w", at, fs.ErrInvalid)
		}
		field := func(i int) int {
			n, _ := strconv.ParseUint(text[at+6+8*i:at+14+8*i], 16, 32)
			return int(n)
		}
		mode, size, nameSize := field(1), field(6), field(11)
		data := (at + header + nameSize + 3) &^ 3
		end := data + size
		if nameSize == 0 || end > len(text) {
			return nil, fmt.Errorf("offset %d: a member beyond the end: %w", at, fs.ErrInvalid)
		}
		if name := text[at+header : at+header+nameSize-1]; name != "TRAILER!!!" {
			members[name] = member{uint64(mode), text[data:min(end, data+4)]}
		}
		at = (end + 3) &^ 3
	}
	if len(members) == 0 {
		return nil, fmt.Errorf("the archive is empty: %w", fs.ErrInvalid)
	}
	return members, nil
}
