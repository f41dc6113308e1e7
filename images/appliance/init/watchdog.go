// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A machine whose init says nothing for so long is started again.
const watchdogTimeout = 60 * time.Second

// startWatchdog feeds the hardware's watchdog, or the kernel's own.
func (b *box) startWatchdog() {
	f, err := os.OpenFile("/dev/watchdog", os.O_WRONLY, 0)
	if err != nil {
		b.facts.bad("watchdog", "%v: a hang needs someone to reset the machine", err)
		return
	}
	sec := int(watchdogTimeout / time.Second)
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, sec); err != nil {
		logf(warning, "watchdog: it keeps its own timeout: %v", err)
	}
	b.facts.good("watchdog")
	go func() {
		for {
			_, _ = f.Write([]byte{0}) // never "V": it must not be stopped
			time.Sleep(watchdogTimeout / 4)
		}
	}()
}
