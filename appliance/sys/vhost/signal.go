// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package vhost

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	// one is what is written to an eventfd.
	one = binary.NativeEndian.AppendUint64(nil, 1)
	// drained takes what is read from one. Nobody looks at it.
	drained [8]byte
)

// signal makes an eventfd readable, drain unreadable. The descriptors do not
// block (see adopt), so that there is no point in telling the Go scheduler
// about the calls.
func signal(fd int) {
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one[0])), 8)
}

func drain(fd int) {
	_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&drained[0])), 8)
}
