// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package cpio writes the archive that a kernel unpacks as its first file system.
package cpio

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// Archive is a cpio archive in the form that the kernel unpacks at boot
// (Documentation/driver-api/early-userspace/buffer-format.rst). Everything
// belongs to root, has one time, and comes sorted by name, so that folders
// come before what is in them.
type Archive struct {
	time    int64
	members map[string]member
}

type member struct {
	mode uint32
	data []byte
}

// New returns an empty archive whose files have one time, in seconds since 1970.
func New(time int64) *Archive { return &Archive{time, map[string]member{}} }

// Dir adds a folder.
func (a *Archive) Dir(name string) { a.members[name] = member{0o040755, nil} }

// File adds a file. The folder it is in must be added, too.
func (a *Archive) File(name string, perm uint32, data []byte) {
	a.members[name] = member{0o100000 | perm, data}
}

// Link adds a symbolic link.
func (a *Archive) Link(name, to string) { a.members[name] = member{0o120777, []byte(to)} }

// Bytes returns the archive.
func (a *Archive) Bytes() []byte {
	var b bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(a.members)) {
		a.write(&b, i+1, name, a.members[name])
	}
	a.write(&b, 0, "TRAILER!!!", member{})
	return b.Bytes()
}

func (a *Archive) write(b *bytes.Buffer, ino int, name string, m member) {
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
