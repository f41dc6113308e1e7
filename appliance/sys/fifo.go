// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FIFOChunk is the most bytes that FIFO.Write takes at once: what the kernel
// puts into a pipe as a whole or not at all (PIPE_BUF), so that several threads
// may write without a lock and no reader ever sees half of a chunk.
const FIFOChunk = 4096

const (
	// fifoRetry is how often a FIFO is looked at: whether somebody reads it
	// now, or not any more.
	fifoRetry = 25 * time.Millisecond
	// fifoCapacity is what the kernel is asked to hold for a slow reader. It
	// is the most that unprivileged processes get.
	fifoCapacity = 1 << 20
)

// FIFO is the writing end of a named pipe whose reader may come and go. Write
// may be called by several threads; it never waits.
//
//	fd ------> the pipe while somebody reads it, else a blank descriptor
//	state ---> odd while somebody reads
//
// The number fd stays the same from OpenFIFO to Close: a thread that is late
// cannot hit a descriptor which the number was given to meanwhile. A goroutine
// does all that takes time.
type FIFO struct {
	path      string
	header    []byte
	reconnect bool
	fd, blank int
	state     atomic.Uint32
	attached  atomic.Bool   // fd is the pipe, whose reader may have gone
	lost      chan struct{} // the reader went away
	stop      chan struct{}
	ended     chan struct{}
}

// FIFOConfig says how to open a FIFO.
type FIFOConfig struct {
	// Path names an existing FIFO.
	Path string
	// Header is written first whenever a reader has come, at most FIFOChunk
	// bytes.
	Header []byte
	// Wait makes OpenFIFO succeed when nobody reads yet.
	Wait bool
	// Reconnect makes the FIFO wait for another reader when one has left.
	Reconnect bool
}

// OpenFIFO opens a FIFO for writing. Errors wrap the kernel's number: ENXIO if
// nobody reads and c.Wait is not set, ENOENT, EACCES; EINVAL for a file that
// is no FIFO.
func OpenFIFO(c FIFOConfig) (*FIFO, error) {
	f := &FIFO{path: c.Path, header: c.Header, reconnect: c.Reconnect, fd: -1, blank: -1,
		lost: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{})}
	err := isFIFO(c.Path)
	if err == nil {
		// System calls that would move bytes fail on such a descriptor.
		f.blank, err = unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		f.fd, err = unix.FcntlInt(uintptr(f.blank), unix.F_DUPFD_CLOEXEC, 0)
	}
	if err == nil {
		if err = f.connect(); c.Wait && noReader(err) {
			err = nil
		}
	}
	if err != nil {
		f.release()
		return nil, err
	}
	go f.run()
	return f, nil
}

// isFIFO returns why path cannot be opened as a FIFO. Nothing else is ever
// opened: that could overwrite a file or start a device.
func isFIFO(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return fmt.Errorf("not a FIFO: %w", unix.EINVAL)
	}
	return nil
}

// connect tries to open the FIFO once. Errors: ENXIO if nobody reads.
func (f *FIFO) connect() error {
	if err := isFIFO(f.path); err != nil {
		return err
	}
	fd, err := unix.Open(f.path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, fifoCapacity)
	if _, err := unix.Write(fd, f.header); err != nil {
		return err
	}
	if err := unix.Dup3(fd, f.fd, unix.O_CLOEXEC); err != nil {
		return err
	}
	f.attached.Store(true)
	f.state.Add(1)
	return nil
}

// run opens the FIFO whenever that is due, until Close, or until the reader has
// gone if there is to be only one.
func (f *FIFO) run() {
	defer close(f.ended)
	for f.wait() {
		if f.Connected() {
			f.check()
		}
		if f.Connected() {
			continue
		}
		if f.attached.Load() {
			// The pipe ends here. Otherwise the next reader would begin with
			// what the last one has left.
			_ = unix.Dup3(f.blank, f.fd, unix.O_CLOEXEC)
			f.attached.Store(false)
			if !f.reconnect {
				return
			}
		}
		// Whatever the error: the FIFO may be made anew, or be allowed.
		_ = f.connect()
	}
}

// wait waits until it is time to look again and reports false on Close.
func (f *FIFO) wait() bool {
	t := time.NewTimer(fifoRetry)
	defer t.Stop()
	select {
	case <-f.stop:
		return false
	case <-f.lost:
	case <-t.C:
	}
	return true
}

// check notices a reader that has gone while nothing was written.
func (f *FIFO) check() {
	state := f.state.Load()
	p := []unix.PollFd{{Fd: int32(f.fd)}}
	if n, err := unix.Poll(p, 0); err == nil && n > 0 && p[0].Revents&unix.POLLERR != 0 {
		f.state.CompareAndSwap(state, state+1)
	}
}

// Connected reports whether somebody reads, as far as known. It costs a load.
func (f *FIFO) Connected() bool { return f.state.Load()&1 != 0 }

// Write writes b, 1..FIFOChunk bytes, as a whole and reports whether it did.
// If not, the pipe is full or nobody reads it. It neither waits nor allocates,
// and the Go scheduler does not learn of the system call: it returns at once,
// and the scheduler would only take the worker's place away.
func (f *FIFO) Write(b []byte) bool {
	state := f.state.Load()
	if state&1 == 0 || len(b) == 0 || len(b) > FIFOChunk {
		return false
	}
	_, _, err := unix.RawSyscall(unix.SYS_WRITE, uintptr(f.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if err == unix.EPIPE && f.state.CompareAndSwap(state, state+1) {
		// Only the first to notice gets here, once for every reader.
		select {
		case f.lost <- struct{}{}:
		default:
		}
	}
	return err == 0
}

// Close ends everything. Nobody may call Write any more.
func (f *FIFO) Close() {
	close(f.stop)
	<-f.ended
	f.release()
}

func (f *FIFO) release() {
	for _, fd := range []int{f.fd, f.blank} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// noReader says that nobody reads the pipe, or not fast enough.
func noReader(err error) bool {
	return errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.EAGAIN)
}
