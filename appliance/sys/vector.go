// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Vector is a list of segments that one system call reads into or writes from.
// Like Messages it lies outside the Go heap, belongs to one thread at a time,
// and its segments must be memory that does not move. Nothing here allocates
// once it exists.
type Vector struct {
	mem  []byte
	iovs []iovec
	n    int
}

// NewVector returns a list with room for so many segments, 1..1024.
func NewVector(segments int) (*Vector, error) {
	if segments < 1 || segments > 1024 {
		return nil, fmt.Errorf("vector of %d segments: must be in 1..1024", segments)
	}
	mem, err := Map(segments * int(unsafe.Sizeof(iovec{})))
	if err != nil {
		return nil, err
	}
	return &Vector{mem: mem, iovs: unsafe.Slice((*iovec)(unsafe.Pointer(&mem[0])), segments)}, nil
}

// Close releases the memory.
func (v *Vector) Close() {
	Unmap(v.mem)
	*v = Vector{}
}

// Reset makes the list empty.
func (v *Vector) Reset() { v.n = 0 }

// Add appends a segment and reports whether there was room for it.
func (v *Vector) Add(b []byte) bool {
	if v.n >= len(v.iovs) {
		return false
	}
	i := &v.iovs[v.n]
	i.base, i.len = uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))
	v.n++
	return true
}

// Read reads into the segments, in their order, and returns the bytes read.
// nowait makes a descriptor that would wait answer EAGAIN instead; where the
// kernel cannot do that, it answers EOPNOTSUPP.
func (v *Vector) Read(fd int, nowait bool) (int, syscall.Errno) {
	flags := uintptr(0)
	if nowait {
		flags = unix.RWF_NOWAIT
	}
	return v.call(unix.SYS_PREADV2, fd, flags)
}

// Write writes the segments, in their order, and returns the bytes written.
func (v *Vector) Write(fd int) (int, syscall.Errno) { return v.call(unix.SYS_PWRITEV2, fd, 0) }

// call lets the scheduler know nothing, as Messages does. The offset means
// nothing to what is read and written here; giving one is cheaper for the
// kernel than to use, and guard, the descriptor's own.
func (v *Vector) call(trap uintptr, fd int, flags uintptr) (int, syscall.Errno) {
	n, _, err := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(v.iovs))),
		uintptr(v.n), 0, 0, flags)
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}
