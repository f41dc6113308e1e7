// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// Without calls f on a thread that does not make use of some capabilities
// (capabilities(7)), and returns its error. Other threads, also those that f
// starts goroutines on, and programs that root starts have them.
func Without(f func() error, capabilities ...int) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had, has [2]unix.CapUserData
	if err := unix.Capget(&h, &had[0]); err != nil {
		return err
	}
	has = had
	for _, n := range capabilities {
		has[n/32].Effective &^= 1 << (n % 32)
	}
	if err := unix.Capset(&h, &has[0]); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.Capset(&h, &had[0])) }()
	return f()
}
