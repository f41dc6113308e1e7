// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
)

// Do runs f on a thread in the interface's network namespace: sockets opened
// there stay there.
func (i *Interface) Do(f func() error) error { return i.inside(f) }

func (i *Interface) inside(f func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("network namespace: %w", err)
	}
	defer func() { _ = home.Close() }()
	if home.Equal(i.ns) {
		defer runtime.UnlockOSThread()
		return f()
	}
	if err := netns.Set(i.ns); err != nil {
		runtime.UnlockOSThread()
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
