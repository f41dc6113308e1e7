// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Do runs f on a thread in the interface's network namespace: sockets opened
// there stay there.
func (i *Interface) Do(f func() error) error { return i.inside(f) }

func (i *Interface) inside(f func() error) error { return within(i.ns, f) }

// within runs f on a thread in a network namespace. To stay where the thread is
// takes no capability.
func within(ns netns.NsHandle, f func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("network namespace: %w", err)
	}
	defer func() { _ = home.Close() }()
	if home.Equal(ns) {
		defer runtime.UnlockOSThread()
		return f()
	}
	if err := netns.Set(ns); err != nil {
		runtime.UnlockOSThread()
		if errors.Is(err, unix.EPERM) {
			return fmt.Errorf("network namespace: %w (the capability CAP_SYS_ADMIN is needed)", err)
		}
		return fmt.Errorf("network namespace: %w", err)
	}
	defer func() {
		// A thread that does not find home must not be used by others: left
		// locked, it ends with its goroutine.
		if netns.Set(home) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}
