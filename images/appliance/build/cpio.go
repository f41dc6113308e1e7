// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// archive is a cpio archive in the form that the kernel unpacks at boot
// (Documentation/driver-api/early-userspace/buffer-format.rst). Everything
// belongs to root, has one time, and comes sorted by name, so that folders
// come before what is in them.
type archive struct {
	time    int64
	members map[string]member
}

type member struct {
	mode uint32
	data []byte
}

func newArchive(time int64) *archive { return &archive{time, map[string]member{}} }

func (a *archive) dir(name string) { a.members[name] = member{0o040755, nil} }

func (a *archive) file(name string, perm uint32, data []byte) {
	a.members[name] = member{0o100000 | perm, data}
}

func (a *archive) link(name, to string) { a.members[name] = member{0o120777, []byte(to)} }

func (a *archive) bytes() []byte {
	var b bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(a.members)) {
		a.write(&b, i+1, name, a.members[name])
	}
	a.write(&b, 0, "TRAILER!!!", member{})
	return b.Bytes()
}

func (a *archive) write(b *bytes.Buffer, ino int, name string, m member) {
	links, time := 1, a.time
	switch {
	case ino == 0:
		time = 0
	case m.mode&0o170000 == 0o040000:
		links = 2
	}
	_, _ = fmt.Fprintf(b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", ino, m.mode, 0, 0, links,
		uint32(time), len(m.data), 0, 0, 0, 0, len(name)+1, 0, name)
	pad(b)
	b.Write(m.data)
	pad(b)
}

// pad fills up to a multiple of four bytes.
func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
