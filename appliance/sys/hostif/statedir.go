// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
)

// dir is the state directory that was set, nil for the default.
var dir atomic.Pointer[string]

// SetDir chooses the state directory; "" is the default, /run/bess for root
// and a directory below that for temporary files for others. A process that was
// killed is cleaned up after by one with the same directory.
func SetDir(path string) { dir.Store(&path) }

// Dir returns the state directory.
func Dir() string {
	if d := dir.Load(); d != nil && *d != "" {
		return *d
	}
	if os.Geteuid() == 0 {
		return "/run/bess"
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("bess-%d", os.Geteuid()))
}

// ensureDir makes the state directory. One that somebody else could write to
// is refused: its journals would be orders.
func ensureDir() (string, error) {
	d := Dir()
	if err := os.MkdirAll(d, 0o700); err != nil {
		return "", fmt.Errorf("state directory: %w", err)
	}
	fi, err := os.Stat(d)
	if err != nil {
		return "", fmt.Errorf("state directory: %w", err)
	}
	if s, ok := fi.Sys().(*syscall.Stat_t); !fi.IsDir() || !ok || int(s.Uid) != os.Geteuid() || fi.Mode().Perm()&0o022 != 0 {
		return "", errno.Errorf(errno.EACCES, "state directory %s: must belong to this user and be writable by nobody else", d)
	}
	return d, nil
}
