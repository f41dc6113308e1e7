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
// allocates nothing unless it fails.
func WriteAt(f int, b []byte, at int64) syscall.Errno {
	for len(b) > 0 {
		n, err := unix.Pwrite(f, b, at)
		if err != nil {
			if e := number(err); e != unix.EINTR {
				return e
			}
			continue
		}
		if n == 0 {
			return unix.EIO
		}
		b, at = b[n:], at+int64(n)
	}
	return 0
}

// number returns the errno in err, EIO if there is none.
func number(err error) syscall.Errno {
	var e syscall.Errno
	if errors.As(err, &e) {
		return e
	}
	return unix.EIO
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
