// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package hostif

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/bessform/terraform-provider-bess/appliance/errno"
	"github.com/bessform/terraform-provider-bess/appliance/sys"
)

// dir is the state directory that was set, nil for the default.
var dir atomic.Pointer[string]

// SetDir chooses the state directory; "" is the default, /run/bess for root
// and a directory below that for temporary files for others. Processes that
// share interfaces must share the directory.
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

func lockPath(dir string, k key) string {
	return filepath.Join(dir, fmt.Sprintf("%d-%d.lock", k.ns, k.index))
}

// lockFile is a locked file. It holds a user in JSON.
type lockFile struct{ f *os.File }

// user is the process that has the lock.
type user struct {
	PID   int      `json:"pid"`
	Ports []string `json:"ports"`
}

// acquire locks the file of that name, making it if need be. Errors: EBUSY if
// another process has the lock.
func acquire(path string) (*lockFile, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if !sys.Lock(f, false) {
			err := busy(f)
			_ = f.Close()
			return nil, err
		}
		// The one who had it may have removed it between the two calls.
		mine, err := f.Stat()
		now, err2 := os.Stat(path)
		if err == nil && err2 == nil && os.SameFile(mine, now) {
			return &lockFile{f}, nil
		}
		_ = f.Close()
		if err = errors.Join(err, err2); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
}

// busy tells who has the lock.
func busy(f io.Reader) error {
	var u user
	if json.NewDecoder(io.LimitReader(f, 1<<16)).Decode(&u) != nil || u.PID == 0 {
		return errno.Errorf(errno.EBUSY, "is in use by another process")
	}
	program := ""
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", u.PID)); err == nil {
		program = " (" + strings.TrimSpace(string(b)) + ")"
	}
	return errno.Errorf(errno.EBUSY, "is in use by port %s of process %d%s", strings.Join(u.Ports, ", "), u.PID, program)
}

// tell writes who has the lock. It is a help for people: errors do not matter.
func (l *lockFile) tell(ports []string) {
	b, err := json.Marshal(user{os.Getpid(), ports})
	if err != nil {
		return
	}
	_ = l.f.Truncate(0)
	_, _ = l.f.WriteAt(b, 0)
}

// release removes the file while it is still locked, then unlocks it.
func (l *lockFile) release() {
	_ = os.Remove(l.f.Name())
	_ = l.f.Close()
}
