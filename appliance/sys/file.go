// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// WriteAt writes all of b at the given place of a file. 0 means success. It
// does not allocate, not even to report an error.
func WriteAt(f int, b []byte, at int64) syscall.Errno {
	for len(b) > 0 {
		n, err := unix.Pwrite(f, b, at)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err.(syscall.Errno)
		case n == 0:
			return unix.EIO
		default:
			b, at = b[n:], at+int64(n)
		}
	}
	return 0
}

// Lock marks a file as in use until it is closed, for this one user only or
// shared with others that read it, and reports whether nobody stands against
// it. On file systems that know no such marks it always succeeds.
func Lock(f *os.File, shared bool) bool {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	return !errors.Is(unix.Flock(int(f.Fd()), how|unix.LOCK_NB), unix.EWOULDBLOCK)
}
