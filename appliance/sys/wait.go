// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Event is a file descriptor that one side signals and another waits for.
// Signal is safe for use by several goroutines; one of them waits and clears.
type Event struct {
	fd  int
	buf [8]byte // for Clear: a buffer on the stack would be allocated
}

// signalled is what Signal writes: a count of one in the machine's order.
var signalled = func() []byte {
	b := make([]byte, 8)
	binary.NativeEndian.PutUint64(b, 1)
	return b
}()

// NewEvent returns an unsignalled Event.
func NewEvent() (*Event, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	return &Event{fd: fd}, nil
}

// FD returns the descriptor to wait for.
func (e *Event) FD() int { return e.fd }

// Signal wakes the waiter, now or when it next waits.
func (e *Event) Signal() { _, _ = unix.Write(e.fd, signalled) }

// Clear forgets signals given so far.
func (e *Event) Clear() { _, _ = unix.Read(e.fd, e.buf[:]) }

// Close releases the descriptor.
func (e *Event) Close() { _ = unix.Close(e.fd) }

// Waiter waits until one of a set of descriptors is readable. It belongs to
// one thread; Wait does not allocate.
type Waiter struct{ fds []unix.PollFd }

// Reset makes the set empty.
func (w *Waiter) Reset() { w.fds = w.fds[:0] }

// Add puts a descriptor into the set; negative ones are ignored.
func (w *Waiter) Add(fd int) {
	if fd >= 0 {
		w.fds = append(w.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
}

// Wait sleeps until a descriptor is readable, a signal arrives or ns
// nanoseconds have passed; ns < 0 waits without limit.
func (w *Waiter) Wait(ns int64) {
	var ts *unix.Timespec
	var t unix.Timespec
	if ns >= 0 {
		t = unix.NsecToTimespec(ns)
		ts = &t
	}
	_, _ = unix.Ppoll(w.fds, ts, nil)
}

// FineTimers asks the kernel to wake the calling thread within a microsecond
// of the time asked for, instead of the default 50.
func FineTimers() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0) }
