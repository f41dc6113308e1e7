// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Package localsock has what all listeners at local sockets (unix(7)) need
// beside the socket: a path that is free, without destroying what is there.
package localsock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// CheckPath checks that the address of a socket can hold a path. "@" in front
// makes it abstract.
func CheckPath(path string) error {
	switch {
	case path == "":
		return errno.Errorf(errno.EINVAL, "path: must be given")
	case len(path) > sys.MaxUnixPath:
		return errno.Errorf(errno.EINVAL, "path: %q: has %d bytes, must be at most %d", path, len(path), sys.MaxUnixPath)
	case strings.Contains(path, "\x00"):
		return errno.Errorf(errno.EINVAL, "path: %q: must not contain NUL", path)
	}
	return nil
}

// Clear removes a socket that nobody listens on any more. Nothing else is
// ever removed. Errors: EINVAL for a file of another kind, EADDRINUSE.
func Clear(path string) error {
	if Abstract(path) {
		return nil
	}
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // or its directory does not exist: binding will tell
	}
	if err != nil {
		return fmt.Errorf("bind(%s) failed: %w", path, err)
	}
	if st.Mode()&fs.ModeSocket == 0 {
		return errno.Errorf(errno.EINVAL, "path: %q: exists and is not a socket", path)
	}
	used, err := sys.UnixSocketInUse(path)
	if err != nil {
		return fmt.Errorf("bind(%s) failed: a socket exists: %w", path, err)
	}
	if used {
		return fmt.Errorf("bind(%s) failed: %w", path, syscall.EADDRINUSE)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("bind(%s) failed: stale socket: %w", path, err)
	}
	return nil
}

// Abstract reports whether a path has no file.
func Abstract(path string) bool { return strings.HasPrefix(path, "@") }

// Mark is the file of a socket just bound; nil for abstract paths.
func Mark(path string) (os.FileInfo, error) {
	if Abstract(path) {
		return nil, nil
	}
	return os.Lstat(path)
}

// Remove removes the file of a socket, unless somebody has put another one in
// its place. Call it while the socket still listens, so that nobody else
// takes it for stale.
func Remove(path string, mark os.FileInfo) {
	if mark == nil {
		return
	}
	if now, err := os.Lstat(path); err == nil && os.SameFile(now, mark) {
		_ = os.Remove(path)
	}
}
