// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is the locked file that keeps a second daemon away. The lock, not
// the file's existence, says that a daemon runs.
type pidFile struct{ f *os.File }

// errRunning says that another daemon holds the lock.
var errRunning = errors.New("another bessd is running")

// openPidFile opens or creates the file and takes its lock. With kill, a
// daemon that holds it is ended first.
func openPidFile(path string, kill bool) (*pidFile, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o644)
		if err != nil {
			return nil, fmt.Errorf("pid file: %w (choose another with -i)", err)
		}
		err = lock(f)
		if errors.Is(err, errRunning) && kill {
			err = endOther(f)
		}
		if err != nil {
			pid := readPid(f)
			_ = f.Close()
			if errors.Is(err, errRunning) {
				return nil, fmt.Errorf("pid file %s: %w (pid %d); end it, use -k, or choose another file with -i", path, err, pid)
			}
			return nil, fmt.Errorf("pid file %s: %w", path, err)
		}
		// The previous holder removes the file as it ends: if it was this
		// one, somebody else may create and lock a new one.
		if same(f, path) {
			return &pidFile{f}, nil
		}
		_ = f.Close()
	}
}

func same(f *os.File, path string) bool {
	a, err1 := f.Stat()
	b, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errRunning
	}
	return err
}

func readPid(f *os.File) int {
	b, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, _ := strconv.Atoi(strings.Trim(string(b), " \n\x00"))
	return pid
}

// endOther ends the daemon that holds the lock: up to three SIGTERM, then up
// to two SIGKILL, waiting twice as long after each.
func endOther(f *os.File) error {
	wait := 100 * time.Millisecond
	for i := range 5 {
		pid := readPid(f)
		if pid <= 1 {
			return fmt.Errorf("%w and the file does not tell its pid", errRunning)
		}
		sig := syscall.SIGTERM
		if i >= 3 {
			sig = syscall.SIGKILL
		}
		_ = syscall.Kill(pid, sig)
		for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if err := lock(f); !errors.Is(err, errRunning) {
				return err
			}
		}
		wait *= 2
	}
	return errRunning
}

// write stores the pid: decimal and newline.
func (p *pidFile) write(pid int) error {
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.WriteAt([]byte(strconv.Itoa(pid)+"\n"), 0)
	return err
}

// remove deletes the file, then gives up the lock.
func (p *pidFile) remove() {
	if same(p.f, p.f.Name()) {
		_ = os.Remove(p.f.Name())
	}
	_ = p.f.Close()
}
