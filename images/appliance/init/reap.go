// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// reap takes the exit status of processes whose parents have ended: they
// become children of the first process. keep is the child that is waited for
// elsewhere.
func reap(keep *atomic.Int64) {
	for ; ; time.Sleep(5 * time.Second) {
		files, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, f := range files {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			text, err := os.ReadFile(f)
			if err != nil || int64(pid) == keep.Load() || !isOrphan(text) {
				continue
			}
			var st unix.WaitStatus
			if _, err := unix.Wait4(pid, &st, unix.WNOHANG, nil); err == nil {
				logf(notice, "process %d has ended, status %#x", pid, uint32(st))
			}
		}
	}
}

// isOrphan reads /proc/PID/stat (proc(5)): a zombie whose parent is the first
// process. The name in it may hold anything, so what follows the last
// parenthesis counts.
func isOrphan(stat []byte) bool {
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return len(f) >= 2 && f[0] == "Z" && f[1] == "1"
}
