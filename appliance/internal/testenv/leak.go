// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long something may take that must happen: so long that only
// what is broken takes longer, on a busy machine too.
var patience = time.Minute

// NoLeaks fails the test if, when it and all cleanups registered after this
// call are over, more files are open or more goroutines run than now. Not for
// tests that run in parallel.
func NoLeaks(t testing.TB) {
	t.Helper()
	startPoller()
	files, routines := openFiles(), runtime.NumGoroutine()
	t.Cleanup(func() {
		t.Helper()
		end := time.Now().Add(patience)
		for len(openFiles()) > len(files) || runtime.NumGoroutine() > routines {
			if time.Now().After(end) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if now := openFiles(); len(now) > len(files) {
			t.Errorf("%d files are open, %d were before:\n%s", len(now), len(files), strings.Join(now, "\n"))
		}
		if now := runtime.NumGoroutine(); now > routines {
			buf := make([]byte, 1<<16)
			t.Errorf("%d goroutines run, %d did before:\n%s", now, routines, buf[:runtime.Stack(buf, true)])
		}
	})
}

// startPoller makes the runtime open the descriptors of its own that come
// when they are first needed and then stay.
func startPoller() {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
}

// openFiles returns what the process's descriptors refer to.
func openFiles() []string {
	var list []string
	names, _ := filepath.Glob("/proc/self/fd/*")
	for _, n := range names {
		if to, err := os.Readlink(n); err == nil {
			list = append(list, n+" -> "+to)
		}
	}
	return list
}
